"""Clients as a Service's are: 50 that keep their connection and 50 new ones a second, no retries.

They go on for some seconds after the signal, as traffic does until an endpoint's removal has
reached everybody; then nobody connects any more. Whoever still has a connection uses it until told
to close it. Every request without a complete 200 is lost.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.integration.lab.wire import LOOPBACK, request

PATH = "/hello?seconds=0.02"
"""A request that is in flight for a while."""

REFUSED_SECONDS = 0.02
"""How long a client that was refused waits until its next request."""

ANSWER_SECONDS = 10.0
"""How long a client waits for an answer."""


@dataclass(slots=True)
class Tally:
    """What became of the requests."""

    sent: int = 0
    sent_after_signal: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    """The lost ones, by what went wrong."""
    open_at_signal: int = 0
    """Connections that were kept alive when the signal came."""
    told: int = 0
    """How many of those were told to close by an answer."""
    last_answer_seconds: float = 0.0
    """When the last answer came, counted from the signal."""


class Traffic:
    """Sends requests through a shutdown.

    Args:
        port: Where to.
        routed_seconds: How long after the signal new connections are still made.
        clients: How many connections are kept alive.
        fresh_per_second: How many connections serve one request only.
        pause_seconds: Between an answer and the next request of the same client.
    """

    def __init__(
        self,
        port: int,
        *,
        routed_seconds: float,
        clients: int = 50,
        fresh_per_second: int = 50,
        pause_seconds: float = 0.05,
    ) -> None:
        self._port = port
        self._routed_seconds = routed_seconds
        self._clients = clients
        self._pause_seconds = pause_seconds
        self._fresh_per_second = fresh_per_second
        self._signal_at: float | None = None
        self._kept: set[asyncio.StreamWriter] = set()
        self._untold: set[asyncio.StreamWriter] = set()
        self.tally = Tally()

    def run(self, before_seconds: float, signal: Callable[[], None]) -> Tally:
        """Send requests, call `signal` after `before_seconds`, and return when all is over."""
        asyncio.run(self._run(before_seconds, signal))
        return self.tally

    async def _run(self, before_seconds: float, signal: Callable[[], None]) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._clients):
                group.create_task(self._keep_alive())
            group.create_task(self._come_anew(group))
            await asyncio.sleep(before_seconds)
            self.tally.open_at_signal = len(self._kept)
            self._untold = set(self._kept)
            self._signal_at = time.monotonic()
            signal()

    @property
    def _since_signal(self) -> float:
        return 0.0 if self._signal_at is None else time.monotonic() - self._signal_at

    @property
    def _is_routed(self) -> bool:
        return self._since_signal < self._routed_seconds

    async def _keep_alive(self) -> None:
        while self._is_routed:
            try:
                reader, writer = await asyncio.open_connection(LOOPBACK, self._port)
            except OSError as exc:
                self._lose(exc)
                await asyncio.sleep(REFUSED_SECONDS)
                continue
            self._kept.add(writer)
            while await self._ask(reader, writer, request(PATH)):  # noqa: ASYNC110 - a pace
                await asyncio.sleep(self._pause_seconds)
            self._kept.discard(writer)
            writer.close()

    async def _come_anew(self, group: asyncio.TaskGroup) -> None:
        while self._is_routed:
            group.create_task(self._once())
            await asyncio.sleep(1 / self._fresh_per_second)

    async def _once(self) -> None:
        try:
            reader, writer = await asyncio.open_connection(LOOPBACK, self._port)
        except OSError as exc:
            self._lose(exc)
            return
        await self._ask(reader, writer, request(PATH, close=True))
        writer.close()

    def _lose(self, failure: Exception) -> None:
        """Count a request for which there was not even a connection."""
        self._count()
        self.tally.lost[type(failure).__name__] += 1

    def _count(self) -> None:
        self.tally.sent += 1
        self.tally.sent_after_signal += self._signal_at is not None

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes
    ) -> bool:
        """Send one request, and say whether the connection may be used again."""
        self._count()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                writer.write(data)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
        except (OSError, EOFError, TimeoutError, ValueError) as exc:
            self.tally.lost[type(exc).__name__] += 1
            return False
        if not head.startswith(b"http/1.1 200 "):
            self.tally.lost[head.split(b"\r\n")[0].decode()] += 1
        self.tally.last_answer_seconds = self._since_signal
        closes = b"\r\nconnection: close\r\n" in head
        if closes and writer in self._untold:
            self._untold.discard(writer)
            self.tally.told += 1
        return not closes
