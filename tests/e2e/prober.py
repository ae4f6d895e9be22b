"""Sends messages at a constant rate, whatever happens, and tells what became of each of them.

Open loop: request N is due at start + N / rate, and its latency counts from then, so a service that
stands still is charged for everybody who would have come meanwhile. Nothing is tried again. Half of
the requests open a connection of their own, the others share connections that are kept alive.

HTTP/1.1 by hand, with the standard library alone: what is measured here, a connection that is
closed under a request, is just what client libraries hide, by sending the request once more. And
the image needs nothing but Python. The one kindness of every client is kept: a connection that is
seen to be closed before the request is sent is not used.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import math
import os
import select
import signal
import socket
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PEOPLE = ("alice", "bob", "heidi", *(f"p{number:05}" for number in range(8, 100)))
"""People who may send and receive on every channel at any hour (`downstream/people.py`)."""

CHANNELS = ("push", "email", "sms")

EXPECTED_STATUS = 202
"""The one answer to a message that is a promise; anything else is a failure."""

READ_STATUS = 200
"""The one answer to a read that is none."""

TIMEOUT_SECONDS = 12.0
"""How long a client waits, from when the request was due: the mesh's time-out for the route."""

PROGRESS_SECONDS = 5.0
"""Time between two lines that tell how it goes."""

EXAMPLES = 5
"""How many failures of each kind are told in full."""


class Interrupted(Exception):
    """Raised when a connection ended before the answer was whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def keeps_alive(self) -> bool:
        """Whether the server will take another request on this connection (RFC 9112, 9.3)."""
        return self.headers.get("connection", "").lower() != "close"


class Connection(asyncio.Protocol):
    """One connection, on which one request at a time is sent."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None
        self._is_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Complete the answer, if these are its last bytes."""
        self._received += data
        self._look(at_end=False)

    def eof_received(self) -> None:
        """End: the server has closed its side."""
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """End: the connection is gone."""
        self._end(exc)

    @property
    def is_usable(self) -> bool:
        """Whether nothing speaks against another request, the kernel asked as other clients do."""
        if self._is_ended or self._transport is None or self._transport.is_closing():
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    async def ask(self, request: bytes) -> Answer:
        """Send a request and return its answer.

        Raises:
            Interrupted: The connection ended before that.
        """
        assert self._transport is not None
        self._received.clear()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def _end(self, exc: Exception | None) -> None:
        if not self._is_ended:
            self._is_ended = True
            self._look(at_end=True)
        if self._answer is not None and not self._answer.done():
            received = f"after {len(self._received)} bytes of the answer"
            self._answer.set_exception(Interrupted(f"{exc or 'closed'} {received}"))

    def _look(self, *, at_end: bool) -> None:
        answer = parse(bytes(self._received), at_end=at_end)
        if answer is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)


def parse(received: bytes, *, at_end: bool) -> Answer | None:
    """Return the answer that these bytes are, or None if some are missing.

    Args:
        received: All that came since the request was sent.
        at_end: Whether nothing more will come.
    """
    head, is_found, body = received.partition(b"\r\n\r\n")
    if not is_found:
        return None
    status_line, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if "content-length" in headers:
        is_whole = len(body) >= int(headers["content-length"])
    elif "transfer-encoding" in headers:
        is_whole = body.endswith(b"0\r\n\r\n")
    else:
        is_whole = at_end
    return Answer(int(status_line.split()[1]), headers, body) if is_whole else None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, again and again."""

    read: str = ""
    """The path that is read; none sends messages."""
    headers: tuple[str, ...] = ()
    """Further lines of the head, such as "x-canary: always"."""
    has_key: bool = True
    """Whether a message has an Idempotency-Key."""

    def of(self, number: int, run: str, host: str) -> bytes:
        """Return the request of a number, different from all others of all runs."""
        common = (f"Host: {host}", "User-Agent: messenger-prober", *self.headers)
        if self.read:
            return _join(f"GET {self.read} HTTP/1.1", *common)
        body = json.dumps(
            {
                "sender": PEOPLE[number % len(PEOPLE)],
                "recipient": PEOPLE[(number + 1) % len(PEOPLE)],
                "channel": CHANNELS[number % len(CHANNELS)],
                "body": f"probe {number} of {run}",
            }
        ).encode()
        key = (f"Idempotency-Key: {run}-{number}",) if self.has_key else ()
        length = f"Content-Length: {len(body)}"
        kind = "Content-Type: application/json"
        return _join("POST /v1/messages HTTP/1.1", *common, kind, length, *key) + body


