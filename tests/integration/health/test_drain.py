"""SIGTERM loses nothing: who is here is served, who comes is served, everybody is told to leave."""

import signal
import time
from dataclasses import replace
from typing import Any

import pytest

from messenger.health import Limits
from messenger.health.drain import longest_seconds
from tests.integration.lab.experiment import get, lab, logged, poke, probe, until_serving
from tests.integration.lab.wire import Connection, request

from .figures import note
from .loops import ASYNCIO, BOTH_LOOPS, UVLOOP
from .traffic import Tally, Traffic

SHORT = {"drain_min_seconds": 2.0, "drain_max_seconds": 6.0}
"""A drain for the default run; the real one is for the slow test."""

ARTICLE = {"drain_min_seconds": 5.0, "drain_max_seconds": 15.0}
"""The numbers that fit the article's grace period of 30 s."""

LATE: dict[str, Any] = {
    "routed_seconds": SHORT["drain_min_seconds"] + 1.5,
    "clients": 0,
    "fresh_per_second": 10,
}
"""The removal of an endpoint takes longer than `drain_min`, as was seen on a busy node; what comes
is a pod's share, and in between nothing is in flight."""

BEFORE_SECONDS = 1.0
"""How long the traffic runs before the signal."""

LEAST_LOST = 200
"""What plain uvicorn loses at least: it stops accepting within 100 ms, the world needs seconds."""


def drain(
    options: dict[str, Any], limits: dict[str, float], traffic_options: dict[str, Any]
) -> tuple[Tally, int, float, str]:
    """Send traffic through a shutdown; return the tally, the exit status, its time, the log."""
    routed = {"routed_seconds": limits["drain_min_seconds"] - 1}
    signalled_at = 0.0
    with lab(**options, limits=limits) as process:
        if not options.get("plain"):
            until_serving(process)

        def terminate() -> None:
            nonlocal signalled_at
            signalled_at = time.monotonic()
            process.signal(signal.SIGTERM)

        traffic = Traffic(process.port, **(routed | traffic_options))
        tally = traffic.run(BEFORE_SECONDS, terminate)
        status = process.wait(30)
        took = time.monotonic() - signalled_at
        errors = [line for line in process.stderr if '"level": "ERROR"' in line]
    return tally, status, took, "\n".join(errors)


def check_no_loss(
    stack: dict[str, str], limits: dict[str, float], pause_seconds: float = 0.05
) -> Tally:
    """Check one drain."""
    tally, status, took, errors = drain(dict(stack), limits, {"pause_seconds": pause_seconds})

    assert dict(tally.lost) == {}
    assert tally.sent_after_signal > 0
    assert tally.open_at_signal > 0
    assert tally.told == tally.open_at_signal
    assert tally.last_answer_seconds <= limits["drain_max_seconds"]
    assert status == 0
    numbers: dict[str, Any] = {**limits}
    longest = longest_seconds(replace(Limits(), **numbers))
    assert limits["drain_min_seconds"] <= took < longest
    assert errors == ""
    return tally


@pytest.mark.together
@BOTH_LOOPS
def test_drain_loses_no_request_and_tells_every_connection_to_close(stack: dict[str, str]) -> None:
    """50 kept-alive clients and 50 new connections a second: each is answered 200."""
    tally = check_no_loss(stack, SHORT)
    note(f"drain, {stack['loop']}: lost of sent (after SIGTERM)", _loss(tally))


def _loss(tally: Tally) -> str:
    return f"{tally.lost.total()} of {tally.sent} ({tally.sent_after_signal})"


@pytest.mark.together
@BOTH_LOOPS
def test_plain_server_loses_hundreds_in_the_same_traffic(stack: dict[str, str]) -> None:
    """The control: the listener is closed at once, the traffic does not know."""
    limits = {**SHORT, "drain_min_seconds": 5.0}
    tally, _, _, _ = drain({**stack, "plain": True}, limits, {})
    note(f"drain, plain {stack['loop']}: lost of sent (after SIGTERM)", _loss(tally))

    assert tally.lost.total() > LEAST_LOST


@pytest.mark.together
@BOTH_LOOPS
def test_drain_goes_on_while_an_endpoint_is_removed_late(stack: dict[str, str]) -> None:
    """New connections that come for longer than `drain_min` are served as well."""
    limits = {**SHORT, "drain_max_seconds": 15.0}
    tally, status, took, _ = drain(dict(stack), limits, LATE)

    assert dict(tally.lost) == {}
    assert status == 0
    assert took < limits["drain_max_seconds"]


