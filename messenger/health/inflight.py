"""Requests in flight: counted, told to close while draining, answered when they are cut short.

`InFlight` is the outermost ASGI application around the user's. It knows how many requests run, it
counts completions as progress, it says `Connection: close` on every response of a draining process
(RFC 9112, section 9.6), it ends event streams when the drain begins, and it turns the cancellation
at the end of the drain into 503 with Retry-After, where uvicorn would say 500.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .lifecycle import Lifecycle
from .progress import Progress
from .verdict import Evidence, Level

RETRY_AFTER = b"1"
"""What a request that was not served is told to wait, in seconds: another replica is one hop
away."""

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Headers as ASGI has them: names in lower case."""

CLOSE = (b"connection", b"close")
EVENT_STREAM = b"text/event-stream"


class Exchange:
    """One request and its response."""

    __slots__ = ("_flight", "_send", "began", "start", "task")

    def __init__(self, flight: "InFlight", send: Send, began: float) -> None:
        self._flight = flight
        self._send = send
        self.began = began
        """The tick time at which it began."""
        self.start: Message | None = None
        """The message that began the response, None before."""
        self.task = asyncio.current_task()

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a message on, with what the life cycle adds to it.

        Not a coroutine itself: one less for each message of each request.
        """
        if self.start is None:
            self.start = message
            if self._flight.lifecycle.is_draining:
                message["headers"] = [*message.get("headers", ()), CLOSE]
        return self._send(message)

    @property
    def is_stream(self) -> bool:
        """Whether the response is a stream of events, which never ends by itself."""
        headers = () if self.start is None else self.start.get("headers", ())
        return any(
            name.lower() == b"content-type" and value.startswith(EVENT_STREAM)
            for name, value in headers
        )

    async def refuse(self, reason: bytes, marks: Headers, *, close: bool) -> None:
        """Answer 503 with Retry-After: whoever asked may ask another replica."""
        body = b'{"title":"Service Unavailable","status":503,"detail":"' + reason + b'"}'
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"retry-after", RETRY_AFTER),
            *marks,
        ]
        if close:
            headers.append(CLOSE)
        await self._send({"type": "http.response.start", "status": 503, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def finish_stream(self) -> None:
        """End an event stream in good order: the last chunk, not a broken connection."""
        await self._send({"type": "http.response.body", "body": b""})


class InFlight:
    """The ASGI application around the user's.

    Args:
        app: The application.
        lifecycle: Where the process is in its life.
        progress: Told of each completion.
        now: The watchdog's tick time, in seconds.
        marks: Returns, for a request's headers, those of an answer in the application's place.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        lifecycle: Lifecycle,
        progress: Progress,
        now: Callable[[], float],
        marks: Callable[[Headers], Headers] = lambda _: (),
    ) -> None:
        self._app = app
        self._progress = progress
        self._now = now
        self._marks = marks
        self._exchanges: set[Exchange] = set()
        self.lifecycle = lifecycle
        self.drained_total = 0
        """How many requests were completed while draining."""
        self.cancelled_total = 0
        """How many were cut short at the end of the drain."""

    @property
    def count(self) -> int:
        """How many requests are in flight, probes not counted."""
        return len(self._exchanges)

    @property
    def arrived(self) -> int:
        """How many requests have ever been let in, probes not counted."""
        return self._progress.completed + self.count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request of the user's application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(self, send, self._now())
        if self.lifecycle.is_refusing and scope["path"] not in self.lifecycle.early_paths:
            await exchange.refuse(b"warming", self._marks(scope["headers"]), close=False)
            return
        self._exchanges.add(exchange)
        try:
            await self._app(scope, receive, exchange.send)
        except asyncio.CancelledError:
            if not self.lifecycle.is_draining:
                raise
            if exchange.start is None:
                self.cancelled_total += 1
                await exchange.refuse(b"draining", self._marks(scope["headers"]), close=True)
            elif exchange.is_stream:
                await exchange.finish_stream()
            else:
                # Half an answer is out: returning makes uvicorn close the connection, unlike 500.
                self.cancelled_total += 1
        finally:
            self._exchanges.discard(exchange)
            self._progress.complete()
            if self.lifecycle.is_draining:
                self.drained_total += 1

    def end_streams(self) -> None:
        """Cancel the event streams: they would never end by themselves."""
        self._cancel(exchange for exchange in tuple(self._exchanges) if exchange.is_stream)

    def cancel_all(self) -> None:
        """Cancel whatever still runs."""
        self._cancel(iter(tuple(self._exchanges)))

    @staticmethod
    def _cancel(exchanges: Iterator[Exchange]) -> None:
        for exchange in exchanges:
            if exchange.task is not None:
                exchange.task.cancel("drain")

    def unanswered_for(self, seconds: float) -> int:
        """Return how many requests have run this long without the beginning of an answer."""
        began_before = self._now() - seconds
        return sum(
            exchange.start is None and exchange.began < began_before
            for exchange in tuple(self._exchanges)
        )


class LeakDetector:
    """Finds requests that outlived every time-out: something inside holds them.

    Args:
        in_flight: The requests.
        after_seconds: From which age on an unanswered request is leaked (deadline + 30 s).
        concurrency_limit: How many the application takes; half of them leaked is broken.
    """

    is_urgent = False

    def __init__(
        self, in_flight: InFlight, *, after_seconds: float, concurrency_limit: int
    ) -> None:
        self._in_flight = in_flight
        self._after_seconds = after_seconds
        self._concurrency_limit = concurrency_limit

    def look(self, now: float) -> Iterator[Evidence]:
        """Yield what is leaked at tick time `now`."""
        del now
        leaked = self._in_flight.unanswered_for(self._after_seconds)
        if not leaked:
            return
        broken = 2 * leaked >= self._concurrency_limit
        yield Evidence(
            check="requests:leaked",
            cause="requests-leaked",
            level=Level.BROKEN if broken else Level.SUSPECT,
            headline="LEAK",
            explanation=f"{leaked} requests unanswered for over {self._after_seconds:g}s,"
            f" of {self._concurrency_limit} that may run",
        )
