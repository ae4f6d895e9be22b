"""The route that costs least, beside a plain one: what each request pays for being observed."""

from collections.abc import Sequence
from contextlib import ExitStack

from tests.integration.collector import collecting

from .load import client, get
from .row import Length, Row
from .sides import messenger, mocks, plain, speed
from .turns import Round, ratio_row, take_turns

ROUNDS = 40
"""How often the sides take turns."""

BURST_SECONDS = 0.5
"""Some thousand requests."""

LEAST_RATIO = 0.8

SIDES = {
    "no traces": ("metrics, request id, trace passed on", LEAST_RATIO),
    "all traces": ("and all traces recorded", None),
}
"""What each side has, and the least ratio wanted of it."""


def rows(length: Length) -> list[Row]:
    """Measure `GET /version` on plain Starlette, on Messenger, and with all traces recorded."""
    with ExitStack() as stack:
        sender = stack.enter_context(client())
        collector = stack.enter_context(collecting())
        behind = mocks(stack)
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        sides = {
            "plain": plain(stack, behind, "httpx"),
            "no traces": messenger(stack, behind),
            "all traces": messenger(stack, behind, told),
        }
        rounds = take_turns(
            {
                name: speed(process, get("/version"), sender, seconds=BURST_SECONDS)
                for name, process in sides.items()
            },
            length.of(quick=2, usual=ROUNDS),
        )
    return [_row(rounds, name) for name in SIDES]


def _row(rounds: Sequence[Round], name: str) -> Row:
    """Return how one side did beside the plain route."""
    what, least = SIDES[name]
    return ratio_row(f"GET /version per CPU-second, {what}", rounds, name, "plain", least)
