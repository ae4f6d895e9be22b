"""Load over kept-alive connections, closed loop: each connection sends when it has its answer."""

import asyncio
import itertools
import multiprocessing
import multiprocessing.pool
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

Client = multiprocessing.pool.Pool
"""A process that sends requests."""

CPU_CLOCK = 2
"""Linux's number of the clock that counts the time for which a process was on a processor."""


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, ended threads included, in seconds.

    By the process's own clock, clock_getcpuclockid(3), since /proc counts in hundredths.

    Raises:
        OSError: There is no such process.
    """
    return time.clock_gettime(~pid << 3 | CPU_CLOCK)


LAST_SECONDS = 10.0
"""How long the last answers of a burst are waited for."""

LEAST_SECONDS = 300.0
"""How long answers are waited for that have to come: thousands, on a machine that others use."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What one burst of load did."""

    requests: int
    errors: int
    seconds: float
    server_cpu_seconds: float
    latencies: tuple[float, ...]
    """Seconds that each 200 and 202 took."""

    @property
    def per_second(self) -> float:
        """Requests per second on the wall."""
        return self.requests / self.seconds

    @property
    def per_cpu_second(self) -> float:
        """Requests per second of the server's CPU."""
        return self.requests / self.server_cpu_seconds


class _Client(asyncio.Protocol):
    """One connection; counts answers by their length, without parsing them."""

    def __init__(self, requests: Iterator[bytes], until: float, least: int) -> None:
        self._requests = requests
        self._until = until
        self._least = least
        self._sent = 0.0
        self._buffer = b""
        self.transport: asyncio.Transport | None = None
        self.answers = 0
        self.errors = 0
        self.latencies: list[float] = []
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._ask(transport)

    def data_received(self, data: bytes) -> None:
        """Count an answer that is complete, and send the next request."""
        assert self.transport is not None
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found or len(rest) < _content_length(head):
            return
        self._buffer = b""
        self.answers += 1
        now = time.perf_counter()
        if head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202")):
            self.latencies.append(now - self._sent)
        else:
            self.errors += 1
        if now < self._until or self.answers < self._least:
            self._ask(self.transport)
        else:
            self.transport.close()

    def _ask(self, transport: asyncio.Transport) -> None:
        self._sent = time.perf_counter()
        transport.write(next(self._requests))

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        if exc is not None:
            self.errors += 1
        if not self.closed.done():
            self.closed.set_result(None)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    return 0


_Answers = tuple[int, int, tuple[float, ...]]
"""How many there were, how many were errors, and the latencies of the others."""


async def _drive(
    port: int, requests: Sequence[bytes], connections: int, seconds: float, least: int
) -> _Answers:
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + seconds
    endless = itertools.cycle(requests)
    clients = []
    for _ in range(connections):
        _, client = await loop.create_connection(
            lambda: _Client(endless, until, least), "127.0.0.1", port
        )
        clients.append(client)
    patience = seconds + (LEAST_SECONDS if least else LAST_SECONDS)
    await asyncio.wait([client.closed for client in clients], timeout=patience)
    latencies = tuple(itertools.chain.from_iterable(c.latencies for c in clients))
    return sum(c.answers for c in clients), sum(c.errors for c in clients), latencies


def _work(
    port: int, requests: Sequence[bytes], connections: int, seconds: float, least: int
) -> _Answers:
    return asyncio.run(_drive(port, requests, connections, seconds, least))


@contextmanager
def client() -> Iterator[Client]:
    """Start a process that sends requests; end it with the block."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply(abs, (1,))  # the interpreter's start is not part of a burst
        yield pool


def burst(
    pid: int,
    port: int,
    request: bytes | Sequence[bytes],
    *,
    connections: int = 20,
    seconds: float = 1.0,
    least: int = 0,
    sender: Client | None = None,
) -> Burst:
    """Load a server of this machine for `seconds` from a process of its own.

    Args:
        pid: The server's process, for its CPU time.
        port: Its port on loopback.
        request: A complete HTTP/1.1 request, or several that take turns.
        connections: How many are kept alive.
        seconds: How long.
        least: How many answers each connection waits for, however long they take.
        sender: Who sends; a new process where none is named, which takes longer than short bursts.
    """
    if sender is None:
        with client() as new:
            return burst(
                pid,
                port,
                request,
                connections=connections,
                seconds=seconds,
                least=least,
                sender=new,
            )
    began, cpu = time.perf_counter(), cpu_seconds(pid)
    requests = [request] if isinstance(request, bytes) else request
    answers, errors, latencies = sender.apply(_work, (port, requests, connections, seconds, least))
    took, used = time.perf_counter() - began, cpu_seconds(pid) - cpu
    return Burst(answers, errors, took, used, latencies)


def get(path: str) -> bytes:
    """Return a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """Return a POST request of JSON."""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
