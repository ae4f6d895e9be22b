"""A process that is busy is not broken: its probes are answered, and it serves on."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests.bench.load import Burst, burst, cpu_seconds
from tests.bench.load import get as bench_get
from tests.integration.lab.experiment import (
    lab,
    logged,
    longest_failure,
    probe,
    until_serving,
    watch,
)
from tests.integration.lab.wire import Reply
from tests.integration.meanwhile import meanwhile
from tests.integration.process import Process

from .figures import note
from .loops import BOTH_LOOPS, UVLOOP

RAMP_SECONDS = 1.5
"""How long the load takes to queue up, from the first request on."""

WORKING_SECONDS = 0.1
"""From which CPU time on the first requests are being served."""

NEVER_TWO = 2
"""Failures in a row that a shared machine must not cause either: the kubelet needs three."""


@contextmanager
def load(process: Process, connections: int, seconds: float) -> Iterator[Future[Burst]]:
    """Have kept-alive connections ask for 5 ms of CPU each, one request after the other."""
    with ThreadPoolExecutor(1) as pool:
        data = bench_get("/heavy")
        idle = cpu_seconds(process.pid)
        running = pool.submit(
            burst, process.pid, process.port, data, connections=connections, seconds=seconds
        )
        while cpu_seconds(process.pid) - idle < WORKING_SECONDS and not running.done():
            time.sleep(0.05)
        time.sleep(RAMP_SECONDS)
        yield running


def under_load(
    options: dict[str, Any], connections: int, seconds: float
) -> tuple[list[Reply], Burst, list[str]]:
    """Load a laboratory; return what its probes got, what the load got, and what was found."""
    with lab(**options) as process:
        if not options.get("plain"):
            until_serving(process)
        with load(process, connections, seconds + RAMP_SECONDS) as running:
            answers = watch(process, seconds - 0.5, every=0.15)
            done = running.result()
        found = [line["explanation"] for line in logged(process, "liveness broken")]
    return answers, done, found


def told(name: str, answers: list[Reply]) -> None:
    """Note how probes fared."""
    took = sorted(answer.seconds * 1000 for answer in answers)
    failed = sum(answer.code != 200 for answer in answers)
    note(
        f"probes, {name}: failed, p50, p99, max ms",
        f"{failed} of {len(took)}, {took[len(took) // 2]:.0f},"
        f" {took[len(took) * 99 // 100]:.0f}, {took[-1]:.0f}",
    )


def test_probes_are_answered_while_the_process_is_overloaded() -> None:
    """A queue of a second and a half of CPU: every probe is 200, nothing is broken."""
    answers, done, found = under_load(dict(UVLOOP), 300, 6.0)
    told("5 ms CPU x 300, uvloop", answers)

    assert sum(answer.code != 200 for answer in answers) <= 1
    assert found == []
    assert done.requests > 0
    assert done.errors == 0


def test_plain_server_misses_its_probes_while_it_is_overloaded() -> None:
    """The control: a queue of one and a half seconds is longer than a probe's patience."""
    answers, _, _ = under_load({**UVLOOP, "plain": True}, 300, 6.0)
    told("5 ms CPU x 300, plain uvloop", answers)

    assert sum(answer.code != 200 for answer in answers) > len(answers) / 2


@pytest.mark.slow
@BOTH_LOOPS
def test_probes_are_answered_under_fifteen_hundred_connections(stack: dict[str, str]) -> None:
    """5 ms of CPU for 1,500 connections: a lag of many seconds, no stall, 0 failures, 0 BROKEN."""
    answers, done, found = under_load(dict(stack), 1_500, 20.0)
    told(f"5 ms CPU x 1500, {stack['loop']}", answers)
    note(f"5 ms CPU x 1500, {stack['loop']}: requests, errors", f"{done.requests}, {done.errors}")

    assert longest_failure(answers) < NEVER_TWO
    assert sum(answer.code != 200 for answer in answers) <= len(answers) * 0.07
    assert found == []
    assert done.errors == 0


@contextmanager
def throttled(process: Process, run: float = 0.01, stop: float = 0.09) -> Iterator[None]:
    """Let a process run for 10 ms of each 100, as a CPU limit of a tenth does."""

    def stand_still() -> None:
        process.signal(signal.SIGSTOP)
        time.sleep(stop)
        process.signal(signal.SIGCONT)

    with meanwhile(stand_still, run):
        yield


def under_throttle(options: dict[str, Any], seconds: float) -> tuple[list[Reply], list[str]]:
    """Throttle a loaded laboratory; return what its probes got, and what was found."""
    with lab(**options) as process:
        if not options.get("plain"):
            until_serving(process)
        with load(process, 50, seconds + RAMP_SECONDS), throttled(process):
            answers = watch(process, seconds - 0.5, every=0.3)
        found = [line["explanation"] for line in logged(process, "liveness broken")]
    return answers, found


def check_throttle(stack: dict[str, str], seconds: float) -> None:
    """Check that a throttled process is neither dead nor silent."""
    answers, found = under_throttle(dict(stack), seconds)
    told(f"CPU throttled by 90 %, {stack['loop']}", answers)

    assert longest_failure(answers) < NEVER_TWO
    assert sum(answer.code != 200 for answer in answers) <= 1 + len(answers) * 0.07
    assert found == []


def test_throttled_process_answers_its_probes() -> None:
    """A tenth of a processor and 50 connections: no probe fails, nothing is broken."""
    check_throttle(UVLOOP, 3.5)


@pytest.mark.slow
@pytest.mark.at_once
@BOTH_LOOPS
def test_throttled_process_answers_its_probes_for_long(stack: dict[str, str]) -> None:
    """The same for 25 s on each loop, and its control: plain uvicorn misses most."""
    check_throttle(stack, 25.0)
    control, _ = under_throttle({**stack, "plain": True}, 12.0)
    told(f"CPU throttled by 90 %, plain {stack['loop']}", control)

    assert sum(answer.code != 200 for answer in control) > len(control) / 2


@BOTH_LOOPS
def test_probe_of_an_idle_process_takes_milliseconds(stack: dict[str, str]) -> None:
    """With nothing else to do a probe is answered by the loop, at once."""
    with lab(**stack) as process:
        until_serving(process)
        answers = [probe(process) for _ in range(200)]
    told(f"idle, {stack['loop']}", answers)
    took = sorted(answer.seconds for answer in answers)

    assert {(answer.code, answer.source) for answer in answers} <= {
        (200, "loop"),
        (200, "responder"),
    }
    assert took[len(took) // 2] < 0.1