@pytest.mark.together
def test_drain_that_hears_nobody_loses_those_who_come_late() -> None:
    """The control: it ends at `drain_min`, in between two requests."""
    options: dict[str, Any] = {**UVLOOP, "constants": {"QUIET_SECONDS": 0.0}}
    tally, _, _, _ = drain(options, SHORT, LATE)

    assert tally.lost.total() > 0


@pytest.mark.slow
@pytest.mark.at_once
@BOTH_LOOPS
def test_five_drains_with_the_articles_numbers_lose_no_request(stack: dict[str, str]) -> None:
    """The same five times on each loop with a drain of at least 5 s."""
    tallies = [check_no_loss(stack, ARTICLE, pause_seconds=0.0) for _ in range(5)]
    control, _, _, _ = drain({**stack, "plain": True}, ARTICLE, {})
    sent = sum(tally.sent for tally in tallies)
    after = sum(tally.sent_after_signal for tally in tallies)
    note(f"5 drains, {stack['loop']}: lost of sent (after SIGTERM)", f"0 of {sent} ({after})")
    note(f"1 shutdown, plain {stack['loop']}: lost of sent (after SIGTERM)", _loss(control))

    assert sent > 1_000
    assert control.lost.total() > LEAST_LOST


@pytest.mark.together
@BOTH_LOOPS
def test_readiness_is_red_and_liveness_green_while_draining(stack: dict[str, str]) -> None:
    """The endpoint is to be removed; nobody is to be restarted."""
    with lab(**stack, limits=SHORT) as process:
        until_serving(process)
        process.signal(signal.SIGTERM)
        time.sleep(0.3)
        ready, alive = probe(process, "/health/ready"), probe(process)
        status = process.wait()
        steps = [(step["before"], step["after"]) for step in logged(process, "lifecycle")]

    assert (ready.code, ready.json["output"]) == (503, "draining")
    assert (alive.code, alive.json["status"]) == (200, "pass")
    assert status == 0
    assert steps[-2:] == [("SERVING", "DRAINING"), ("DRAINING", "STOPPING")]


@pytest.mark.together
@BOTH_LOOPS
def test_silent_connection_gets_its_answer_when_it_speaks_while_draining(
    stack: dict[str, str],
) -> None:
    """A connection that was accepted and silent at SIGTERM is served, and told to close."""
    with lab(**stack, limits=SHORT) as process:
        until_serving(process)
        with Connection(process.port) as silent:
            time.sleep(0.2)  # it has been accepted by now
            process.signal(signal.SIGTERM)
            time.sleep(1.0)
            silent.send(request("/hello"))
            reply = silent.receive()
        status = process.wait()

    assert (reply.code, reply.text, reply.says_close) == (200, "hello", True)
    assert status == 0


@pytest.mark.together
@BOTH_LOOPS
def test_plain_server_hangs_up_on_a_silent_connection(stack: dict[str, str]) -> None:
    """The control: the connection is closed, and the request on it gets no answer."""
    with lab(**stack, plain=True) as process, Connection(process.port) as silent:
        time.sleep(0.2)
        process.signal(signal.SIGTERM)
        time.sleep(1.0)
        try:
            silent.send(request("/hello"))
            code = silent.receive().code
        except OSError:
            code = 0
        process.wait()

    assert code == 0


@pytest.mark.together
@BOTH_LOOPS
def test_who_speaks_in_the_last_moment_is_answered(stack: dict[str, str]) -> None:
    """Even with no minimum drain, what is sent within the last accept is read and answered."""
    with lab(**stack, limits={"drain_min_seconds": 0.0}) as process:
        until_serving(process)
        connections = [Connection(process.port) for _ in range(20)]
        time.sleep(0.2)
        process.signal(signal.SIGTERM)
        for connection in connections:
            connection.send(request("/hello"))
        replies = [connection.receive() for connection in connections]
        status = process.wait()
        for connection in connections:
            connection.close()

    assert [reply.code for reply in replies] == [200] * 20
    assert status == 0


