"""Deadlocks of threads, of tasks and of both are proven, explained and told from what ends."""

import re
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.integration.lab import deadlocks, mixtures, timed
from tests.integration.lab.experiment import (
    get,
    lab,
    logged,
    message_file,
    message_lines,
    probe,
    until,
    until_serving,
    watch,
)
from tests.integration.lab.wire import exchange, request
from tests.integration.process import Process

from .figures import note
from .loops import ASYNCIO, UVLOOP
from .marks import marked, told

PROOF_SECONDS = 4.0
"""What the specification allows from the fault to the verdict, in the watchdog's own ticks; the
time on our clock is noted, but on a loaded machine it is no promise."""

CAUSES = {
    "threads": "deadlock-threads",
    "threads-3": "deadlock-threads",
    "self": "deadlock-threads",
    "orphan": "lock-orphaned",
    "tasks": "deadlock-tasks",
    "task-self": "deadlock-tasks",
    "task-orphan": "lock-orphaned",
    "child": "deadlock-tasks",
    "gather": "deadlock-tasks",
    "task-group": "deadlock-tasks",
    "wait": "deadlock-tasks",
    "mixed": "deadlock-mixed",
    "mixed-loop": "deadlock-mixed",
    "mixed-bridge": "deadlock-mixed",
    "pool": "deadlock-threads",
    "pool-full": "deadlock-threads",
}
"""The reason code of each kind."""

BLOCKS_LOOP = {"mixed-loop", "mixed-bridge"}
"""Kinds that stop the event loop as well."""


@pytest.mark.together
@pytest.mark.parametrize(
    ("kind", "stack"),
    [
        pytest.param(kind, stack, id=f"{kind}-{stack['loop']}")
        for number, kind in enumerate(CAUSES)
        for stack in ((UVLOOP, ASYNCIO)[number % 2],)
    ],
)
def test_deadlock_is_proven_within_four_seconds_and_explained_in_the_last_line(
    kind: str, stack: dict[str, str]
) -> None:
    """The last line names each member, what it holds and waits for, and the line of both."""
    with message_file() as message, lab(**stack, termination_log=str(message)) as process:
        until_serving(process)
        began = time.monotonic()
        get(process, f"/deadlock?kind={kind}")
        broken = until(process, lambda answer: answer.code == 503)
        took = time.monotonic() - began
        note(f"deadlock {kind}: seconds to BROKEN ({stack['loop']})", took)
        ready = probe(process, "/health/ready")
        ordinary = get(process, "/hello")
        lines = message_lines(message)
        headline = re.match(
            r"(?:DEADLOCK|ORPHANED LOCK) after ([\d.]+)s lab 1.0 pod=lab-0 ", lines[-2]
        )

    assert broken.json["output"] == CAUSES[kind]
    assert told(lines[-1]) == marked(kind)
    assert headline is not None
    assert float(headline[1]) < PROOF_SECONDS
    assert ready.code == 503
    assert ordinary.code == (503 if kind in BLOCKS_LOOP else 200)


@pytest.mark.together
def test_a_verdict_that_was_proven_stays_and_is_told_once() -> None:
    """A proof is latched: two probes later it is the same, and the log has it once."""
    with message_file() as message, lab(termination_log=str(message)) as process:
        until_serving(process)
        get(process, "/deadlock?kind=threads")
        until(process, lambda answer: answer.code == 503)
        lines = message_lines(message)
        codes = {answer.code for answer in watch(process, 1.0)}
        broken = logged(process, "liveness broken")

    assert codes == {503}
    assert [line["cause"] for line in broken] == ["deadlock-threads"]
    assert broken[0]["explanation"] == lines[-1]
    assert any("in threads.<locals>.one" in line for line in broken[0]["stacks"])


def debuggable_lab(message: Path) -> AbstractContextManager[Process]:
    """Run a laboratory that shows its evidence to the holder of a token."""
    return lab(**ASYNCIO, debug_token="token", termination_log=str(message))  # noqa: S106 - the lab's


def evidence(process: Process) -> list[dict[str, str]]:
    """Return what the watchdog holds against the process, for the holder of the token."""
    data = request("/health/alive?verbose", token="token", close=True)  # noqa: S106 - the lab's
    found: list[dict[str, str]] = exchange(process.port, data).json["debug"]["evidence"]
    return found


@pytest.mark.together
def test_cycles_with_a_time_out_only_warn_and_pass() -> None:
    """Every way to give a wait a time-out is known: shown as a warning, never broken, then gone."""
    kinds = "&".join(f"kind=timed-{kind}" for kind in timed.KINDS)
    with message_file() as message, debuggable_lab(message) as process:
        until_serving(process)
        began = time.monotonic()
        get(process, f"/deadlock?{kinds}")
        answers = watch(process, PROOF_SECONDS + 0.7)
        held = evidence(process)
        answers += watch(process, timed.TIMEOUT_SECONDS + 1.5 - (time.monotonic() - began))
        ended = get(process, "/deadlock/ended").json
        left = evidence(process)
        last = probe(process)
        text = message.read_text()

    shown = {kind for kind in timed.KINDS for item in held if f"{kind}-" in item["explanation"]}
    assert {item["cause"] for item in held} == {"timed-waitcycle"}
    assert shown == set(timed.KINDS)
    assert {answer.code for answer in answers} == {200}
    assert "timed-waitcycle" in {answer.json.get("output") for answer in answers}
    assert ended == {f"timed-{kind}": ["hurried", "patient"] for kind in timed.KINDS}
    assert left == []
    assert last.json["status"] == "pass"
    assert text == ""


@pytest.mark.together
def test_plain_server_says_that_all_is_well() -> None:
    """The control: a constant route stays green over every deadlock that leaves the loop alone."""
    kinds = [*deadlocks.KINDS, *(kind for kind in mixtures.KINDS if kind not in BLOCKS_LOOP)]
    with lab(plain=True) as process:
        get(process, "/deadlock?" + "&".join(f"kind={kind}" for kind in kinds))
        codes = {answer.code for answer in watch(process, PROOF_SECONDS + 1, every=0.5)}

    assert codes == {200}