def _join(*lines: str) -> bytes:
    """Return the head of a request."""
    return "\r\n".join((*lines, "", "")).encode()


MESSAGE = Question()
"""A message with a key, which is what clients should send."""


@dataclass(slots=True)
class Share:
    """What one part of the requests had: those that one pod or one version answered."""

    ok: int = 0
    failed: int = 0
    first_seconds: float = math.inf
    last_seconds: float = -math.inf

    def add(self, seconds: float, *, is_ok: bool) -> None:
        """Count one answer that came `seconds` after the start."""
        self.ok += is_ok
        self.failed += not is_ok
        self.first_seconds = round(min(self.first_seconds, seconds), 2)
        self.last_seconds = round(max(self.last_seconds, seconds), 2)


@dataclass(slots=True)
class Tally:
    """All that is known of the requests so far."""

    clock: Callable[[], float]
    reads: bool = False
    """Whether what is asked is a read, and no message is sent."""
    started: float = 0.0
    started_at: float = 0.0
    """The same in Unix time, which others can compare with theirs."""
    sent: int = 0
    ok: int = 0
    degraded: int = 0
    degraded_by: collections.Counter[str] = field(default_factory=collections.Counter)
    kinds: collections.Counter[str] = field(default_factory=collections.Counter)
    declared: int = 0
    """Failures that a client can act on: 503, a problem in JSON, and when to try again."""
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failing_seconds: set[int] = field(default_factory=set)
    versions: dict[str, Share] = field(default_factory=dict)
    pods: dict[str, Share] = field(default_factory=dict)
    seconds: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})
    """Latencies of what was well, of fresh connections and of kept ones."""
    gap_seconds: float = 0.0
    gap_from: float = 0.0
    last_ok: float = 0.0
    late_seconds: float = 0.0
    """How late the prober itself was at most: its own share of the latencies."""

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return self.clock() - self.started

    def add_answer(self, answer: Answer, due: float, *, is_fresh: bool) -> None:
        """Count an answer."""
        body = _object(answer.body)
        is_promise = answer.status == EXPECTED_STATUS and "id" in body
        is_ok = is_promise or (self.reads and answer.status == READ_STATUS)
        for shares, header in ((self.versions, "version"), (self.pods, "pod")):
            name = answer.headers.get(f"x-messenger-{header}", "")
            shares.setdefault(name, Share()).add(self.elapsed(), is_ok=is_ok)
        if not is_ok:
            is_problem = answer.headers.get("content-type") == "application/problem+json"
            self.declared += answer.status == 503 and is_problem and "retry-after" in answer.headers
            reason = body.get("detail") or body.get("title") or body.get("output") or ""
            self.add_failure(
                f"{answer.status} {reason}".strip(), due, answer.body.decode("latin-1")
            )
            return
        self.ok += 1
        self.seconds[is_fresh].append(self.clock() - due)
        self.degraded += bool(body.get("degraded"))
        self.degraded_by.update(body.get("degraded", ()))
        self.end_gap()

    def add_failure(self, kind: str, due: float, detail: str) -> None:
        """Count a failure."""
        self.kinds[kind] += 1
        self.failing_seconds.add(int(due - self.started))
        examples = self.examples.setdefault(kind, [])
        if len(examples) < EXAMPLES:
            examples.append(
                {
                    "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    "due_seconds": round(due - self.started, 3),
                    "took_seconds": round(self.clock() - due, 3),
                    "detail": detail[:300],
                }
            )

    def end_gap(self) -> None:
        """End the time without a success, here."""
        now = self.elapsed()
        if now - self.last_ok > self.gap_seconds:
            self.gap_seconds, self.gap_from = now - self.last_ok, self.last_ok
        self.last_ok = now

    def progress(self) -> dict[str, Any]:
        """Return what is told while it runs."""
        failed = sum(self.kinds.values())
        counts = {"sent": self.sent, "ok": self.ok, "failed": failed, "degraded": self.degraded}
        return {"elapsed_seconds": round(self.elapsed(), 1), **counts}

    def summary(self) -> dict[str, Any]:
        """Return what is told at the end."""
        return {
            **self.progress(),
            "started_at": round(self.started_at, 3),
            "degraded_by": dict(self.degraded_by),
            "declared": self.declared,
            "kinds": dict(self.kinds.most_common()),
            "examples": self.examples,
            "failing_seconds": _ranges(self.failing_seconds),
            "longest_gap_seconds": round(self.gap_seconds, 2),
            "longest_gap_from_seconds": round(self.gap_from, 2),
            "latency_seconds": {
                "all": quantiles(self.seconds[True] + self.seconds[False]),
                "fresh": quantiles(self.seconds[True]),
                "kept": quantiles(self.seconds[False]),
            },
            "versions": {name: _plain(share) for name, share in sorted(self.versions.items())},
            "pods": {name: _plain(share) for name, share in sorted(self.pods.items())},
            "prober_late_seconds": round(self.late_seconds, 3),
            "prober_cpu_seconds": round(time.process_time(), 2),
        }


