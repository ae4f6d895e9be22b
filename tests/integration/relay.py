"""A relay of TCP connections that cuts some of them: a reset, wherever it strikes."""

import asyncio
import random
import socket
import struct

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: closing resets


class Relay:
    """Listens, and passes on what it hears until its dice say otherwise.

    Args:
        to_port: Where to.
        rate: The share of pieces, in either direction, at which the connection is reset: before
            the piece is passed on, so that one end does not know what the other has said.
        dice: Decides.
    """

    def __init__(self, to_port: int, rate: float, dice: random.Random) -> None:
        self._to_port = to_port
        self._rate = rate
        self._dice = dice
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.cuts = 0
        """How many connections were reset."""

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, sock=self._socket)

    async def close(self) -> None:
        """Listen no more, and hang up on everybody."""
        if self._server is not None:
            self._server.close()
        for end in tuple(self._ends):
            end.transport.abort()
        async with asyncio.timeout(5):
            while self._ends:  # noqa: ASYNC110 - each leaves when it has seen its end
                await asyncio.sleep(0.02)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, forth}
        self._ends |= ends
        ways = [
            asyncio.ensure_future(self._pass_on(reader, forth)),
            asyncio.ensure_future(self._pass_on(back, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.transport.abort()
        await asyncio.wait(ways)
        self._ends -= ends

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65_536):
                if self._dice.random() < self._rate:
                    self.cuts += 1
                    end: socket.socket = writer.get_extra_info("socket")
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    return
                writer.write(piece)
                await writer.drain()
        except OSError:
            return  # the other end was quicker
