"""Signals are heard whatever the loop is doing, by the process and by its children."""

import os
import signal
import time
from typing import Any

import pytest

from messenger.health import Limits
from tests.integration.lab.experiment import (
    get,
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
)
from tests.integration.lab.wire import request
from tests.integration.process import Process

from .figures import note
from .loops import ASYNCIO, BOTH_LOOPS, UVLOOP

AT_ONCE_SECONDS = 3.0
"""The specification allows 0.5 s from the signal to the end of a process that is broken, which the
figures show; six times that tells it from waiting on a machine that is shared."""

QUICK_STALL = {"stall_suspect_seconds": 0.5, "stall_broken_seconds": 1.0}


def end_by(process: Process, number: signal.Signals, timeout: float = 30.0) -> tuple[int, float]:
    """Send a signal; return the exit status and how long the process took."""
    began = time.monotonic()
    process.signal(number)
    status = process.wait(timeout)
    return status, time.monotonic() - began


@pytest.mark.together
@BOTH_LOOPS
def test_sigterm_while_warming_ends_without_a_drain(stack: dict[str, str]) -> None:
    """Nobody sends traffic to a pod that was never ready: there is nothing to wait for."""
    with lab(**stack, gate_seconds=60) as process:
        warming = probe(process, "/health/ready")
        status, took = end_by(process, signal.SIGTERM)

    assert (warming.code, warming.json["output"]) == (503, "warming")
    assert status == 0
    assert took < Limits().drain_min_seconds


@pytest.mark.together
def test_second_sigterm_ends_the_drain() -> None:
    """Whoever insists is obeyed, with the shell's status for a signal."""
    with lab(**UVLOOP) as process:
        until_serving(process)
        process.signal(signal.SIGTERM)
        time.sleep(1.0)
        drains = process.is_running
        status, took = end_by(process, signal.SIGTERM)

    assert drains
    assert status == 128 + signal.SIGTERM
    assert took < AT_ONCE_SECONDS


@pytest.mark.together
def test_echo_of_a_signal_is_no_second_signal() -> None:
    """A process group and a wrapper deliver the same signal twice: the drain goes on."""
    with lab(limits={"drain_min_seconds": 1.0}) as process:
        until_serving(process)
        process.signal(signal.SIGTERM)
        time.sleep(0.02)
        process.signal(signal.SIGTERM)
        hello = get(process, "/hello")
        status = process.wait()

    assert hello.code == 200
    assert status == 0


@pytest.mark.together
def test_sigint_skips_the_minimum_drain() -> None:
    """Ctrl-C: no endpoint has to be removed, what is in flight is finished."""
    with lab(**ASYNCIO) as process:
        until_serving(process)
        with poke(process, "/hello?seconds=1") as slow:
            time.sleep(0.3)
            status, took = end_by(process, signal.SIGINT)
            reply = slow.receive()

    assert reply.code == 200
    assert status == 0
    assert took < Limits().drain_min_seconds


@pytest.mark.together
@pytest.mark.parametrize(
    ("kind", "stack"),
    [
        pytest.param("sleep", UVLOOP, id="sleep-uvloop"),
        pytest.param("sleep", ASYNCIO, id="sleep-asyncio"),
        pytest.param("lock", UVLOOP, id="lock-uvloop"),
        pytest.param("cpu", ASYNCIO, id="cpu-asyncio"),
        pytest.param("c", UVLOOP, id="c-uvloop"),
    ],
)
def test_sigterm_while_broken_by_a_stall_ends_at_once(kind: str, stack: dict[str, str]) -> None:
    """The kubelet need not wait out its grace period, and the reason is written."""
    with message_file() as message:
        options: dict[str, Any] = {"limits": QUICK_STALL, "termination_log": str(message)}
        with lab(**stack, **options) as process:
            until_serving(process)
            with poke(process, f"/stall?kind={kind}&seconds=60"):
                time.sleep(0.3)
                until(process, lambda answer: answer.code == 503)
                status, took = end_by(process, signal.SIGTERM)
            lines = message_lines(message)
            left = logged(process, "exit")
    note(f"SIGTERM while broken by {kind}, {stack['loop']}: seconds to the end", took)

    assert status == 71
    assert took < AT_ONCE_SECONDS
    assert lines[-2].endswith("exit by SIGTERM")
    assert "lab/stalls.py:" in lines[-1]
    assert [line["cause"] for line in left] == ["SIGTERM while broken"]


