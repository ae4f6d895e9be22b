"""A run keeps what it has found: as JSON while it goes on, and as a table that can be pasted."""

from pathlib import Path

from tests.bench.conditions import Conditions
from tests.bench.plot import Plot
from tests.bench.record import Record
from tests.bench.row import Row

CONDITIONS = Conditions("2026-01-31", "usual", "2 cores of a processor", "CPython 3.11.7", 0.1)

MET = Row("speed", "1", "2", "ratio at least 1: 2", is_met=True)
MISSED = Row("memory", "1", "3", "ratio at most 2: 3", is_met=False)
DRAWN = Row("growth", "1", "2", "reported", None, Plot("name", "A", "n", "s", {"one": [(1, 2.0)]}))


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    """A run that was cut off can be shown: rows, plots, conditions and times are all there."""
    record = Record(CONDITIONS)
    record.add("service speed", [MET, DRAWN], 1.04)
    record.write(tmp_path / "rows.json")

    assert Record.read(tmp_path / "rows.json") == record
    assert [path.name for path in tmp_path.iterdir()] == ["rows.json"]


def test_a_table_says_when_and_where_it_was_measured() -> None:
    """Date, length, machine, whether others used it, and versions stand above the rows."""
    told = str(Record(CONDITIONS, [MET], {"service speed": 120.0}))

    assert told.startswith("`uv run python -m tests.bench --length usual`, 2026-01-31, on 2 cores")
    assert "(otherwise idle: load 0.1 before it began); CPython 3.11.7. It took 2 minutes." in told
    assert told.endswith("| speed | 1 | 2 | ratio at least 1: 2 | yes |")


def test_only_a_target_that_is_missed_counts_as_missed() -> None:
    """A row without a target fails nobody."""
    assert not Record(CONDITIONS, [MET, DRAWN]).is_missed
    assert Record(CONDITIONS, [MET, MISSED]).is_missed


def test_plots_are_drawn_where_there_are_some(tmp_path: Path) -> None:
    """The folder need not be there before."""
    Record(CONDITIONS, [MET, DRAWN]).draw(tmp_path / "plots")

    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["name.svg"]
