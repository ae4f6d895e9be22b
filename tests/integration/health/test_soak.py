"""Honest work, however hard and strange, is never taken for a deadlock or a stall."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab.experiment import (
    KUBELET_FAILURES,
    get,
    lab,
    logged,
    longest_failure,
    message_file,
    poke,
    until_serving,
    watch,
)

from .figures import note
from .loops import ASYNCIO, BOTH_LOOPS, UVLOOP

HARSH: dict[str, Any] = {
    "constants": {"CALM_SECONDS": 0.05, "SCAN_SECONDS": 0.0},
    "limits": {"cycle_age_seconds": 0.0, "cycle_confirm_seconds": 0.01},
}
"""A scan on each tick, and a cycle is proven when two of them see it: after 0.05 s, and not 3."""

SOAK_SECONDS = 180.0
"""How long the locks are contended, unless in full."""

SOAKS: dict[str, tuple[dict[str, Any], float]] = {
    "uvloop, real limits": (UVLOOP, 1800.0),
    "uvloop, a scan on each tick": ({**UVLOOP, **HARSH}, 600.0),
    "asyncio, a scan on each tick": ({**ASYNCIO, **HARSH}, 600.0),
}
"""What is contended, and for how many seconds in full: the specification's half an hour of soaking
and 10 minutes of contention. They run beside each other, which adds to the strain."""


def contend(
    options: dict[str, Any], seconds: float, pause_seconds: float = 0.0
) -> tuple[int, list[str], dict[str, Any]]:
    """Work hard with every kind of lock; return the longest failure, what was found and done."""
    with lab(**options) as process:
        until_serving(process)
        get(process, f"/contend?pause={pause_seconds}")
        answers = watch(process, seconds, every=0.5)
        done = get(process, "/contend/sections").json
        found = [line["explanation"] for line in logged(process, "liveness broken")]
    return longest_failure(answers), found, done


@pytest.mark.parametrize(
    "options", [{**UVLOOP, **HARSH}, ASYNCIO], ids=["uvloop-harsh", "asyncio-real-limits"]
)
def test_contended_locks_signals_and_cancelled_waits_are_no_deadlock(
    options: dict[str, Any],
) -> None:
    """Locks nested in one order, hand-overs, conditions, events, long waits: nothing is found."""
    failed, found, done = contend(options, 6.5, pause_seconds=0.002)

    assert found == []
    # Threads that take locks in turn as hard as they can keep even an idle loop waiting.
    assert failed < KUBELET_FAILURES
    assert done["sections"] > 500
    assert done["threads"] == 12
    assert done["tasks"] == 42


@pytest.mark.slow
def test_long_contention_finds_nothing(full: bool) -> None:  # noqa: FBT001 - a fixture
    """Threads and tasks contend for three minutes, for half an hour in full: 0 BROKEN."""

    def soak(options: dict[str, Any], seconds: float) -> tuple[int, list[str], dict[str, Any]]:
        return contend(options, seconds if full else SOAK_SECONDS)

    with ThreadPoolExecutor(len(SOAKS)) as pool:
        soaks = {name: pool.submit(soak, *how) for name, how in SOAKS.items()}
    results = {name: future.result() for name, future in soaks.items()}
    for name, (_, found, done) in results.items():
        note(f"soak, {name}: BROKEN in locked sections", f"{len(found)} in {done['sections']}")

    assert {name: found for name, (_, found, _) in results.items() if found} == {}
    assert max(failed for failed, _, _ in results.values()) < KUBELET_FAILURES


def pause(path: str, seconds: float) -> list[str]:
    """Do what makes a process pause, and return what was found in the meantime.

    While the GIL is held no probe can be answered; how many in a row is noted.
    """
    with message_file() as message, lab(termination_log=str(message)) as process:
        until_serving(process)
        with poke(process, path) as paused:
            answers = watch(process, seconds, every=0.2)
            reply = paused.receive(timeout=60)
        found = [line["explanation"] for line in logged(process, "liveness broken")]
        text = message.read_text()

    note(f"{path}: probes in a row without an answer", longest_failure(answers))
    assert reply.code == 200
    assert {answer.code for answer in answers} <= {0, 200}
    assert text == ""
    return found


def test_garbage_collection_is_no_stall() -> None:
    """Collections of hundreds of thousands of objects, one after the other."""
    assert pause("/garbage?rounds=4&knots=200000", 2.0) == []


@pytest.mark.slow
def test_two_gigabytes_are_no_stall() -> None:
    """Allocating, touching and freeing 2 GB."""
    assert pause("/memory?mb=2000", 4.0) == []


def test_two_hundred_megabytes_are_no_stall() -> None:
    """The same, smaller."""
    assert pause("/memory?mb=200", 1.0) == []


@pytest.mark.together
@BOTH_LOOPS
def test_fork_leaves_the_parent_healthy(stack: dict[str, str]) -> None:
    """A forked child has none of our threads; the parent keeps all of them."""
    with lab(**stack) as process:
        until_serving(process)
        pids = [int(get(process, "/child?kind=fork").text) for _ in range(5)]
        answers = watch(process, 1.5)
        threads = len(process.threads)
        alone = {len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids}
        for pid in pids:
            os.kill(pid, 9)
        time.sleep(0.3)
        broken = logged(process, "liveness broken")

    assert {answer.code for answer in answers} == {200}
    assert threads >= 4
    assert alone == {1}
    assert broken == []
