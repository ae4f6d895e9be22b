"""Load that does not wait: requests come at a constant rate, whatever became of those before."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from .load import Client

PATIENCE_SECONDS = 10.0
"""How long the last answers are waited for."""

LATENESS_SECONDS = 0.002
"""How often it is looked what is due."""


@dataclass(slots=True)
class Flood:
    """What became of the requests; latencies are in seconds and count from when each was due."""

    sent: int = 0
    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    """503 with Retry-After."""
    other: dict[str, int] = field(default_factory=dict)
    """How many were answered otherwise, by status line; or not at all."""
    late: list[float] = field(default_factory=list)
    """By how much each was sent after it was due: what of a latency is the load's own fault."""

    @property
    def unanswered(self) -> int:
        """How many had no answer in the end."""
        return self.sent - len(self.accepted) - len(self.refused) - sum(self.other.values())

    @property
    def rest(self) -> int:
        """How many were neither accepted nor refused as they should be."""
        return sum(self.other.values()) + self.unanswered

    def add(self, more: "Flood") -> None:
        """Count another flood in."""
        self.sent += more.sent
        self.accepted += more.accepted
        self.refused += more.refused
        self.late += more.late
        for kind, count in more.other.items():
            self.other[kind] = self.other.get(kind, 0) + count

    def goodput(self, seconds: float, deadline_seconds: float) -> float:
        """Return how many a second were accepted in time, of a flood of so many seconds."""
        return sum(latency <= deadline_seconds for latency in self.accepted) / seconds


def flood(
    sender: Client, port: int, requests: Sequence[bytes], *, rate: float, seconds: float
) -> Flood:
    """Send `rate` requests a second from a process of its own, and wait for what is left."""
    return sender.apply(_run, (port, requests, rate, seconds))


def _run(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> Flood:
    return asyncio.run(_pour(port, requests, rate, seconds))


async def _pour(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> Flood:
    result = Flood()
    idle: list[_Connection] = []
    opening: set[asyncio.Task[None]] = set()
    endless = itertools.cycle(requests)
    start = time.perf_counter()
    while result.sent < rate * seconds:
        due = start + result.sent / rate
        if (late := time.perf_counter() - due) < 0:
            await asyncio.sleep(max(-late, LATENESS_SECONDS))
            continue
        result.sent += 1
        result.late.append(late)
        if idle:
            idle.pop().ask(next(endless), due)
        else:
            task = asyncio.create_task(_open(port, next(endless), due, result, idle))
            opening.add(task)
            task.add_done_callback(opening.discard)
        if not result.sent % 100:
            await asyncio.sleep(0)  # answers are taken in also when much is due
    until = time.perf_counter() + PATIENCE_SECONDS
    while result.unanswered and time.perf_counter() < until:  # noqa: ASYNC110 - with a deadline
        await asyncio.sleep(0.05)
    return result


async def _open(
    port: int, request: bytes, due: float, result: Flood, idle: list["_Connection"]
) -> None:
    loop = asyncio.get_running_loop()
    try:
        _, connection = await loop.create_connection(
            lambda: _Connection(result, idle), "127.0.0.1", port
        )
    except OSError as error:
        kind = type(error).__name__
        result.other[kind] = result.other.get(kind, 0) + 1
    else:
        connection.ask(request, due)


class _Connection(asyncio.Protocol):
    """One connection, with one request at a time; kept for another one unless it is closed."""

    def __init__(self, result: Flood, idle: list["_Connection"]) -> None:
        self._result = result
        self._idle = idle
        self._received = b""
        self._due: float | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, request: bytes, due: float) -> None:
        """Send a request."""
        assert self._transport is not None
        self._due = due
        self._received = b""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Count an answer when it is whole."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(x[15:]) for x in lines if x.startswith(b"content-length:")), 0)
        if not found or len(body) < length or self._due is None:
            return
        latency, self._due = time.perf_counter() - self._due, None
        if lines[0].startswith(b"http/1.1 202"):
            self._result.accepted.append(latency)
        elif lines[0].startswith(b"http/1.1 503") and b"\r\nretry-after:" in head.lower():
            self._result.refused.append(latency)
        else:
            self._count(lines[0].decode("latin-1"))
        if b"connection: close" not in lines:
            self._idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a request that has lost its connection."""
        if self in self._idle:
            self._idle.remove(self)
        if self._due is not None:
            self._due = None
            self._count(f"connection lost: {exc}")

    def _count(self, kind: str) -> None:
        self._result.other[kind] = self._result.other.get(kind, 0) + 1
