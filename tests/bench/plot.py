"""Lines over a logarithmic axis as SVG: growth is what is plotted here, always over numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 40, 50
"""Margins: numbers of the vertical axis to the left, names of the lines to the right."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Told apart by those who see colours otherwise (Okabe and Ito, 2008)."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Plot:
    """What is drawn, beside the row that says it in words."""

    name: str
    """Of the file, without its ending."""
    title: str
    across: str
    """What the horizontal axis counts."""
    up: str
    """What the vertical axis measures; it begins at 0."""
    lines: Mapping[str, Points]


def svg(plot: Plot) -> str:
    """Return a plot as SVG."""
    scale = _Scale(plot)
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
            f"<title>{escape(plot.title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            _text(LEFT, TOP - 18, plot.title, 'font-weight="bold"'),
            _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, plot.across, 'text-anchor="middle"'),
            _text(LEFT, TOP - 4, plot.up, 'fill="#555"'),
            *_axes(scale),
            *(_line(scale, number, name) for number, name in enumerate(plot.lines)),
            "</svg>\n",
        ]
    )


class _Scale:
    """Where on the page a point is."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        points = [point for line in plot.lines.values() for point in line]
        self.numbers = sorted({x for x, _ in points})
        self.top = _round_up(max(y for _, y in points))

    def across(self, x: float) -> float:
        """Return where a number is; the axis is logarithmic."""
        low, high = math.log(self.numbers[0]), math.log(self.numbers[-1])
        share = (math.log(x) - low) / (high - low) if high > low else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def up(self, y: float) -> float:
        """Return where a measure is."""
        return HEIGHT - BOTTOM - y / self.top * (HEIGHT - TOP - BOTTOM)


def _round_up(largest: float) -> float:
    """Return the next 1, 2 or 5 with its zeros."""
    if largest <= 0:
        return 1.0
    power: float = 10 ** math.floor(math.log10(largest))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= largest)


def _axes(scale: _Scale) -> list[str]:
    """Return a mark for each number across, and five lines across the page."""
    below = HEIGHT - BOTTOM
    marks = [
        _text(scale.across(x), below + 16, _short(x), 'text-anchor="middle"') for x in scale.numbers
    ]
    for fifth in range(6):
        y = scale.top * fifth / 5
        marks += [
            f'<path d="M{LEFT} {scale.up(y):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>',
            _text(LEFT - 6, scale.up(y) + 4, _short(y), 'text-anchor="end"'),
        ]
    return marks


def _line(scale: _Scale, number: int, name: str) -> str:
    """Return one line with its points and its name."""
    colour = COLOURS[number % len(COLOURS)]
    places = [(scale.across(x), scale.up(y)) for x, y in scale.plot.lines[name]]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
    key = _text(WIDTH - RIGHT + 12, TOP + 12 + 18 * number, name, f'fill="{colour}"')
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}{key}'


def _short(number: float) -> str:
    for power, sign in ((1e6, "M"), (1e3, "k")):
        if number >= power:
            return f"{number / power:g}{sign}"
    return f"{number:.3g}"


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(text)}</text>'
