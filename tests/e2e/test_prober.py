"""The prober sees what happens to its requests; needs no cluster.

A prober that counts too little would make every proof here worthless, so each way to lose a request
is shown to be counted, and the one thing that is no loss not to be.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

PROBER = Path(__file__).with_name("prober.py")

RATE, SECONDS = 50, 1.0
SENT = 50

ACCEPTED = b'{"id":"1","status":"accepted","degraded":[]}'
DEGRADED = b'{"id":"1","status":"accepted","degraded":["audit"]}'
PROBLEM = b'{"title":"Service Unavailable","status":503,"detail":"warming"}'

Serve = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]
"""Answers the n-th request of a connection, and says whether the connection goes on."""


def response(status: int, body: bytes, *headers: str) -> bytes:
    """Return an answer on the wire."""
    kind = "application/json" if status == 202 else "application/problem+json"
    head = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, *headers, "", ""]).encode() + body


async def accept(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Accept every message."""
    del number, reader
    writer.write(response(202, ACCEPTED, "X-Messenger-Pod: one", "X-Messenger-Version: 1.0"))
    return True


async def close_with_notice(
    number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Accept a message and say that the connection ends, as a draining server does."""
    del number, reader
    writer.write(response(202, ACCEPTED, "Connection: close"))
    return False


async def close_when_idle(
    number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Accept a message and end the connection a moment later, without a word."""
    del number, reader
    writer.write(response(202, ACCEPTED))
    await asyncio.sleep(0.02)
    return False


async def hang_up(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Accept the first message of a connection, and hang up on the second."""
    del reader
    if number:
        return False
    writer.write(response(202, ACCEPTED))
    return True


async def refuse(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer 503 as the service does."""
    del number, reader
    writer.write(response(503, PROBLEM, "Retry-After: 1"))
    return True


async def refuse_badly(
    number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Answer 503 without a time to try again."""
    del number, reader
    writer.write(response(503, PROBLEM))
    return True


async def promise_nothing(
    number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Answer 202 without an id."""
    del number, reader
    writer.write(response(202, b"{}"))
    return True


async def degrade(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Accept a message in two pieces, and without one of the optional services."""
    del number, reader
    whole = response(202, DEGRADED)
    writer.write(whole[:40])
    await asyncio.sleep(0.01)
    writer.write(whole[40:])
    return True


async def read_200(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer a read."""
    del number, reader
    writer.write(response(200, b'{"version":"1.0"}', "X-Messenger-Version: 1.0"))
    return True


async def probe(
    serve: Serve, *arguments: str, heads: list[str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Probe a server, and return the prober's exit status and summary.

    Args:
        serve: How the server answers.
        arguments: The prober's.
        heads: Where what was asked is added.
    """

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        goes_on, number = True, 0
        try:
            while goes_on:
                head = await reader.readuntil(b"\r\n\r\n")
                if heads is not None:
                    heads.append(head.decode())
                length = head.lower().partition(b"content-length:")[2].split()
                await reader.readexactly(int(length[0]) if length else 0)
                goes_on = await serve(number, reader, writer)
                number += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await run(f"http://127.0.0.1:{port}", *arguments)


async def run(url: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the prober as its image does, and return its exit status and summary."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROBER), f"--url={url}", f"--rate={RATE}", f"--seconds={SECONDS}"),
        *arguments,
        stdout=subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), timeout=30)
    summary: dict[str, Any] = json.loads(out.splitlines()[-1])
    assert process.returncode is not None
    return process.returncode, summary


async def test_all_is_well_where_every_message_is_accepted() -> None:
    """Every request is sent and counted, by pod and by version, and the exit is 0."""
    status, summary = await probe(accept, "--strict")

    assert (status, summary["sent"], summary["ok"], summary["failed"]) == (0, SENT, SENT, 0)
    assert summary["pods"]["one"]["ok"] == SENT
    assert summary["versions"]["1.0"]["ok"] == SENT


@pytest.mark.parametrize("serve", [close_with_notice, close_when_idle])
async def test_connection_that_ended_before_the_request_is_no_failure(serve: Serve) -> None:
    """A client that sees the end, or was told of it, takes another connection."""
    # A quarter of a second between two requests: on a busy machine an end comes late, too.
    _, summary = await probe(serve, "--kept=1", "--rate=4", "--seconds=2")

    assert summary["kinds"] == {}


async def test_connection_that_ends_under_a_request_is_a_failure() -> None:
    """The request may have been carried out or not: nobody knows, and nothing is sent again."""
    status, summary = await probe(hang_up, "--kept=5", "--strict")

    assert status == 1
    assert set(summary["kinds"]) == {"connection lost (kept)"}
    assert 5 <= summary["failed"] <= SENT / 2


@pytest.mark.parametrize(
    ("serve", "declared"), [(refuse, SENT), (refuse_badly, 0)], ids=["declared", "bare"]
)
async def test_503_is_a_failure_and_told_apart_by_its_manners(serve: Serve, declared: int) -> None:
    """Both count; only one with a problem and a time to try again counts as declared."""
    status, summary = await probe(serve, "--strict")

    assert (status, summary["kinds"]) == (1, {"503 warming": SENT})
    assert summary["declared"] == declared
    assert len(summary["examples"]["503 warming"]) == 5
    assert summary["longest_gap_seconds"] >= 0.9


async def test_202_that_promises_nothing_is_a_failure() -> None:
    """Without an id nobody can ask what became of the message."""
    _, summary = await probe(promise_nothing)

    assert summary["failed"] == SENT


async def test_degraded_answer_is_well_and_counted_apart() -> None:
    """It was accepted, and what was missing is named."""
    _, summary = await probe(degrade)

    assert (summary["ok"], summary["degraded"]) == (SENT, SENT)
    assert summary["degraded_by"] == {"audit": SENT}


async def test_it_reads_where_it_is_told_to() -> None:
    """The split of a route can be counted without a message being sent."""
    heads: list[str] = []
    status, summary = await probe(
        read_200, "--get=/version", "--header=x-canary: always", "--strict", heads=heads
    )

    assert (status, summary["ok"], summary["versions"]["1.0"]["ok"]) == (0, SENT, SENT)
    assert all(head.startswith("GET /version HTTP/1.1\r\n") for head in heads)
    assert all("\r\nx-canary: always\r\n" in head for head in heads)


async def test_200_is_no_promise_to_a_message() -> None:
    """The control: what is an answer to a read is none to a message."""
    _, summary = await probe(read_200)

    assert summary["failed"] == SENT


@pytest.mark.parametrize(("argument", "count"), [("--kept=20", 1), ("--keyless", 0)])
async def test_a_message_has_a_key_unless_told_otherwise(argument: str, count: int) -> None:
    """Without one nobody may send it twice."""
    heads: list[str] = []
    await probe(accept, argument, heads=heads)

    assert {head.lower().count("idempotency-key: ") for head in heads} == {count}


async def test_closed_door_is_a_failure(free_tcp_port: int) -> None:
    """Nobody listens: refused, each time."""
    status, summary = await run(f"http://127.0.0.1:{free_tcp_port}", "--strict")

    assert (status, summary["kinds"]) == (1, {"refused": SENT})


async def test_latency_counts_from_when_the_request_was_due() -> None:
    """A server that stands still for half a second is charged for all who came meanwhile."""
    is_first = True

    async def stand_still(
        number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        nonlocal is_first
        if is_first:
            is_first = False
            # On purpose: an await would let the others be answered.
            time.sleep(0.5)  # noqa: ASYNC251 - see above
        return await accept(number, reader, writer)

    _, summary = await probe(stand_still)

    assert summary["failed"] == 0
    # 25 of 50 were due while it stood still, evenly spread over the half second.
    assert summary["latency_seconds"]["all"]["max"] >= 0.45
    assert summary["latency_seconds"]["all"]["p90"] >= 0.25
