"""How many requests shutdowns lose, some on each loop, beside as many of plain uvicorn."""

import signal
from collections.abc import Mapping, Sequence

from tests.integration.health.loops import ASYNCIO, UVLOOP
from tests.integration.health.traffic import Tally, Traffic
from tests.integration.lab.experiment import lab, until_serving

from .row import Length, Row

LEAST_SENT = 30_000
"""So many requests have to come through without a loss: six shutdowns or so."""

LEAST_LOST = 1_000
"""What plain uvicorn has to lose of them, to show that the clients notice."""

BEFORE_SECONDS = 3.0
"""How long the traffic runs before the signal."""

ROUTED_SECONDS = 4.0
"""How long new connections come after the signal: `drain_min` less one second, as the removal of an
endpoint would have it."""


def _shutdown(stack: Mapping[str, str], *, plain: bool) -> Tally:
    with lab(**stack, plain=plain) as process:
        if not plain:
            until_serving(process)
        traffic = Traffic(process.port, routed_seconds=ROUTED_SECONDS)
        tally = traffic.run(BEFORE_SECONDS, lambda: process.signal(signal.SIGTERM))
        process.wait(40)
    return tally


def rows(length: Length) -> list[Row]:
    """Measure each loop."""
    least = length.of(quick=1, usual=LEAST_SENT)
    return [_row(stack, least) for stack in (UVLOOP, ASYNCIO)]


def _row(stack: Mapping[str, str], least: int) -> Row:
    """Shut down both in turns, until enough requests have come."""
    controls: list[Tally] = []
    subjects: list[Tally] = []
    while _sent(subjects) < least:
        controls.append(_shutdown(stack, plain=True))
        subjects.append(_shutdown(stack, plain=False))
    return Row(
        f"requests through SIGTERM, 50 kept-alive and 50 new/s, {stack['loop']}",
        _told(controls),
        _told(subjects),
        f"0 lost of at least {least:,}; control at least {LEAST_LOST:,}",
        _lost(subjects) == 0 and _lost(controls) >= LEAST_LOST,
    )


def _sent(tallies: Sequence[Tally]) -> int:
    return sum(tally.sent for tally in tallies)


def _lost(tallies: Sequence[Tally]) -> int:
    return sum(tally.lost.total() for tally in tallies)


def _told(tallies: Sequence[Tally]) -> str:
    return f"{_lost(tallies):,} of {_sent(tallies):,} lost in {len(tallies)} shutdowns"
