"""Whatever a probe looks like, and whoever answers it, it is answered as the specification says."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext

import pytest

from tests.integration.lab.experiment import (
    get,
    lab,
    logged,
    poke,
    probe,
    until,
    until_serving,
    watch,
)
from tests.integration.lab.gates import SECRET
from tests.integration.lab.wire import Connection, Reply, exchange, request
from tests.integration.process import Process

from .figures import note
from .loops import ASYNCIO, BOTH_LOOPS, UVLOOP

STALL_SECONDS = 30.0
"""Longer than any experiment here; the process is ended in the middle of it."""

ODD_HOSTS = {
    "odd": "\xa7$%&/ evil.example:99999",
    "empty": "",
    "address": "10.1.2.3:8080",
    "huge": "h" * 4_000,
}


@contextmanager
def answered_by(source: str, process: Process) -> Iterator[None]:
    """Have probes answered by the loop, or by the responder while the loop is stopped."""
    is_stopped = source == "responder"
    stall = f"/stall?kind=sleep&seconds={STALL_SECONDS}"
    with poke(process, stall) if is_stopped else nullcontext():
        if is_stopped:
            until(process, lambda answer: answer.source == source)
        yield


BY_BOTH = pytest.mark.parametrize("source", ["loop", "responder"])


@pytest.mark.together
@BY_BOTH
@BOTH_LOOPS
def test_probe_is_answered_whatever_its_host(source: str, stack: dict[str, str]) -> None:
    """Odd, empty, huge or no `Host`, and forwarded headers: 200 with the same answer."""
    old = b"GET /health/alive HTTP/1.0\r\n\r\n"
    forwarded = b"GET /health/alive HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n\r\n"
    with lab(**stack) as process:
        until_serving(process)
        with answered_by(source, process):
            replies = {
                name: exchange(process.port, request("/health/alive", host=host, close=True))
                for name, host in ODD_HOSTS.items()
            }
            replies["absent"] = exchange(process.port, old)
            replies["forwarded"] = exchange(process.port, forwarded)

    assert {name: reply.code for name, reply in replies.items()} == dict.fromkeys(replies, 200)
    assert {reply.source for reply in replies.values()} == {source}


@pytest.mark.together
@BY_BOTH
@BOTH_LOOPS
def test_only_get_and_head_are_answered(source: str, stack: dict[str, str]) -> None:
    """HEAD is GET without the body; everything else is 405 and says what is allowed."""
    with lab(**stack) as process:
        until_serving(process)
        with answered_by(source, process):
            head = exchange(
                process.port, request("/health/alive", method="HEAD", close=True), head_only=True
            )
            with Connection(process.port) as connection:
                connection.send(request("/health/alive", method="HEAD", close=True))
                bare = connection.rest()
            posted = exchange(process.port, request("/health/alive", method="POST", body="{}"))
            others = [
                exchange(process.port, request("/health/alive", method=method, close=True)).code
                for method in ("PUT", "DELETE", "OPTIONS", "PATCH")
            ]

    assert (head.code, head.source) == (200, source)
    assert int(head.headers["content-length"]) > 0
    assert bare.endswith(b"\r\n\r\n")
    assert (posted.code, posted.headers["allow"]) == (405, "GET, HEAD")
    assert others == [405] * 4


@pytest.mark.together
@BY_BOTH
@BOTH_LOOPS
def test_unknown_paths_are_404_and_unknown_exclusions_a_note(
    source: str, stack: dict[str, str]
) -> None:
    """A typing error in a probe must be seen, not be taken for health."""
    with lab(**stack) as process:
        until_serving(process)
        with answered_by(source, process):
            codes = {
                path: probe(process, path).code
                for path in (
                    "/health/nothing",
                    "/health/ready/nothing",
                    "/health/ready/lifecycle/x",
                )
            }
            single = probe(process, "/health/ready/lifecycle")
            excluded = probe(process, "/health/alive?exclude=nonsense&exclude=eventloop:lag")
            aggregate = probe(process, "/health?verbose")

    assert set(codes.values()) == {404}
    assert (single.code, single.json["status"]) == (200, "pass")
    assert excluded.code == 200
    assert excluded.json["notes"] == ["unknown check excluded: nonsense"]
    assert aggregate.json["description"] == "everything, for people; not for probes"
    assert aggregate.json["history"]


@pytest.mark.together
@BOTH_LOOPS
def test_no_answer_shows_the_text_of_an_exception(stack: dict[str, str]) -> None:
    """A gate, a worker and a check that raise: reason codes to everybody, the text to the log."""
    options = {"gate": "fails", "workers": ["once"], "check_crashes": True}
    paths = [
        "/health?verbose",
        "/health/ready?verbose",
        "/health/alive?verbose",
        "/health/started?verbose",
        "/health/ready/lab:crashing",
        "/health/ready/worker:once",
        "/health/ready/warmup:cache:lab",
    ]
    with lab(**stack, **options, limits={"warmup_budget_seconds": 0.5}) as process:
        bodies = [probe(process, path).text for path in paths]
        until_serving(process)
        time.sleep(1.2)  # the check is sampled once a second
        bodies += [probe(process, path).text for path in paths]
        log = "\n".join(process.stderr)
        gate, check = logged(process, "warm-up gate failed"), logged(process, "check crashed")

    assert not [body for body in bodies if SECRET in body or "Error" in body or ".py" in body]
    assert SECRET in log
    assert gate
    assert check


@pytest.mark.together
def test_stacks_are_shown_to_the_holder_of_the_token_alone() -> None:
    """Without the token, or with a wrong one, `?verbose` shows checks and no line of code."""
    with lab(debug_token="token") as process:  # noqa: S106 - the lab's
        until_serving(process)
        replies = {
            token: exchange(process.port, request("/health/alive?verbose", token=token, close=True))
            for token in ("", "wrong", "token")
        }

    assert {token: "debug" in reply.json for token, reply in replies.items()} == {
        "": False,
        "wrong": False,
        "token": True,
    }
    assert any("stack " in line for line in replies["token"].json["debug"]["stacks"])
    assert "stack " not in replies["wrong"].text


@contextmanager
def slow_senders(process: Process, number: int) -> Iterator[None]:
    """Keep connections open that never finish what they say, some on a health path."""
    beginnings = (b"", b"G", b"GET /health/al", b"GET /hello HTTP/1.1\r\nHost: sl")
    with ExitStack() as stack:
        for turn in range(number):
            connection = stack.enter_context(Connection(process.port))
            connection.send(beginnings[turn % len(beginnings)])
        yield


@pytest.mark.together
@BOTH_LOOPS
def test_slow_senders_keep_no_probe_out(stack: dict[str, str]) -> None:
    """200 unfinished requests before and 200 during a stall: probes are answered all the same."""
    with lab(**stack) as process:
        until_serving(process)
        with slow_senders(process, 200):
            running = watch(process, 1.0)
            with answered_by("responder", process), slow_senders(process, 200):
                stopped = watch(process, 1.5)

    assert {answer.code for answer in running} == {200}
    assert {(answer.code, answer.source) for answer in stopped} == {(200, "responder")}


@pytest.mark.together
def test_verdict_is_delivered_through_slow_senders() -> None:
    """When the loop is broken they are turned away, and the kubelet hears 503 in time."""
    with lab(**UVLOOP, limits={"stall_broken_seconds": 1.0}) as process:
        until_serving(process)
        with answered_by("responder", process), slow_senders(process, 200):
            until(process, lambda answer: answer.code == 503)
            answers = watch(process, 1.0)

    assert {(answer.code, answer.source) for answer in answers} == {(503, "responder")}


@pytest.mark.together
def test_big_request_gets_its_answer_and_no_reset() -> None:
    """What was sent is read before the connection is closed; closing over it would send RST."""
    body = "x" * 60_000
    with lab(**ASYNCIO) as process:
        until_serving(process)
        with answered_by("responder", process):
            reply = exchange(process.port, request("/health/alive", method="POST", body=body))

    assert (reply.code, reply.source) == (405, "responder")


FLOOD_SECONDS = 1.5
FLOOD_PER_SECOND = 1_000


def flood(process: Process, seconds: float, per_second: float) -> list[Reply]:
    """Probe at a rate, each time on a new connection."""
    until_time = time.monotonic() + seconds
    replies = []
    due = time.monotonic()
    while time.monotonic() < until_time:
        replies.append(probe(process))
        due += 1 / per_second
        time.sleep(max(0.0, due - time.monotonic()))
    return replies


@BOTH_LOOPS
def test_flood_of_probes_is_answered_and_service_goes_on(stack: dict[str, str]) -> None:
    """A thousand probes a second, as far as this machine sends them: all 200, all requests too."""
    with lab(**stack) as process:
        until_serving(process)
        with ThreadPoolExecutor(4) as pool:
            floods = [
                pool.submit(flood, process, FLOOD_SECONDS, FLOOD_PER_SECOND / 4) for _ in range(4)
            ]
            replies = [get(process, "/hello").code for _ in range(50)]
            answers = [answer for each in floods for answer in each.result()]
        broken = logged(process, "liveness broken")
        shown = len(json.dumps(probe(process, "/health?verbose").json["history"]))
    note(f"flood of probes, {stack['loop']}: answered per second", len(answers) / FLOOD_SECONDS)

    assert {answer.code for answer in answers} == {200}
    assert replies == [200] * 50
    assert broken == []
    assert shown < 4_096
