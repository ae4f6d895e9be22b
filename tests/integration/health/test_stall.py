"""A stopped event loop: told from a busy one, told in time, and told from what passes."""

import inspect
import re
import time
from typing import Any

import pytest

from tests.integration.lab import stalls
from tests.integration.lab.constants import QUICK_GIL
from tests.integration.lab.experiment import (
    get,
    is_emptied,
    lab,
    logged,
    message_file,
    message_lines,
    poke,
    probe,
    release,
    until,
    until_serving,
    until_silent,
    watch,
)
from tests.integration.lab.wire import Reply

from .figures import note
from .loops import ASYNCIO, BOTH_LOOPS, UVLOOP

SHORT = {"stall_suspect_seconds": 0.5, "stall_unready_seconds": 1.0, "stall_broken_seconds": 2.0}
"""Limits that bring a stall to its end in seconds; the real ones are for the slow tests."""

REAL: dict[str, float] = {}
"""The limits as they are."""

PROBE_SECONDS = 0.4
"""What the specification allows a probe during a stall; asserted of every other one, as the machine
is shared. The figures tell the slowest."""


def marked_places(kind: str) -> set[str]:
    """Return the lines on which the loop's thread stands during a stall."""
    lines, first = inspect.getsourcelines(stalls.KINDS[kind])
    return {
        f"lab/stalls.py:{number}"
        for number, line in enumerate(lines, first)
        if line.rstrip().endswith("# stands")
    }


CPU_PATIENCE_SECONDS = 120.0
"""How long to wait for the end of a stall that lasts for some seconds of CPU time."""

ACCEPTED_SECONDS = 0.3
"""How long to wait before the first probe: one that the loop accepts in the very turn in which it
stops is lost, whoever could answer the next."""


def experience(
    kind: str, stack: dict[str, str], limits: dict[str, float], seconds: float
) -> dict[str, Any]:
    """Stall the loop for `seconds`, probing all the while, and return what was seen."""
    with message_file() as message, lab(**stack, limits=limits, termination_log=str(message)) as it:
        until_serving(it)
        began = time.monotonic()
        with poke(it, f"/stall?kind={kind}&seconds={seconds}") as stalled:
            time.sleep(ACCEPTED_SECONDS)
            answers: list[Reply] = []
            while not answers or answers[-1].code != 503:
                answers.append(probe(it))
                time.sleep(0.05)
                assert time.monotonic() - began < seconds, "not broken before the stall ended"
            broken_at = time.monotonic() - began
            ready = probe(it, "/health/ready")
            refused = get(it, "/hello")
            lines = message_lines(message)
            answers += watch(it, 0.5)
            release(it)
            recovered = until(
                it,
                lambda answer: answer.code == 200 and answer.source == "loop",
                timeout=CPU_PATIENCE_SECONDS,
            )
            ordinary = stalled.receive(timeout=CPU_PATIENCE_SECONDS)
        return {
            "answers": answers,
            "broken_at": broken_at,
            "broken": [line["cause"] for line in logged(it, "liveness broken")],
            "suspect": logged(it, "liveness suspect"),
            "lines": lines,
            "is_emptied": is_emptied(message),
            "ready": ready,
            "refused": refused,
            "recovered": recovered,
            "ordinary": ordinary,
        }


