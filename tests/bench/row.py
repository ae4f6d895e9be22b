"""One line of the result: what was measured, against what, and whether the target is met."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from .plot import Plot


class Length(StrEnum):
    """How long measuring may take; only the usual length and the full one say anything."""

    QUICK = "quick"
    """Seconds for each benchmark: it shows that the benchmark works."""
    USUAL = "usual"
    """Minutes."""
    FULL = "full"
    """Up to an hour for those that count a million."""

    def of(self, *, quick: int, usual: int, full: int | None = None) -> int:
        """Return how many of something that is, at full length as many as usual unless told."""
        match self:
            case Length.QUICK:
                return quick
            case Length.USUAL:
                return usual
            case Length.FULL:
                return usual if full is None else full


@dataclass(frozen=True, slots=True)
class Row:
    """A figure with its control."""

    what: str
    control: str
    subject: str
    target: str
    is_met: bool | None
    """None: reported without a target."""
    plot: Plot | None = None
    """The figures that are too many for a line."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Several measurements of the same thing."""

    values: tuple[float, ...]

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.values)

    def __str__(self) -> str:
        """Return the median with the range: `1.02 (0.97-1.10)`."""
        low, high = min(self.values), max(self.values)
        return f"{_short(self.middle)} ({_short(low)} to {_short(high)}, n={len(self.values)})"


def quantile(numbers: Iterable[float], share: float) -> float:
    """Return the number below which this share of them lies; of few the largest."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _short(value: float) -> str:
    return f"{value:.4g}"


def spread(values: Iterable[float]) -> Spread:
    """Return the spread of `values`, at least one."""
    return Spread(tuple(values))


Bench = Callable[[Length], Sequence[Row]]
"""A function that measures and returns rows."""


def table(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table."""
    lines = ["| what | control | subject | target | met |", "|---|---|---|---|---|"]
    words = {True: "yes", False: "**no**", None: "-"}
    lines += [
        f"| {row.what} | {row.control} | {row.subject} | {row.target} | {words[row.is_met]} |"
        for row in rows
    ]
    return "\n".join(lines)
