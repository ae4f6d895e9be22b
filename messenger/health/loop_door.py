"""Brings to the event loop what others have accepted, and what other threads have for it."""

import asyncio
import contextlib
import socket
from collections.abc import Callable

from .listener import accept_all


class LoopDoor:
    """Brings a connection that was accepted elsewhere to the event loop.

    Args:
        loop: The loop.
        protocol: Makes the server's protocol for one connection.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, protocol: Callable[[], asyncio.Protocol]
    ) -> None:
        self._loop = loop
        self._protocol = protocol
        self._arrivals: set[asyncio.Task[object]] = set()

    def bring(self, connection: socket.socket) -> None:
        """Have the loop serve `connection`; may be called from any thread."""
        try:
            self._loop.call_soon_threadsafe(self.admit, connection)
        except RuntimeError:  # the loop is closed
            connection.close()

    def admit(self, connection: socket.socket) -> None:
        """Serve `connection`; on the loop only."""
        connection.setblocking(False)
        arrival: asyncio.Task[object] = self._loop.create_task(
            self._loop.connect_accepted_socket(self._protocol, connection)
        )
        # The loop itself keeps only weak references to tasks.
        self._arrivals.add(arrival)
        arrival.add_done_callback(self._arrivals.discard)

    def admit_all(self, listener: socket.socket) -> None:
        """Accept and serve whoever waits in a non-blocking listener; on the loop only.

        uvloop accepts one connection in each turn of the loop (libuv#3696), so that in a busy
        process a new one, a probe's as well, would wait for as many turns as there are connections
        before it.
        """
        for connection in accept_all(listener):
            self.admit(connection)

    def call(self, callback: Callable[[], None]) -> None:
        """Have the loop call `callback`, unless it is closed; from any thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)
