"""The server's own parts that need neither a port nor a process."""

import asyncio
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from messenger.health import Finding, Health
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


@pytest.mark.parametrize("signal_thread", [True, False], ids=["with", "without"])
def test_the_handlers_are_uvicorn_s_only_without_the_signal_thread(*, signal_thread: bool) -> None:
    """And they are given back."""
    server = Server(other, Health(termination_log=None, signal_thread=signal_thread), NO_LISTENER)
    before = signal.getsignal(signal.SIGTERM)
    with server.capture_signals():
        inside = signal.getsignal(signal.SIGTERM)

    assert inside == (before if signal_thread else server.handle_exit)
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("signal_thread", [True, False], ids=["with", "without"])
def test_a_server_outside_the_main_thread_leaves_the_handlers_alone(*, signal_thread: bool) -> None:
    """Only the main thread may set them, so a program that serves in another keeps its own."""
    server = Server(other, Health(termination_log=None, signal_thread=signal_thread), NO_LISTENER)
    before = signal.getsignal(signal.SIGTERM)
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(server._install_signals).result(5)  # noqa: SLF001 - a step of the start

    assert signal.getsignal(signal.SIGTERM) == before


async def test_a_tick_is_a_heartbeat_and_every_tenth_a_sample() -> None:
    """The checks of the application are read once a second."""
    read: list[str] = []
    health = Health(termination_log=None)

    def check() -> Finding:
        read.append("check")
        return Finding()

    health.add_check("downstream:presence", check)
    server = Server(other, health, NO_LISTENER)
    server.config.load()
    ended = [await server.on_tick(counter) for counter in range(11)]

    assert not any(ended)
    assert health.progress.beats == 11
    assert read == ["check"] * 2


async def test_the_tick_after_the_drain_ends_the_server() -> None:
    """Here nobody is in flight, and nobody else sends traffic."""
    health = Health(termination_log=None)
    server = Server(other, health, NO_LISTENER)
    health.drain.begin(skip_min=True)

    assert await server.on_tick(1)
