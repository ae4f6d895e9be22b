"""The way of a connection from another thread to the event loop."""

import asyncio
import socket

from messenger.health.loop_door import LoopDoor


class Greeter(asyncio.Protocol):
    """Greets whoever comes, and leaves."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"hello")
        transport.close()


async def test_a_connection_is_served_on_the_loop() -> None:
    """Wherever it was accepted."""
    client, server = socket.socketpair()
    client.settimeout(5)
    door = LoopDoor(asyncio.get_running_loop(), Greeter)
    await asyncio.to_thread(door.bring, server)
    greeting = await asyncio.to_thread(client.recv, 100)
    client.close()

    assert greeting == b"hello"


async def test_the_loop_is_told_from_another_thread() -> None:
    """That the drain has begun, for one."""
    told = asyncio.Event()
    door = LoopDoor(asyncio.get_running_loop(), Greeter)
    await asyncio.to_thread(door.call, told.set)

    async with asyncio.timeout(5):
        await told.wait()


def test_a_closed_loop_is_told_nothing() -> None:
    """Whoever tells it goes on."""
    loop = asyncio.new_event_loop()
    loop.close()
    told: list[str] = []
    LoopDoor(loop, Greeter).call(lambda: told.append("told"))

    assert told == []


def test_a_connection_for_a_closed_loop_is_closed() -> None:
    """Nobody will ever serve it, and its client must not wait."""
    loop = asyncio.new_event_loop()
    loop.close()
    client, server = socket.socketpair()
    LoopDoor(loop, Greeter).bring(server)
    client.settimeout(5)
    received = client.recv(1)
    client.close()

    assert received == b""