@pytest.mark.together
@BOTH_LOOPS
def test_plain_server_waits_out_the_stall(stack: dict[str, str]) -> None:
    """The control: the handler sets a flag that nobody looks at."""
    with lab(**stack, plain=True) as process, poke(process, "/stall?kind=event&seconds=60"):
        until_silent(process)
        process.signal(signal.SIGTERM)
        time.sleep(3.0)
        stays = process.is_running
        release(process)
        process.wait()

    assert stays


@pytest.mark.together
def test_without_the_signal_thread_a_c_call_is_waited_out() -> None:
    """The control of the thread: a handler runs in the main thread, when that is back in Python."""
    with lab(signal_thread=False, limits={**QUICK_STALL, "drain_min_seconds": 0.0}) as process:
        until_serving(process)
        with poke(process, "/stall?kind=c&seconds=4"):
            until(process, lambda answer: answer.code == 503)
            _, took = end_by(process, signal.SIGTERM, timeout=120)

    assert took > 1.0


@pytest.mark.together
def test_without_the_signal_thread_a_healthy_process_drains_all_the_same() -> None:
    """The thread can be left out: SIGTERM still is a drain, and status 0."""
    with lab(signal_thread=False, limits={"drain_min_seconds": 1.0}) as process:
        until_serving(process)
        process.signal(signal.SIGTERM)
        time.sleep(0.4)
        hello = get(process, "/hello")
        status = process.wait()

    assert (hello.code, hello.says_close) == (200, True)
    assert status == 0


@pytest.mark.together
@BOTH_LOOPS
def test_sigterm_during_a_hiccup_costs_no_request(stack: dict[str, str]) -> None:
    """The drain's clock starts at once; the stall passes, everybody is served."""
    with lab(**stack, limits={"drain_min_seconds": 3.0}) as process:
        until_serving(process)
        with poke(process, "/stall?kind=sleep&seconds=2.5") as stalled:
            time.sleep(0.3)
            waiting = [poke(process, "/hello") for _ in range(10)]
            time.sleep(1.0)  # suspect by now
            began = time.monotonic()
            process.signal(signal.SIGTERM)
            replies = [connection.receive() for connection in [stalled, *waiting]]
            for connection in waiting:
                connection.close()
            status = process.wait()
            took = time.monotonic() - began

    assert [reply.code for reply in replies] == [200] * 11
    assert all(reply.says_close for reply in replies)
    assert status == 0
    assert took >= 3.0


@pytest.mark.together
def test_sigterm_during_a_stall_that_does_not_end_waits_for_the_verdict() -> None:
    """A suspect process gets its time; when the stall reaches the limit it ends at once."""
    limits = {"stall_suspect_seconds": 0.5, "stall_broken_seconds": 3.0}
    with message_file() as message:
        with lab(**UVLOOP, limits=limits, termination_log=str(message)) as process:
            until_serving(process)
            began = time.monotonic()
            with poke(process, "/stall?kind=sleep&seconds=60"):
                time.sleep(1.0)
                process.signal(signal.SIGTERM)
                status = process.wait()
            took = time.monotonic() - began
        lines = message_lines(message)

    assert status == 71
    assert 3.0 < took < 3.0 + AT_ONCE_SECONDS
    assert lines[-2].endswith("exit by SIGTERM")


@pytest.mark.together
def test_stall_without_a_limit_ends_with_the_longest_drain() -> None:
    """With no limit for stalls (a debugger) SIGTERM still ends the process at drain_max."""
    limits = {"stall_broken_seconds": None, "drain_min_seconds": 1.0, "drain_max_seconds": 2.5}
    with lab(**ASYNCIO, limits=limits) as process:
        until_serving(process)
        with poke(process, "/stall?kind=sleep&seconds=60"):
            time.sleep(1.5)
            status, took = end_by(process, signal.SIGTERM)

    assert status == 71
    assert 2.3 < took < 2.5 + AT_ONCE_SECONDS