def check(kind: str, stack: dict[str, str], limits: dict[str, float], seconds: float) -> None:
    """Check all that the specification promises of a stall that outlasts its limit and ends."""
    seen = experience(kind, stack, limits, seconds)
    answers = seen["answers"]
    took = sorted(answer.seconds for answer in answers)
    stalled = re.match(r"STALL after ([\d.]+)s lab 1.0 pod=lab-0 ", seen["lines"][-2])
    place = re.search(r", at (lab/stalls.py:\d+) in by_\w+ ", seen["lines"][-1])
    limit = limits.get("stall_broken_seconds", 10.0)
    note(f"stall by {kind}, {stack['loop']}: seconds to BROKEN, limit {limit:g}", seen["broken_at"])
    note(f"stall by {kind}, {stack['loop']}: slowest of {len(took)} probes, s", took[-1])

    assert {answer.code for answer in answers} == {200, 503}
    assert took[len(took) // 2] < PROBE_SECONDS
    assert {answer.source for answer in answers if answer.code == 503} == {"responder"}
    assert stalled is not None
    assert limit <= float(stalled[1]) <= limit + 0.3
    assert place is not None
    assert place[1] in marked_places(kind)
    assert any(place[1] in line for line in seen["lines"] if line.startswith('stack "MainThread"'))
    assert seen["suspect"]
    assert seen["broken"] == ["event-loop-stalled"]
    assert seen["ready"].code == 503
    assert (seen["refused"].code, seen["refused"].headers["retry-after"]) == (503, "1")
    assert seen["refused"].says_close
    assert seen["recovered"].json["status"] in {"pass", "warn"}
    assert seen["is_emptied"]
    assert seen["ordinary"].text == "recovered"


@pytest.mark.parametrize(
    ("kind", "stack"),
    [
        pytest.param("event", UVLOOP, id="event-uvloop", marks=pytest.mark.together),
        pytest.param("event", ASYNCIO, id="event-asyncio", marks=pytest.mark.together),
        pytest.param("sleep", UVLOOP, id="sleep-uvloop", marks=pytest.mark.together),
        pytest.param("lock", ASYNCIO, id="lock-asyncio", marks=pytest.mark.together),
        pytest.param("cpu", UVLOOP, id="cpu-uvloop"),
    ],
)
def test_stall_turns_liveness_red_at_its_limit_names_the_line_and_clears(
    kind: str, stack: dict[str, str]
) -> None:
    """Each probe is answered; 503 comes at the limit, with the line; it all ends with the stall."""
    check(kind, stack, SHORT, 60.0 if kind == "event" else 5.0)


@pytest.mark.slow
@BOTH_LOOPS
@pytest.mark.parametrize(
    "kind",
    [*(pytest.param(kind, marks=pytest.mark.together) for kind in ("sleep", "lock")), "cpu", "c"],
)
def test_stall_turns_liveness_red_after_ten_seconds(kind: str, stack: dict[str, str]) -> None:
    """The same with the real limits: red at 10 s, green again when the stall ends after 20 s.

    It may end so late because what is counted is the watchdog's ticks: they are late as well when
    others want the processors.
    """
    check(kind, stack, REAL, 20.0)


def check_hiccup(stack: dict[str, str], seconds: float) -> None:
    """Check that a stall below the limit costs neither a probe nor a request."""
    with lab(**stack) as process:
        until_serving(process)
        with poke(process, f"/stall?kind=sleep&seconds={seconds}") as stalled:
            time.sleep(0.3)  # the loop has stopped by now: these wait for it, or for the responder
            waiting = [poke(process, "/hello") for _ in range(20)]
            answers = watch(process, seconds - 0.5)
            readiness = probe(process, "/health/ready")
            replies = [connection.receive() for connection in [stalled, *waiting]]
            for connection in waiting:
                connection.close()
            broken = logged(process, "liveness broken")
            until(process, lambda answer: answer.json["status"] == "pass")
        until_serving(process)

    assert {answer.code for answer in answers} == {200}
    assert "event-loop-stalled" in {answer.json.get("output") for answer in answers}
    assert readiness.code == (503 if seconds > 3 else 200)
    assert [reply.code for reply in replies] == [200] * 21
    assert broken == []


@pytest.mark.together
@BOTH_LOOPS
def test_two_second_stall_costs_neither_a_probe_nor_a_request(stack: dict[str, str]) -> None:
    """With the real limits: alive stays 200 with a warning, requests wait and are served."""
    check_hiccup(stack, 2.0)


@pytest.mark.slow
@pytest.mark.together
@BOTH_LOOPS
def test_nine_second_stall_costs_neither_a_probe_nor_a_request(stack: dict[str, str]) -> None:
    """The same just below the limit; readiness was red meanwhile."""
    check_hiccup(stack, 9.0)


@pytest.mark.together
@BOTH_LOOPS
def test_plain_server_answers_no_probe_during_a_stall(stack: dict[str, str]) -> None:
    """The control: every probe times out, and the kubelet cannot know more."""
    with lab(**stack, plain=True) as process, poke(process, "/stall?kind=event&seconds=60"):
        until_silent(process)
        answers = watch(process, 2.0)

    assert {answer.code for answer in answers} == {0}


def check_gil(options: dict[str, Any], seconds: float) -> None:
    """Check that a stack is left behind while the GIL is held, and taken back afterwards."""
    with message_file() as message, lab(**options, termination_log=str(message)) as process:
        until_serving(process)
        with poke(process, f"/stall?kind=gil&seconds={seconds}") as stalled:
            message_lines(message)
            silent = probe(process)
            during = message.read_text()
            reply = stalled.receive(timeout=CPU_PATIENCE_SECONDS)
        until(process, lambda answer: answer.code == 200)
        emptied = is_emptied(message)
        broken = logged(process, "liveness broken")

    assert silent.code == 0
    assert "most recent call first" in during
    assert "in by_gil" in during
    assert reply.text == "recovered"
    assert emptied
    assert broken == []


def test_held_gil_leaves_a_stack_behind_and_nothing_when_it_is_released() -> None:
    """No thread of ours can run, a signal can; a process that goes on is not condemned."""
    check_gil({"constants": QUICK_GIL}, 4.0)


@pytest.mark.slow
def test_gil_held_for_twenty_seconds_leaves_a_stack_behind() -> None:
    """The same at full length: the dump comes after 15 s."""
    check_gil({}, 20.0)


def test_gil_held_for_five_seconds_leaves_nothing_behind() -> None:
    """Below the dump's 15 s nothing is written, and nothing is broken."""
    with message_file() as message, lab(termination_log=str(message)) as process:
        until_serving(process)
        with poke(process, "/stall?kind=gil&seconds=5") as stalled:
            reply = stalled.receive(timeout=CPU_PATIENCE_SECONDS)
        alive = until(process, lambda answer: answer.code == 200, timeout=CPU_PATIENCE_SECONDS)
        text = message.read_text()
        broken = logged(process, "liveness broken")

    assert reply.text == "recovered"
    assert alive.code == 200
    assert text == ""
    assert broken == []
