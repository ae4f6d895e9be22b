"""Traces that are recorded: the OpenTelemetry SDK, used only when an exporter is named.

Importing this file imports the SDK, which costs as much start-up time as the whole of Starlette;
`telemetry` does so only on demand. How much is sampled, where it is sent, and what the resource is
called are the SDK's own business, by its own OTEL_* variables.
"""

import asyncio
import contextlib
import threading
from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)
from opentelemetry.trace import Span as SdkSpan
from opentelemetry.trace import Tracer as SdkTracer

from messenger.context import CURRENT, TraceContext
from messenger.tracing import PassedSpan, Span

_FLUSH_SECONDS = 2.5
"""How long `Recording.flush` waits: within the 3 s that the drain grants all of its callbacks."""


class RecordedSpan:
    """A span that the SDK records."""

    __slots__ = ("_method", "_span", "context")

    def __init__(self, span: SdkSpan, method: str) -> None:
        self._span = span
        self._method = method
        self.context = _place(span.get_span_context())

    def finish(self, target: str, status: int | None, error: str | None) -> None:
        """End it under its final name, with its HTTP status and whether it failed."""
        span = self._span
        span.update_name(f"{self._method} {target}")
        if status is not None:
            span.set_attribute("http.response.status_code", status)
        if error is not None:
            span.set_attribute("error.type", error)
            span.set_status(Status(StatusCode.ERROR))
        span.end()


class Recording:
    """The tracer with an exporter.

    Args:
        processor: What takes the finished spans on their way to an exporter.
        version: The release, told as an attribute of the resource.
        pod: The name of this instance, likewise.
    """

    def __init__(self, processor: SpanProcessor, *, version: str, pod: str) -> None:
        attributes = {"service.version": version, "service.instance.id": pod}
        own = Resource.create({"service.name": "messenger", **attributes})
        # Of two the latter wins: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES are read here.
        resource = own.merge(OTELResourceDetector().detect())
        # Without shutdown_on_exit: a collector that hangs would hold the end of the process up.
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer: SdkTracer = self._provider.get_tracer("messenger", version)

    def serve(
        self,
        method: str,
        path: str,
        parent: TraceContext | None,
        new_id: str,  # noqa: ARG002 - the SDK makes its own
    ) -> Span:
        """Begin a server span, below `parent` where the request named one."""
        # The path may be an attribute, unlike a metric's label: a span is forgotten again.
        attributes = {"http.request.method": method, "url.path": path}
        return self._begin(method, parent, SpanKind.SERVER, attributes)

    def call(self, downstream: str, method: str) -> Span:
        """Begin a client span below the request in work, if that is recorded itself."""
        request = CURRENT.get()
        if request is not None and not request.trace.is_sampled:
            # The SDK would say so of each of seven calls, which costs a tenth of a message more.
            return PassedSpan(request.trace)
        attributes = {"http.request.method": method, "server.address": downstream}
        return self._begin(method, request.trace if request else None, SpanKind.CLIENT, attributes)

    def _begin(
        self,
        method: str,
        parent: TraceContext | None,
        kind: SpanKind,
        attributes: Mapping[str, str],
    ) -> Span:
        span = self._tracer.start_span(method, _below(parent), kind=kind, attributes=attributes)
        if not span.is_recording():
            return PassedSpan(_place(span.get_span_context()))
        return RecordedSpan(span, method)

    async def flush(self) -> None:
        """Export what is left and end; gives up after `_FLUSH_SECONDS`.

        A thread of its own does it, and a daemon: the SDK's time-outs are longer than a drain, and
        a thread of the loop's pool would be waited for at exit.
        """
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def shut_down() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # the loop may have given up, and be closed
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=shut_down, name="flush spans", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_SECONDS):
                await done.wait()


def otlp_processor() -> SpanProcessor:
    """Build the way to a collector: OTLP over HTTP, in batches; OTEL_EXPORTER_OTLP_* says where."""
    return BatchSpanProcessor(OTLPSpanExporter())


def _place(context: SpanContext) -> TraceContext:
    """Return the SDK's words for a place in a trace as ours."""
    return TraceContext(
        format_trace_id(context.trace_id),
        format_span_id(context.span_id),
        f"{context.trace_flags:02x}",
        context.trace_state.to_header(),
    )


def _below(parent: TraceContext | None) -> Context:
    """Return the SDK's words for "below `parent`", or for the beginning of a trace."""
    if parent is None:
        return Context()
    place = SpanContext(
        int(parent.trace_id, 16),
        int(parent.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(parent.flags, 16)),
        trace_state=TraceState.from_header([parent.state]) if parent.state else None,
    )
    return set_span_in_context(NonRecordingSpan(place), Context())
