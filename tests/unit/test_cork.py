"""What is written together leaves together, and in order, and nothing is kept."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from messenger.cork import Cork


class Wire(asyncio.Transport):
    """A transport that notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__(extra={"peername": ("127.0.0.1", 1)})
        self.done: list[Any] = []
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Note it."""
        self.done.append(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Note them as one."""
        self.done.append(tuple(list_of_data))

    def close(self) -> None:
        """Note it."""
        self.closing = True
        self.done.append("close")

    def abort(self) -> None:
        """Note it."""
        self.closing = True
        self.done.append("abort")

    def is_closing(self) -> bool:
        """Return whether it was told to close."""
        return self.closing

    def pause_reading(self) -> None:
        """Note it."""
        self.done.append("pause")

    def resume_reading(self) -> None:
        """Note it."""
        self.done.append("resume")

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Note it."""
        self.done.append(protocol)


def corked() -> tuple[Cork, list[Any], Wire]:
    """Return a cork, what reaches the wire, and the wire."""
    wire = Wire()
    return Cork(wire, asyncio.get_running_loop()), wire.done, wire


async def test_a_head_and_its_body_leave_in_one_piece() -> None:
    """At once, and nothing follows."""
    cork, done, _ = corked()
    cork.write(b"head")
    cork.write(b"body")
    at_once = list(done)
    await asyncio.sleep(0)

    assert at_once == done == [(b"head", b"body")]


async def test_a_piece_alone_leaves_when_the_turn_of_the_loop_ends() -> None:
    """Such as the head of a stream, whose first event may be a long time off."""
    cork, done, _ = corked()
    cork.write(b"head")
    at_once = list(done)
    await asyncio.sleep(0)
    cork.write(b"event")
    await asyncio.sleep(0)

    assert at_once == []
    assert done == [b"head", b"event"]


async def test_of_many_pieces_one_is_held_back_at_most() -> None:
    """Whoever writes without a pause fills the transport's buffer, by which it is told to wait."""
    cork, done, _ = corked()
    for number in range(5):
        cork.write(b"%d" % number)
    at_once = list(done)
    await asyncio.sleep(0)

    assert at_once == [(b"0", b"1"), (b"2", b"3")]
    assert done == [(b"0", b"1"), (b"2", b"3"), b"4"]


async def test_what_is_held_back_leaves_before_the_connection_is_closed() -> None:
    """And before pieces that are written together."""
    cork, done, _ = corked()
    cork.write(b"a")
    cork.writelines([b"b", b"c"])
    cork.write(b"d")
    cork.close()
    await asyncio.sleep(0)

    assert done == [b"a", (b"b", b"c"), b"d", "close"]
    assert cork.is_closing()


async def test_an_aborted_connection_writes_nothing_more() -> None:
    """Not even what is held back: there is nobody to read it."""
    cork, done, _ = corked()
    cork.write(b"a")
    cork.abort()
    await asyncio.sleep(0)

    assert done == ["abort"]


async def test_all_else_is_asked_of_the_transport_itself() -> None:
    """Addresses, whether it is read from, and who goes on with it."""
    cork, done, _ = corked()
    protocol = asyncio.Protocol()
    cork.pause_reading()
    cork.resume_reading()
    cork.set_protocol(protocol)

    assert done == ["pause", "resume", protocol]
    assert cork.get_extra_info("peername") == ("127.0.0.1", 1)
    assert cork.get_extra_info("sslcontext", "none") == "none"
    assert not cork.is_closing()


@pytest.mark.parametrize("size", [1, 1 << 20])
async def test_what_is_written_is_what_arrives(size: int) -> None:
    """The control on a real connection: in order and whole, however much it is."""
    sent = [bytes([number]) * size for number in range(7)]

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(writer.transport, asyncio.Transport)
        cork = Cork(writer.transport, asyncio.get_running_loop())
        for number, piece in enumerate(sent):
            cork.write(piece)
            await asyncio.sleep(0.001 * (number % 3))
        cork.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        arrived = await reader.read()
        writer.close()
        await writer.wait_closed()

    assert arrived == b"".join(sent)
