"""How many requests a shutdown loses, five on each loop, beside plain uvicorn."""

import signal
from collections.abc import Mapping

from tests.integration.health.loops import ASYNCIO, UVLOOP
from tests.integration.health.traffic import Tally, Traffic
from tests.integration.lab.experiment import lab, until_serving

from .row import Length, Row

RUNS = 5
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


def _told(tallies: list[Tally]) -> tuple[str, int, int]:
    lost = sum(tally.lost.total() for tally in tallies)
    sent = sum(tally.sent for tally in tallies)
    return f"{lost} of {sent:,} lost in {len(tallies)} shutdowns", lost, sent


def rows(length: Length) -> list[Row]:
    """Measure each loop."""
    result = []
    for stack in (UVLOOP, ASYNCIO):
        control, control_lost, _ = _told([_shutdown(stack, plain=True)])
        subject, lost, _ = _told(
            [_shutdown(stack, plain=False) for _ in range(length.of(quick=1, usual=RUNS))]
        )
        result.append(
            Row(
                f"requests through SIGTERM, 50 kept-alive and 50 new/s, {stack['loop']}",
                control,
                subject,
                "0 lost; control hundreds",
                lost == 0 and control_lost > 200,
            )
        )
    return result
