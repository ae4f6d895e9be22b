"""Each detector and each protection, switched off or spoiled: what it does is then absent.

A test that cannot fail shows nothing. Each experiment here is the one of another file, cut down to
its finding, with exactly one part of the health package left out.
"""

import signal
import time
from contextlib import ExitStack
from typing import Any

import pytest

from messenger.health.detectors import DETECTORS
from tests.integration.lab.constants import QUICK_GIL
from tests.integration.lab.experiment import (
    get,
    lab,
    logged,
    message_file,
    message_lines,
    poke,
    probe,
    until,
    until_logged,
    until_serving,
    until_silent,
    watch,
)

from .freezing import QUICK_LIMITS, condemned
from .loops import ASYNCIO
from .traffic import Traffic

QUICK = {
    "stall_suspect_seconds": 0.5,
    "stall_broken_seconds": 1.0,
    "cycle_age_seconds": 0.5,
    "cycle_confirm_seconds": 0.3,
    "pool_suspect_seconds": 0.5,
    "pool_broken_seconds": 1.0,
    "worker_restarts": 2,
    "request_deadline_seconds": 0.2,
    "request_leak_seconds": 0.5,
    "concurrency_limit": 4,
}
"""Limits at which every ill is found within two seconds."""

CAUSES = {
    "deadlocks": "deadlock-threads",
    "leaks": "requests-leaked",
    "pools": "pool-starved",
    "stall": "event-loop-stalled",
    "workers": "worker-crash-loop",
}
"""What each detector finds in a laboratory that has every ill at once."""


def causes(detectors: list[str]) -> set[str]:
    """Give a laboratory every ill at once, and return what its detectors found broken."""
    options: dict[str, Any] = {"limits": QUICK, "workers": ["raises"], "detectors": detectors}
    with lab(**options) as process, ExitStack() as connections:
        # Not its readiness, which is red as soon as the worker's crash loop is found.
        until(process, lambda answer: answer.code == 200, "/hello")
        for path in ("/deadlock?kind=threads", "/pool?kind=starve"):
            get(process, path)
        for _ in range(2):
            connections.enter_context(poke(process, "/hello?seconds=60"))
        ills = len(detectors) - ("stall" in detectors)
        until_logged(process, "liveness broken", ills)
        connections.enter_context(poke(process, "/stall?kind=sleep&seconds=60"))
        until_logged(process, "liveness broken", len(detectors))
        time.sleep(2.0)  # twice what the one that is left out would need
        return {line["cause"] for line in logged(process, "liveness broken")}


@pytest.mark.together
@pytest.mark.parametrize("off", [None, *sorted(DETECTORS)])
def test_what_a_detector_finds_is_not_found_without_it(off: str | None) -> None:
    """With all detectors all five ills are found; with one left out, exactly the other four."""
    found = causes(sorted(DETECTORS - {off}))

    assert found == {cause for detector, cause in CAUSES.items() if detector != off}


@pytest.mark.together
def test_without_the_responder_probes_time_out_in_a_stall() -> None:
    """The verdict is reached all the same, but nobody delivers it."""
    with message_file() as message:
        options = {"limits": QUICK, "termination_log": str(message)}
        with lab(responder=False, **options) as process:
            until_serving(process)
            with poke(process, "/stall?kind=sleep&seconds=60"):
                until_silent(process)
                answers = watch(process, 2.0)
                lines = message_lines(message)

    assert {answer.code for answer in answers} == {0}
    assert lines[-2].startswith("STALL after ")


@pytest.mark.together
def test_without_the_gil_timer_a_held_gil_leaves_nothing_behind() -> None:
    """Its signal is the only thing that gets through."""
    with message_file() as message:
        options: dict[str, Any] = {"constants": QUICK_GIL, "gil_timer": False}
        with lab(**options, termination_log=str(message)) as process:
            until_serving(process)
            with poke(process, "/stall?kind=gil&seconds=3") as stalled:
                until_silent(process)
                silent = probe(process)
                text = message.read_text()
                stalled.receive()

    assert silent.code == 0
    assert text == ""


@pytest.mark.together
def test_watchdog_that_believes_its_clock_condemns_a_frozen_process() -> None:
    """Without the cap on a tick's worth a freeze looks like a stall (test_freeze.py: not so).

    In most freezes it is: now and then the loop looks first when the process goes on.
    """
    found = condemned({"MOST_TICKS_AT_ONCE": 1e9}, QUICK_LIMITS, 1.2, freezes=8)

    assert found == {"event-loop-stalled"}


@pytest.mark.together
def test_without_the_wake_up_threshold_probes_time_out_in_a_stall() -> None:
    """The responder helps from a lag of 0.15 s on; if that never comes, neither does its answer."""
    with lab(constants={"LATE_SECONDS": 1e9}) as process:
        until_serving(process)
        with poke(process, "/stall?kind=sleep&seconds=60"):
            until_silent(process)
            answers = watch(process, 1.5)

    assert {answer.code for answer in answers} == {0}


@pytest.mark.together
def test_drain_that_does_not_wait_loses_requests() -> None:
    """Without a minimum drain the listener closes while traffic still comes."""
    limits = {"drain_min_seconds": 0.0, "drain_max_seconds": 0.0}
    with lab(limits=limits) as process:
        until_serving(process)
        traffic = Traffic(process.port, routed_seconds=1.5, clients=10)
        tally = traffic.run(0.5, lambda: process.signal(signal.SIGTERM))

    assert tally.lost.total() > 20


@pytest.mark.together
def test_drain_that_tells_nobody_to_close_meets_its_clients_at_the_end() -> None:
    """Without `Connection: close` clients are still there when the idle connections are closed."""
    limits = {"drain_min_seconds": 1.5, "drain_max_seconds": 2.0}
    mute = {"CLOSE": ["x-close", "is not what this says"]}
    with lab(**ASYNCIO, limits=limits, constants=mute) as process:
        until_serving(process)
        traffic = Traffic(process.port, routed_seconds=0.5, clients=20)
        tally = traffic.run(0.5, lambda: process.signal(signal.SIGTERM))

    assert tally.told == 0
    assert tally.lost.total() >= 1
