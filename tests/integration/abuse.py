"""What nobody means well with: one table of shapes, and what each of them gets.

README's Security section shows the same table; each shape is followed by a request that nobody
could take for a part of it, so that an answer too many, or too few, is seen.
"""

import contextlib
import re
import socket
import time
from pathlib import Path
from typing import NamedTuple

from tests.integration.altered import altered

PATIENCE_SECONDS = 5.0
"""How long an answer may take before it counts as none."""

DRAFT = b'{"sender":"alice","recipient":"bob","channel":"push","body":"Hello"}'
LENGTH = b"Content-Length: %d\r\n" % len(DRAFT)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SIZE = b"%x" % len(DRAFT)
END = b"\r\n0\r\n\r\n"
CHUNKS = SIZE + b"\r\n" + DRAFT + END

POST = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET /version HTTP/1.1\r\nHost: x\r\n"
NEXT = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""The request behind each shape; its answer is 200, and ends the connection."""


def post(headers: bytes, body: bytes) -> bytes:
    """Return a message with such headers and such a body."""
    return POST + headers + b"\r\n" + body


def chunks(body: bytes) -> bytes:
    """Return a message whose chunks are these bytes."""
    return post(CHUNKED, body)


class Abuse(NamedTuple):
    """One row of the table."""

    answer: str
    """What it gets, as README has it; each status in it is one answer."""

    shapes: tuple[bytes, ...]
    """What is sent."""

    @property
    def statuses(self) -> list[int]:
        """The statuses of the answers, in order, that of `NEXT` included."""
        named = [int(status) for status in re.findall(r"\b[1-5][0-9]{2}\b", self.answer)]
        return named if "closed" in self.answer else [*named, 200]


BAD = "400, closed"

TABLE = {
    "`Content-Length` with `Transfer-Encoding`": Abuse(
        BAD,
        (
            post(LENGTH + CHUNKED, CHUNKS),
            post(CHUNKED + b"Content-Length: 4\r\n", CHUNKS),
            post(CHUNKED + b"content-length: 0\r\n", CHUNKS),
        ),
    ),
    "two lengths, or one that is no plain number": Abuse(
        BAD,
        (
            post(LENGTH + b"Content-Length: 3\r\n", DRAFT),
            post(LENGTH + LENGTH, DRAFT),
            *(
                post(b"Content-Length: " + value + b"\r\n", DRAFT)
                for value in (b"68, 68", b"+68", b"-1", b"0x44", b"6 8", b"", b"9" * 30)
            ),
        ),
    ),
    "a transfer coding that does not end in one `chunked`": Abuse(
        BAD,
        tuple(
            post(b"Transfer-Encoding: " + value + b"\r\n", CHUNKS)
            for value in (
                b"xchunked",
                b"chunked, identity",
                b"gzip",
                b"chunked\r\nTransfer-Encoding: chunked",
                b"\x0bchunked",
                b"chunked;",
            )
        ),
    ),
    "a folded header, a space before its colon, or no name": Abuse(
        BAD,
        (
            GET + b"X: y\r\n z\r\n\r\n",
            post(b"Transfer-Encoding:\r\n chunked\r\n", CHUNKS),
            post(b"Content-Length:\r\n 68\r\n", DRAFT),
            post(b"Transfer-Encoding : chunked\r\n", CHUNKS),
            post(b"Content-Length : 68\r\n", DRAFT),
            GET + b": y\r\n\r\n",
            b"GET /version HTTP/1.1\r\n Host: x\r\n\r\n",
        ),
    ),
    "a bare LF or CR, or another control character": Abuse(
        BAD,
        (
            GET.replace(b"\r\n", b"\n") + b"\n",
            GET + b"X: y\nY: z\r\n\r\n",
            GET + b"X: y\rY: z\r\n\r\n",
            GET + b"X: a\x00b\r\n\r\n",
            GET + b"X: a\x01b\r\n\r\n",
            chunks(SIZE + b"\n" + DRAFT + b"\n0\n\n"),
            chunks(SIZE + b";a=\nb\r\n" + DRAFT + END),
        ),
    ),
    "a chunk that is not as long as it says, or says it oddly": Abuse(
        BAD,
        tuple(
            chunks(size + b"\r\n" + DRAFT + END)
            for size in (b"4", b"0x" + SIZE, b"-1", b"+" + SIZE, SIZE + b" ", b"1" + b"0" * 17)
        ),
    ),
    "another protocol, or a method that is none": Abuse(
        BAD,
        (
            bytes.fromhex("16030100c8010000c40303") + bytes(200),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /version HTTP/3.7\r\nHost: x\r\n\r\n",
            b"get /version HTTP/1.1\r\nHost: x\r\n\r\n",
            b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET version HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
    ),
    "chunks with extensions, or with trailers": Abuse(
        "202",
        (
            chunks(CHUNKS),
            chunks(SIZE + b';a=b;c="d"\r\n' + DRAFT + END),
            chunks(CHUNKS[:-2] + b"X: y\r\n\r\n"),
        ),
    ),
    "the wish for another protocol": Abuse(
        "202",
        tuple(
            post(LENGTH + b"Connection: Upgrade\r\nUpgrade: " + name + b"\r\n", DRAFT)
            for name in (b"websocket", b"h2c", b"odd/7")
        ),
    ),
    "no `Host`, two, or an address as the path": Abuse(
        "200",
        (
            b"GET /version HTTP/1.1\r\n\r\n",
            GET + b"Host: y\r\n\r\n",
            b"GET http://evil.example/version HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
    ),
    "three requests in one piece": Abuse(
        "202, 200, 405",
        (
            post(LENGTH, DRAFT) + GET + b"\r\nPUT /version HTTP/1.1\r\nHost: x\r\n\r\n",
            post(CHUNKED, CHUNKS) + GET + b"\r\nPUT /version HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
    ),
    "garbage behind a message": Abuse(
        "202, closed",
        (
            post(LENGTH, DRAFT) + b"garbage \r\n\r\n",
            post(LENGTH, DRAFT) + post(LENGTH + CHUNKED, CHUNKS),
            post(LENGTH, DRAFT) + chunks(b"ZZ\r\n"),
        ),
    ),
    "a head, or the frame of a chunk, over 64 KiB": Abuse(
        "431, closed",
        (
            GET + b"X: " + b"x" * 66_000 + b"\r\n\r\n",
            GET + b"X: " + b"x" * 3_000_000,
            GET + b"X: y\r\n" * 30_000 + b"\r\n",
            b"GET /" + b"x" * 66_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\r\n" * 500_000,
            chunks(SIZE + b";" + b"x" * 1_000_000),
            chunks(b"0\r\nX: " + b"x" * 1_000_000),
        ),
    ),
    "a message over 64 KiB": Abuse(
        "413, closed",
        (
            post(b"Content-Length: 65537\r\n", b"x" * 65_537),
            chunks(b"10001\r\n" + b"x" * 65_537 + END),
        ),
    ),
    "a body of 3 MB where none is read": Abuse(
        "404",
        (b"POST /nowhere HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000,),
    ),
    "a body of 3 MB for a probe": Abuse(
        "405",
        (b"POST /health/alive HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000,),
    ),
}

LASTING = {
    "a head that stops": "408 after 10 s, closed",
    "a message that stops": "408 after 13 s, closed",
    "a body that drips where none is read": "404 at once, closed 10 s later",
    "nothing": "closed after 75 s",
    "requests whose answers are not read": "closed after 10 s",
    "requests without end before an answer is read": "200 until 64 wait for their turn, closed",
    "10,000 connections that say nothing": "none",
    "random bytes for a minute": "400, closed",
}
"""The rows that take time, or many connections; see `test_abuse_that_lasts.py`."""


class Heard(NamedTuple):
    """What came back on a connection."""

    statuses: list[int]
    data: bytes
    is_closed: bool
    seconds: float


def converse(port: int, data: bytes, patience: float = PATIENCE_SECONDS) -> Heard:
    """Send something, and return all that is answered until the connection ends."""
    began = time.monotonic()
    received = b""
    is_closed = False
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        # Who is refused may find the connection closed, or reset behind the answer.
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        with contextlib.suppress(TimeoutError):
            try:
                while piece := connection.recv(65_536):
                    received += piece
            except ConnectionError:
                pass
            is_closed = True
    return Heard(statuses_in(received), received, is_closed, time.monotonic() - began)


def statuses_in(data: bytes) -> list[int]:
    """Return the statuses of the answers in what was received."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


OURS = "http=parser.PATH"
"""What chooses the parser in `messenger/process.py`."""


def without_our_parser(directory: Path) -> Path:
    """Return a directory with a copy of the sources that reads HTTP with uvicorn's own parser."""
    return altered(directory, "messenger/process.py", OURS, 'http="httptools"')