@pytest.mark.together
@BOTH_LOOPS
def test_proven_deadlock_with_a_live_loop_drains_briefly_and_says_so(
    stack: dict[str, str],
) -> None:
    """The rest may still work: what is in flight is served, for 5 s at most, then 71."""
    limits = {"drain_broken_seconds": 3.0}
    with message_file() as message:
        with lab(**stack, limits=limits, termination_log=str(message)) as process:
            until_serving(process)
            get(process, "/deadlock?kind=tasks")
            until(process, lambda answer: answer.code == 503)
            with (
                poke(process, "/hello?seconds=1.5") as slow,
                poke(process, "/hello?seconds=60") as cut,
            ):
                time.sleep(0.2)
                began = time.monotonic()
                process.signal(signal.SIGTERM)
                time.sleep(0.3)
                fresh = get(process, "/hello")
                served, refused = slow.receive(), cut.receive()
            status = process.wait()
            took = time.monotonic() - began
        lines = message_lines(message)

    assert (fresh.code, fresh.says_close) == (200, True)
    assert served.code == 200
    assert refused.code == 503
    assert status == 71
    assert took < 3.0 + 5.0 + AT_ONCE_SECONDS
    assert lines[-2].endswith("exit by SIGTERM")


@pytest.mark.together
def test_process_ends_itself_when_it_is_told_to() -> None:
    """`exit_after_broken_seconds`: a stall ends with 70 after that time, with the reason."""
    limits = {**QUICK_STALL, "exit_after_broken_seconds": 1.0}
    with message_file() as message:
        with lab(**UVLOOP, limits=limits, termination_log=str(message)) as process:
            until_serving(process)
            began = time.monotonic()
            with poke(process, "/stall?kind=sleep&seconds=60"):
                status = process.wait()
            took = time.monotonic() - began
        lines = message_lines(message)

    assert status == 70
    assert 1.9 < took < 2.0 + AT_ONCE_SECONDS
    assert lines[-2].endswith("exit by itself in 1s")


@pytest.mark.together
def test_proven_deadlock_ends_by_itself_after_a_brief_drain() -> None:
    """The same for a proof with a live loop: what is in flight is finished first."""
    with lab(limits={"exit_after_broken_seconds": 0.0}) as process:
        until_serving(process)
        get(process, "/deadlock?kind=threads")
        status = process.wait()

    assert status == 71


@pytest.mark.together
def test_sigterm_while_the_gil_is_held_waits_for_it() -> None:
    """The documented limit: no Python thread can run; the drain begins when the GIL is free."""
    with lab(limits={"drain_min_seconds": 0.0}) as process:
        until_serving(process)
        with poke(process, "/stall?kind=gil&seconds=3") as stalled:
            until_silent(process)
            status, took = end_by(process, signal.SIGTERM, timeout=120)
            reply = stalled.receive()

    assert took > 0.5
    assert reply.text == "recovered"
    assert status == 0


def child_status(process: Process, kind: str) -> int | None:
    """Start a child in the laboratory, send it SIGTERM, and return its exit status."""
    pid = int(get(process, f"/child?kind={kind}").text)
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        statuses: dict[str, int] = get(process, "/child/ended").json
        if str(pid) in statuses:
            return statuses[str(pid)]
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return None


@pytest.mark.together
@BOTH_LOOPS
@pytest.mark.parametrize("kind", ["fork", "exec"])
def test_child_hears_sigterm(kind: str, stack: dict[str, str]) -> None:
    """Nothing of the way we listen is inherited: SIGTERM ends a child, and only the child."""
    with lab(**stack) as process:
        until_serving(process)
        status = child_status(process, kind)
        ready = probe(process, "/health/ready")

    assert status == -signal.SIGTERM
    assert ready.code == 200


@pytest.mark.together
def test_child_of_a_masked_thread_does_not_hear_sigterm() -> None:
    """The control: a blocked mask, the usual way to listen in a thread, is inherited."""
    with lab() as process:
        until_serving(process)
        status = child_status(process, "masked")

    assert status is None


@pytest.mark.together
def test_signal_is_heard_between_two_requests_of_one_connection() -> None:
    """A kept-alive client is told to close by the first answer after the signal."""
    with lab(limits={"drain_min_seconds": 1.0}) as process:
        until_serving(process)
        with poke(process, "/hello") as client:
            before = client.receive()
            process.signal(signal.SIGTERM)
            time.sleep(0.2)
            client.send(request("/hello"))
            after = client.receive()
        process.wait()

    assert not before.says_close
    assert after.says_close