def _plain(share: Share) -> dict[str, float]:
    return {name: getattr(share, name) for name in share.__slots__}


def _object(body: bytes) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        value = json.loads(body)
        if isinstance(value, dict):
            return value
    return {}


def _ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Return whole numbers as ranges, both ends in."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges


def quantiles(values: list[float]) -> dict[str, float]:
    """Return how the values spread, each quantile the value of one of them."""
    if not values:
        return {}
    ordered = sorted(values)
    last = len(ordered) - 1
    shares = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    return {name: round(ordered[round(share * last)], 4) for name, share in shares.items()}


class Prober:
    """The load and its results.

    Args:
        url: The address of the service, without a path.
        rate: Requests per second.
        total: How many requests there are to be.
        kept: How many connections are kept alive.
        run: Distinguishes the keys and bodies of this run from those of any other.
        question: What is asked.
    """

    def __init__(
        self,
        url: str,
        *,
        rate: float,
        total: int,
        kept: int,
        run: str,
        question: Question = MESSAGE,
    ) -> None:
        self._host = urllib.parse.urlsplit(url).hostname or ""
        self._port = urllib.parse.urlsplit(url).port or 80
        self._address = ""
        self._rate = rate
        self._total = total
        self._kept = kept
        self._run = run
        self._idle: collections.deque[Connection] = collections.deque()
        self._open = 0
        self._stop = asyncio.Event()
        self._question = question
        self.tally = Tally(time.monotonic, reads=bool(question.read))

    def stop(self) -> None:
        """Send nothing more."""
        self._stop.set()

    async def run(self) -> None:
        """Send all requests, or until stopped, and wait for the last answer."""
        # Once: what is asked here is the service, and a cluster's DNS has troubles of its own.
        found = await asyncio.get_running_loop().getaddrinfo(
            self._host, self._port, type=socket.SOCK_STREAM
        )
        self._address = str(found[0][4][0])
        tasks: set[asyncio.Task[None]] = set()
        self.tally.started = start = time.monotonic()
        self.tally.started_at = time.time()
        for number in range(self._total):
            due = start + number / self._rate
            await self._wait_until(due)
            if self._stop.is_set():
                break
            self.tally.sent += 1
            self.tally.late_seconds = max(self.tally.late_seconds, time.monotonic() - due)
            task = asyncio.create_task(self._send(number, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        self.tally.end_gap()
        while self._idle:
            self._idle.popleft().close()

    async def _wait_until(self, due: float) -> None:
        """Wait until it is time; when late, let answers be read all the same."""
        try:
            async with asyncio.timeout(max(0.0, due - time.monotonic())):
                await self._stop.wait()
        except TimeoutError:
            await asyncio.sleep(0)

    async def _send(self, number: int, due: float) -> None:
        is_fresh = number % 2 == 0
        request = self._question.of(number, self._run, self._host)
        try:
            async with asyncio.timeout(due + TIMEOUT_SECONDS - time.monotonic()):
                answer = await self._exchange(request, is_fresh=is_fresh)
        except TimeoutError:
            self.tally.add_failure("timeout", due, "fresh" if is_fresh else "kept")
        except Interrupted as error:
            how = "fresh" if is_fresh else "kept"
            self.tally.add_failure(f"connection lost ({how})", due, str(error))
        except OSError as error:
            kind = "refused" if isinstance(error, ConnectionRefusedError) else "no connection"
            self.tally.add_failure(kind, due, str(error))
        else:
            self.tally.add_answer(answer, due, is_fresh=is_fresh)

    async def _exchange(self, request: bytes, *, is_fresh: bool) -> Answer:
        connection = None if is_fresh else self._take()
        if connection is None:
            _, connection = await asyncio.get_running_loop().create_connection(
                Connection, self._address, self._port
            )
            self._open += not is_fresh
        is_kept = False
        try:
            answer = await connection.ask(request)
            is_kept = not is_fresh and answer.keeps_alive and self._open <= self._kept
        finally:
            if is_kept:
                self._idle.append(connection)
            else:
                self._open -= not is_fresh
                connection.close()
        return answer

    def _take(self) -> Connection | None:
        """Return the connection that was idle longest, None as long as there are to be more.

        The longest idle one, so that all stay in use: a pool that prefers the latest keeps sending
        to the same few pods.
        """
        while self._idle and self._open >= self._kept:
            connection = self._idle.popleft()
            if connection.is_usable:
                return connection
            connection.close()
            self._open -= 1
        return None


def _say(event: str, facts: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


async def probe(options: argparse.Namespace) -> int:
    """Probe as told and return the exit status."""
    prober = Prober(
        options.url,
        rate=options.rate,
        total=options.requests or round(options.rate * options.seconds),
        kept=options.kept,
        run=options.run,
        question=Question(options.get, tuple(options.header), has_key=not options.keyless),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, prober.stop)
    running = asyncio.create_task(prober.run())
    while not running.done():
        await asyncio.wait({running}, timeout=PROGRESS_SECONDS)
        _say("progress", prober.tally.progress())
    await running
    summary = prober.tally.summary()
    _say("summary", summary)
    return 1 if options.strict and (summary["failed"] or not summary["ok"]) else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the prober and return its exit status."""
    parser = argparse.ArgumentParser(description="Sends messages at a constant rate.")
    parser.add_argument("--url", default="http://messenger", help="without a path")
    parser.add_argument("--rate", type=float, default=50.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=30.0, help="for how long")
    parser.add_argument("--requests", type=int, help="how many; goes before --seconds")
    parser.add_argument("--kept", type=int, default=20, help="connections that are kept alive")
    parser.add_argument("--get", default="", metavar="PATH", help="read it, and send no message")
    parser.add_argument("--header", action="append", default=[], help="a further line of the head")
    parser.add_argument("--keyless", action="store_true", help="send messages without a key")
    parser.add_argument("--strict", action="store_true", help="exit 1 if one request failed")
    parser.add_argument(
        "--run", default=f"{os.getpid()}-{time.time_ns()}", help="tells runs apart in the keys"
    )
    return asyncio.run(probe(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
