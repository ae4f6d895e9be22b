"""The server's own parts that need neither a port nor a process."""

import asyncio
import signal
import socket
from typing import cast

from messenger.health import Health
from messenger.health.lifecycle import State
from messenger.health.server import Server

from .test_routes import other

NO_LISTENER = cast("socket.socket", None)
"""It is used from the start on only."""


async def test_a_signal_without_the_signal_thread_is_acted_on_by_the_loop() -> None:
    """Its handler interrupts whoever holds a lock in the main thread, so it must take none."""
    health = Health(termination_log=None, signal_thread=False)
    health.lifecycle.move(State.WARMING, "test")
    server = Server(other, health, NO_LISTENER)
    server.handle_exit(signal.SIGTERM, None)
    in_handler = health.lifecycle.state
    await asyncio.sleep(0)

    assert in_handler is State.WARMING
    assert health.lifecycle.state is State.DRAINING
