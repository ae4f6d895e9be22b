"""What is sent on its way before the process ends: the last spans, the last records."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from .journal import Journal


class Flushes:
    """The callbacks that flush; each may fail without spoiling the others or the exit.

    Args:
        journal: Where a failure is written.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._callbacks: list[Callable[[], Awaitable[None]]] = []

    def add(self, flush: Callable[[], Awaitable[None]]) -> None:
        """Call `flush` when the last request has been answered."""
        self._callbacks.append(flush)

    async def run(self, timeout_seconds: float) -> None:
        """Run every callback, all of them together no longer than `timeout_seconds`."""
        try:
            async with asyncio.timeout(timeout_seconds):
                for flush in self._callbacks:
                    await self._attempt(flush)
        except TimeoutError:
            self._journal.write(logging.WARNING, "flush took too long", seconds=timeout_seconds)

    async def _attempt(self, flush: Callable[[], Awaitable[None]]) -> None:
        try:
            await flush()
        except Exception as exc:  # noqa: BLE001 - what cannot be sent must not spoil the exit
            self._journal.write(logging.ERROR, "flush failed", error=repr(exc))
