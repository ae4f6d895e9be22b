"""What a run has found, written down after each benchmark: one that is cut off keeps it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from .conditions import Conditions
from .plot import Plot, svg
from .row import Row, table


@dataclass(slots=True)
class Record:
    """The rows of one run, and how it was made."""

    conditions: Conditions
    rows: list[Row] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each benchmark took, by group and name."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what `write` has written."""
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        rows = [Row(**{**row, "plot": _plot(row["plot"])}) for row in found["rows"]]
        return cls(Conditions(**found["conditions"]), rows, found["seconds"])

    def write(self, path: Path) -> None:
        """Write it down as JSON; what was there before stays until the whole of it is there."""
        half = path.with_name(f"{path.name}.half")
        half.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        half.replace(path)

    def draw(self, folder: Path) -> None:
        """Draw what grows into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for plot in filter(None, (row.plot for row in self.rows)):
            (folder / f"{plot.name}.svg").write_text(svg(plot), encoding="utf-8")

    def add(self, name: str, rows: list[Row], seconds: float) -> None:
        """Add what a benchmark has found."""
        self.rows += rows
        self.seconds[name] = round(seconds, 1)

    @property
    def is_missed(self) -> bool:
        """Whether a target is."""
        return any(row.is_met is False for row in self.rows)

    def __str__(self) -> str:
        """Return it as Markdown, to be read and to be pasted."""
        minutes = sum(self.seconds.values()) / 60
        return f"{self.conditions} It took {minutes:.0f} minutes.\n\n{table(self.rows)}"


def _plot(found: dict[str, Any] | None) -> Plot | None:
    """Return a plot that JSON has made lists of."""
    if found is None:
        return None
    lines = {name: [(x, y) for x, y in points] for name, points in found["lines"].items()}
    return Plot(**{**found, "lines": lines})
