"""Telemetry: each request and each live call seen once, as metric, span and log identity.

`Telemetry` is built in `process` (or by a test) and passed in; nothing here is global but the
context variable that carries a request's identity. Requests to `/health/*` never come here: they
are answered in front of the application, so that a probe costs no span and no time series.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from messenger import tracing
from messenger.context import CURRENT, RequestContext, TraceContext
from messenger.metrics import Metrics
from messenger.observation import Outcome
from messenger.tracing import Span, Tracer

UNMATCHED = "unmatched"
"""The route label of requests that no route took."""

_REQUEST_ID = re.compile(rb"[!-~]{1,128}")
"""What a caller may call its request: visible ASCII, which no log and no header has to quote, and
128 characters, which hold two UUIDs with a prefix."""

_SERVER_ERROR = 500
"""From this status on a server's span is an error (OpenTelemetry HTTP semantic conventions); below
it the caller is at fault, and the server did what it should."""

_LAST_STATUS = 599
"""Beyond it there is no status (RFC 9110, section 15): the fault "reset" begins an answer that no
server can write, and such an answer is none."""

_OK_OUTCOMES = frozenset({"ok", "refused"})
"""Outcomes of a call that are answers; "cancelled" is none, and nobody's fault either."""


class Telemetry:
    """Everything that observes: metrics, tracer, and the source of time and of ids.

    Args:
        metrics: What counts.
        tracer: What begins spans.
        bits: Returns that many random bits as a number, for request ids.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        metrics: Metrics,
        tracer: Tracer,
        *,
        bits: Callable[[int], int],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.metrics = metrics
        self.tracer = tracer
        self.bits = bits
        self.clock = clock

    def start(self, downstream: str, method: str) -> "CallObservation":
        """Begin to observe a live call; see `downstreams.CallObserver`."""
        return CallObservation(self, downstream, method)


class CallObservation:
    """One live call: a client span, and a count with its duration."""

    __slots__ = ("_began", "_downstream", "_span", "_telemetry", "headers")

    def __init__(self, telemetry: Telemetry, downstream: str, method: str) -> None:
        self._telemetry = telemetry
        self._downstream = downstream
        self._span = telemetry.tracer.call(downstream, method)
        self.headers: Sequence[tuple[str, str]] = self._span.context.headers
        """The headers that make the downstream's spans children of this call."""

        self._began = telemetry.clock()

    def finish(self, outcome: Outcome, status: int | None) -> None:
        """End the span and count the call."""
        telemetry = self._telemetry
        error = None if outcome in _OK_OUTCOMES else outcome
        self._span.finish(self._downstream, status, error)
        telemetry.metrics.count_call(self._downstream, outcome, telemetry.clock() - self._began)


class TelemetryMiddleware:
    """Observes each HTTP request, and marks its answer with who gave it.

    Args:
        app: The application; `scope["endpoint"]` is expected to be set by its router.
        telemetry: Where observations go.
        routes: The route template of each endpoint, which is what metrics and spans are called by.
        marks: Headers of every answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        telemetry: Telemetry,
        routes: Mapping[object, str],
        marks: Sequence[tuple[bytes, bytes]],
    ) -> None:
        self._app = app
        self._telemetry = telemetry
        self._routes = routes
        self._marks = tuple(marks)

    def marks(self, headers: Sequence[tuple[bytes, bytes]]) -> Sequence[tuple[bytes, bytes]]:
        """Return the headers of an answer that somebody else gives in our place."""
        request_id, _ = _identity(headers)
        return self._marked(request_id or self._new_id())

    def _new_id(self) -> str:
        return f"{self._telemetry.bits(128) or 1:032x}"

    def _marked(self, request_id: str) -> tuple[tuple[bytes, bytes], ...]:
        return (*self._marks, (b"x-request-id", request_id.encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request under observation."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        telemetry = self._telemetry
        began = telemetry.clock()
        request_id, parent = _identity(scope["headers"])
        new_id = self._new_id()
        span = telemetry.tracer.serve(scope["method"], scope["path"], parent, new_id)
        # Not reset at the end: the server runs each request in a context of its own, and what it
        # logs about one that failed is to carry the request's ids too.
        CURRENT.set(RequestContext(request_id or new_id, span.context))
        marks = self._marked(request_id or new_id)
        code: int | None = None

        def send_marked(message: Message) -> Awaitable[None]:
            # No coroutine of its own: one for each part of each answer would be felt.
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                message["headers"] = (*message.get("headers", ()), *marks)
            return send(message)

        try:
            await self._app(scope, receive, send_marked)
        except asyncio.CancelledError:
            # The end of the drain: whoever serves us answers 503 (see `health`).
            code = code or 503
            raise
        finally:
            self._finish(scope, span, code, telemetry.clock() - began)

    def _finish(self, scope: Scope, span: Span, code: int | None, seconds: float) -> None:
        """Count the request and end its span, by the name of the route that took it."""
        if code is not None and code > _LAST_STATUS:
            code = None
        route = self._routes.get(scope.get("endpoint"), UNMATCHED)
        self._telemetry.metrics.count_request(scope["method"], route, code, seconds)
        error = str(code) if code is None or code >= _SERVER_ERROR else None
        span.finish(route, code, error)


def _identity(
    headers: Sequence[tuple[bytes, bytes]],
) -> tuple[str | None, TraceContext | None]:
    """Return what the caller calls its request, and where it stands in a trace."""
    request_id = None
    traceparent = tracestate = b""
    for name, value in headers:
        if name == b"x-request-id":
            request_id = value.decode("ascii") if _REQUEST_ID.fullmatch(value) else None
        elif name == b"traceparent":
            traceparent = value
        elif name == b"tracestate":
            # Several headers are one list (RFC 9110, section 5.3).
            tracestate = tracestate + b"," + value if tracestate else value
    return request_id, tracing.parse(traceparent, tracestate) if traceparent else None