@pytest.mark.together
@BOTH_LOOPS
def test_who_waits_in_the_backlog_is_answered(stack: dict[str, str]) -> None:
    """Connections that arrive while the loop stands still are taken in before the door closes."""
    options: dict[str, Any] = {"responder": False, "limits": {"drain_min_seconds": 0.0}}
    with lab(**stack, **options) as process:
        until_serving(process)
        with poke(process, "/stall?kind=sleep&seconds=1.5") as stalled:
            time.sleep(0.3)
            waiting = [poke(process, "/hello") for _ in range(20)]
            process.signal(signal.SIGTERM)
            replies = [connection.receive() for connection in [stalled, *waiting]]
            for connection in waiting:
                connection.close()
        status = process.wait()

    assert [reply.code for reply in replies] == [200] * 21
    assert status == 0


CUT = {"drain_min_seconds": 0.5, "drain_max_seconds": 1.0, "drain_cancel_seconds": 1.5}
CUT_SECONDS = 10.0
"""Far from the request's 60 s, and not too near to the 2.5 s of the limits."""


@pytest.mark.together
@BOTH_LOOPS
def test_request_that_outlasts_the_drain_is_answered_503(stack: dict[str, str]) -> None:
    """It is cancelled at the end of drain_cancel, and its client may ask another replica."""
    with lab(**stack, limits=CUT) as process:
        until_serving(process)
        with (
            poke(process, "/hello?seconds=60") as endless,
            poke(process, "/hello?seconds=1.5") as slow,
        ):
            time.sleep(0.3)
            began = time.monotonic()
            process.signal(signal.SIGTERM)
            kept, cut = slow.receive(), endless.receive()
            took = time.monotonic() - began
        status = process.wait()

    assert kept.code == 200
    assert (cut.code, cut.headers["retry-after"], cut.says_close) == (503, "1", True)
    assert cut.json["detail"] == "draining"
    assert took < CUT_SECONDS
    assert status == 0


@pytest.mark.together
def test_plain_server_has_no_good_word_for_a_cut_request() -> None:
    """The control: uvicorn's own limit makes an error of it, or breaks the connection."""
    with lab(**ASYNCIO, plain=True, plain_graceful_seconds=1) as process:
        with poke(process, "/hello?seconds=60") as endless:
            time.sleep(0.3)
            process.signal(signal.SIGTERM)
            cut = endless.receive()
        process.wait()

    assert cut.code in {0, 500}


UNHURRIED = {"drain_min_seconds": 5.0, "drain_max_seconds": 10.0}
"""A drain that is long enough to see that something comes before its end."""

LAST_CHUNK = b"0\r\n\r\n"


@pytest.mark.together
@BOTH_LOOPS
def test_event_stream_is_ended_in_good_order_at_once(stack: dict[str, str]) -> None:
    """The last chunk comes right after SIGTERM, not a broken connection at the end."""
    with lab(**stack, limits=UNHURRIED) as process:
        until_serving(process)
        with poke(process, "/events") as stream:
            stream.read_until(b"data: tick\n\n\r\n")
            began = time.monotonic()
            process.signal(signal.SIGTERM)
            stream.read_until(LAST_CHUNK)
            took = time.monotonic() - began
        status = process.wait()

    assert took < UNHURRIED["drain_min_seconds"]
    assert status == 0


@pytest.mark.together
def test_event_stream_begun_while_draining_is_ended_too() -> None:
    """A client that connects anew at once is ended in good order as well."""
    with lab(**UVLOOP, limits={**SHORT, "drain_max_seconds": 3.0}) as process:
        until_serving(process)
        process.signal(signal.SIGTERM)
        time.sleep(0.3)
        with poke(process, "/events") as stream:
            data = stream.rest()
        status = process.wait()

    assert data.endswith(LAST_CHUNK)
    assert status == 0


@pytest.mark.together
@BOTH_LOOPS
def test_websocket_is_told_that_the_service_restarts(stack: dict[str, str]) -> None:
    """An open WebSocket is closed with 1012 right after SIGTERM."""
    upgrade = (
        b"GET /socket HTTP/1.1\r\nHost: lab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with lab(**stack, limits=UNHURRIED) as process:
        until_serving(process)
        with Connection(process.port) as client:
            client.send(upgrade)
            accepted = client.receive()
            began = time.monotonic()
            process.signal(signal.SIGTERM)
            frame = client.rest()
            took = time.monotonic() - began
        hello = get(process, "/hello")
        status = process.wait()

    assert accepted.code == 101
    assert frame[0] == 0x88  # a close frame (RFC 6455, section 5.5.1)
    assert int.from_bytes(frame[2:4]) == 1012
    assert took < UNHURRIED["drain_min_seconds"]
    assert hello.code == 200
    assert status == 0
