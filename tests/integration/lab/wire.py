"""HTTP/1.1 over a bare socket: what was sent and what came back, to the byte.

An HTTP library retries, pools and parses leniently; here each connection is the test's own, as each
probe of the kubelet has one of its own.
"""

import contextlib
import json
import socket
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; code 0 is no complete answer in time, and `error` says why."""

    code: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    error: str = ""

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object, empty if it is none."""
        try:
            body = json.loads(self.body)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def source(self) -> str:
        """Which thread answered a probe."""
        return self.headers.get("x-health-source", "")

    @property
    def says_close(self) -> bool:
        """Whether the connection is not to be used again."""
        return self.headers.get("connection", "").lower() == "close"


def request(
    path: str,
    *,
    method: str = "GET",
    host: str | None = "lab",
    token: str = "",
    close: bool = False,
    body: str = "",
) -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"Host: {host}"] if host is not None else []
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += ["Connection: close"] if close else []
    lines += [f"Content-Length: {len(body)}"] if body or method == "POST" else []
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1")


class Connection:
    """One connection, on which requests can be sent one after the other.

    Args:
        port: The port on loopback.
        timeout: How long connecting may take, in seconds.
    """

    def __init__(self, port: int, timeout: float = 1.0) -> None:
        self._socket = socket.create_connection((LOOPBACK, port), timeout)
        self._buffer = b""

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(data)

    def receive(self, timeout: float = 30.0, *, head_only: bool = False) -> Reply:
        """Read one answer; with code 0 if it does not come, or not whole."""
        began = time.monotonic()
        try:
            head, rest = self._head(began + timeout)
            lines = head.decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines[1:])
            }
            length = 0 if head_only else int(headers.get("content-length", "0"))
            while len(rest) < length:
                rest += self._more(began + timeout)
        except (OSError, EOFError) as exc:
            return Reply(0, seconds=time.monotonic() - began, error=type(exc).__name__)
        self._buffer = rest[length:]
        seconds = time.monotonic() - began
        return Reply(int(lines[0].split(" ")[1]), headers, rest[:length], seconds)

    def _head(self, deadline: float) -> tuple[bytes, bytes]:
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += self._more(deadline)
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        return head, rest

    def _more(self, deadline: float) -> bytes:
        self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
        data = self._socket.recv(65_536)
        if not data:
            raise EOFError
        return data

    def read_until(self, end: bytes, timeout: float = 30.0) -> bytes:
        """Read until what has come ends with `end`, and return all of it.

        Raises:
            OSError: It did not come in time, or the connection broke.
            EOFError: The other side closed before.
        """
        deadline = time.monotonic() + timeout
        data, self._buffer = self._buffer, b""
        while not data.endswith(end):
            data += self._more(deadline)
        return data

    def rest(self, timeout: float = 30.0) -> bytes:
        """Read until the other side closes, and return all of it.

        Raises:
            OSError: It broke the connection, or did not close it in time.
        """
        deadline = time.monotonic() + timeout
        data, self._buffer = self._buffer, b""
        with contextlib.suppress(EOFError):
            while True:
                data += self._more(deadline)
        return data

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def __enter__(self) -> Self:
        """Use it in a block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()


def exchange(port: int, data: bytes, timeout: float = 1.0, *, head_only: bool = False) -> Reply:
    """Connect, send `data`, read one answer, close; all of it within `timeout` seconds."""
    began = time.monotonic()
    try:
        with Connection(port, timeout) as connection:
            connection.send(data)
            reply = connection.receive(timeout - (time.monotonic() - began), head_only=head_only)
    except OSError as exc:
        return Reply(0, seconds=time.monotonic() - began, error=type(exc).__name__)
    seconds = time.monotonic() - began
    return Reply(reply.code, reply.headers, reply.body, seconds, reply.error)
