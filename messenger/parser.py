"""The HTTP parser of the server, with what a client may ask of it bounded.

What cannot be read as HTTP never becomes a request: no route, no middleware and no telemetry sees
it, so it is refused here, as RFC 9457 has it. uvicorn's parser has no bound on a head, on requests
sent ahead, on the time a request takes to arrive or an answer to be read; whoever asks for more
than they need would have the memory, or the loop, of everybody else.
"""

import asyncio
from collections import deque
from collections.abc import Sized
from typing import NoReturn

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from messenger import problems
from messenger.cork import Cork
from messenger.problems import KIND, Kind, Problem

MAX_HEAD_BYTES = 64 * 1024
"""Longest head of a request: more than Envoy lets through (60 KiB). What stands between two parts
of a body, such as the extensions of a chunk, and behind it, has as much room."""

MAX_AHEAD = 64
"""How many requests a client may send ahead of its answers; those behind are not read, and the
connection ends. Browsers and proxies send none."""

ARRIVAL_SECONDS = 10.0
"""How long a head may take to arrive, the rest of a body that nobody waits for, or the reading of
what is to be read: 64 KiB at 50 kbit/s, a poor link."""

SILENCE_SECONDS = 75.0
"""How long a connection may say nothing at all: as long as an idle one between two requests."""

NOT_HTTP = Kind(400, "not-http", "The request cannot be read as HTTP")
TOO_SLOW = Kind(408, "too-slow", "The request did not arrive in time")
TOO_LARGE = Kind(431, "too-large", "The head of the request is too large")


class Refused(Exception):
    """Raised when a request is one that is not to be served, to have its reading end."""


class Flow(FlowControl):
    """Reads on when every request that was read has been begun, and not before.

    Args:
        transport: The connection.
        waiting: The requests that have not been begun.
    """

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        """Read on, unless there are requests left to begin."""
        if self.read_paused and not self._waiting:
            super().resume_reading()


class Parser(HttpToolsProtocol):
    """Reads HTTP as uvicorn does, within bounds, and answers what it refuses as all others do."""

    pipeline: deque[tuple[RequestResponseCycle, ASGI3Application]]
    _in_work: RequestResponseCycle | None = None
    _is_in_body = False
    _is_over = False
    _loose_bytes = 0  # read since a head, a part of a body, or all of it, was complete
    _refusal = NOT_HTTP
    _patience = 0.0
    _timer: asyncio.TimerHandle | None = None

    # The connection.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own narrowing
        """Begin to wait for the first request."""
        super().connection_made(Cork(transport, self.loop))
        self.flow = Flow(self.transport, self.pipeline)
        self._expect(SILENCE_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more, and have the request in work notice."""
        self._expect(0)
        if self._in_work is not None and not self._in_work.response_complete:
            # uvicorn tells the last request that was read, which may still wait for its turn.
            self._in_work.disconnected = True
            self._in_work.message_event.set()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give the client some time to read; an answer that waits longer waits for ever."""
        super().pause_writing()
        self._expect(ARRIVAL_SECONDS)

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        super().resume_writing()
        self._expect(0)
        self._watch_arrival()

    def data_received(self, data: bytes) -> None:
        """Read what arrived, and see that what is missing is not waited for for ever."""
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        self._loose_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._refusal)
        else:
            if self._loose_bytes > MAX_HEAD_BYTES:
                self._refuse(TOO_LARGE)
            self._watch_arrival()

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection, whether or not the client has read its last answer."""
        self.transport.abort()

    # The parser's findings.

    def on_headers_complete(self) -> None:
        """Begin a request whose head is within bounds."""
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                self._reject(NOT_HTTP)
            return  # read once more, without its wish
        if self._loose_bytes > MAX_HEAD_BYTES and self._head_bytes() > MAX_HEAD_BYTES:
            self._reject(TOO_LARGE)
        if len(self.pipeline) >= MAX_AHEAD:
            self._reject(NOT_HTTP)
        self._loose_bytes = 0
        if self._patience and not self.flow.write_paused:
            self._expect(0)
        super().on_headers_complete()
        self._is_in_body = True

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._loose_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        if not self.parser.should_upgrade():
            super().on_message_complete()
            self._is_in_body = False
            self._loose_bytes = 0

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._in_work = cycle
        super()._start_asgi_task(cycle, app)

    def _reject(self, kind: Kind) -> NoReturn:
        self._refusal = kind
        raise Refused(kind.name)

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _decline(self, rest: bytes) -> None:
        """Read a head that wishes for another protocol as if it did not (RFC 9110, section 7.8).

        httptools takes all that follows such a head for the other protocol: the body would be
        missing, and nothing would be answered on this connection any more.
        """
        version = self.parser.get_http_version().encode()
        head = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, version)
        head += b"".join(
            b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"
        )
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._loose_bytes = 0
        self.data_received(head + b"\r\n" + rest)

    # What is owed, and what is refused.

    def _expect(self, seconds: float) -> None:
        """End the connection after so many seconds, unless this is called before; 0 is never."""
        if seconds == self._patience:
            return  # who has been given time gets no more of it for a further byte
        if self._timer is not None:
            self._timer.cancel()
        self._patience = seconds
        self._timer = self.loop.call_later(seconds, self._give_up) if seconds else None

    @property
    def _is_owed(self) -> bool:
        """Whether a client has begun something that it has not completed."""
        return self._is_in_body or self._loose_bytes > 0

    def _watch_arrival(self) -> None:
        """Have a client complete what it has begun, where no request in work has its own limit."""
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and not self._is_over and not self.flow.write_paused:
            self._expect(ARRIVAL_SECONDS if self._is_owed else SILENCE_SECONDS)

    def _give_up(self) -> None:
        self._patience = 0
        owes_head = self._is_owed and not self._is_in_body
        if owes_head and not self._is_over and not self.flow.write_paused:
            self._refuse(TOO_SLOW)
        else:
            self.transport.abort()

    def _refuse(self, kind: Kind) -> None:
        """Read no more; answer what was refused when all before it is answered, and hang up.

        Whoever sent a request before the one that is refused has a right to its own answer: a
        message may have been handed over by then.
        """
        self._is_over = True
        last: RequestResponseCycle | None = self.cycle
        if self._is_in_body and self.cycle.response_started:
            self.transport.close()
            return
        if self._is_in_body and self.cycle is self._in_work:
            last = None
        elif self._is_in_body:
            self.pipeline.popleft()
            last = self.pipeline[0][0] if self.pipeline else self._in_work
        if last is None or last.response_complete:
            self._answer(kind)
        else:
            last.keep_alive = False

    def _answer(self, kind: Kind) -> None:
        """Answer what is no request, and close the connection: nobody knows where it would end."""
        answer = problems.answer(
            Problem(KIND + kind.name, kind.title, kind.status), {"connection": "close"}
        )
        head = b"".join(b"%b: %b\r\n" % header for header in answer.raw_headers)
        self.transport.write(STATUS_LINE[kind.status] + head + b"\r\n" + bytes(answer.body))
        self.transport.close()
        self._expect(ARRIVAL_SECONDS)  # closing waits for a client that does not read


PATH = f"{Parser.__module__}:{Parser.__qualname__}"
"""Where uvicorn finds it: it takes parsers by name."""
