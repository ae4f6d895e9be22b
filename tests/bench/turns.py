"""Sides that take turns: what a neighbour of the machine does to one, it does to the others."""

from collections.abc import Callable, Mapping, Sequence

from .row import Row, Spread, spread

Round = Mapping[str, float]
"""What each side reached in one round."""


def take_turns(sides: Mapping[str, Callable[[], float]], rounds: int) -> Sequence[Round]:
    """Measure all sides in each round, in an order that is turned round every time."""
    found = []
    for turn in range(rounds):
        order = list(sides) if turn % 2 else list(sides)[::-1]
        found.append({name: sides[name]() for name in order})
    return found


def values(rounds: Sequence[Round], name: str) -> Spread:
    """Return what one side reached."""
    return spread(each[name] for each in rounds)


def ratios(rounds: Sequence[Round], name: str, control: str) -> Spread:
    """Return how one side did beside the control of the same round."""
    return spread(each[name] / each[control] for each in rounds)


def ratio_row(
    what: str, rounds: Sequence[Round], name: str, control: str, least: float | None
) -> Row:
    """Return how one side did beside the control, of which at least so much is wanted, if any."""
    ratio = ratios(rounds, name, control)
    return Row(
        what,
        str(values(rounds, control)),
        str(values(rounds, name)),
        f"ratio {'reported' if least is None else f'at least {least:g}'}: {ratio}",
        None if least is None else ratio.middle >= least,
    )
