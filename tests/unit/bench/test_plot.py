"""Plots show what was measured: each point once, higher where more was measured."""

import re

from tests.bench.plot import HEIGHT, LEFT, TOP, Plot, svg

PLOT = Plot(
    "name", "A & B", "clients", "ms", {"one": [(1, 10.0), (1000, 40.0)], "two": [(10, 5.0)]}
)


def circles(text: str) -> list[tuple[float, float]]:
    """Return where the points of a plot are."""
    found = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', text)
    return [(float(x), float(y)) for x, y in found]


def test_each_point_is_drawn_where_its_numbers_say() -> None:
    """From left to right by the logarithm of the number, and upwards by the measure."""
    (first, last, other) = circles(svg(PLOT))

    assert first[0] == LEFT
    assert first[0] < other[0] < last[0]
    assert abs((other[0] - first[0]) * 3 - (last[0] - first[0])) < 1
    assert TOP < last[1] < first[1] < other[1] < HEIGHT


def test_words_are_escaped() -> None:
    """A title is text, and no markup."""
    assert "A &amp; B" in svg(PLOT)
    assert "A & B" not in svg(PLOT)
