"""Messages per second of CPU, beside the same calls in plain lines on httpx and on aiohttp."""

from collections.abc import Sequence
from contextlib import ExitStack

from .load import client
from .row import Length, Row
from .sides import MESSAGE, messenger, mocks, plain, speed
from .turns import Round, ratio_row, take_turns

ROUNDS = 12
"""How often the sides take turns."""

BURST_SECONDS = 2.0
"""Some hundred messages even of the slowest side."""

TARGETS = {"httpx": 6.0, "httpx-each": None, "aiohttp": 0.55}
"""The least ratio to the plain lines on each client: the stock one as most would write it, the same
with one for each downstream (reported, as what a good part of the first ratio comes from), and the
practical limit."""

AT_ONCE = 8
"""How many messages are in work where the targets hold: what is under way when a core is full, at
500 a second that take 15 ms each."""

OTHERS_AT_ONCE = (2, 20)
"""With how many it is reported: the pool of httpx gets slower with each connection that it has,
which one pool for each downstream has fewer of."""


def rows(length: Length) -> list[Row]:
    """Measure with some messages at once, with few, and with many."""
    with ExitStack() as stack:
        sender = stack.enter_context(client())
        behind = mocks(stack)
        sides = {name: plain(stack, behind, name) for name in TARGETS}
        sides["messenger"] = messenger(stack, behind)
        result = []
        for at_once in (AT_ONCE, *OTHERS_AT_ONCE):
            speeds = {
                name: speed(each, MESSAGE, sender, seconds=BURST_SECONDS, connections=at_once)
                for name, each in sides.items()
            }
            rounds = take_turns(speeds, length.of(quick=2, usual=ROUNDS))
            result += [_row(rounds, name, at_once) for name in TARGETS]
    return result


def _row(rounds: Sequence[Round], control: str, at_once: int) -> Row:
    """Return how Messenger did beside one of the controls."""
    what = f"messages per CPU-second, {at_once} at once, beside plain lines on {control}"
    least = TARGETS[control] if at_once == AT_ONCE else None
    return ratio_row(what, rounds, "messenger", control, least)
