"""Traces that are recorded: the OpenTelemetry SDK, used only when an exporter is named.

Importing this file imports the SDK, which costs as much start-up time as the whole of Starlette;
`process` does so only on demand. What is sampled, where it is sent, and what the resource is
called are the SDK's own business, by its own OTEL_* variables. The spans are made here, each at its
end and at once: the SDK's own, which may be changed from any thread until then, take five times as
long, and a request has one for each of its calls.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from functools import cached_property

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from messenger.context import CURRENT, TraceContext
from messenger.tracing import PassedSpan, Span

_FLUSH_SECONDS = 2.5
"""How long `Recording.flush` waits: within the 3 s that the drain grants all of its callbacks."""

_SAMPLED = 1
_RANDOM = 2
"""Flags of W3C Trace Context, level 2: the trace is recorded, and its id is random."""

_FLAGS = ("00", "01", "02", "03")
"""All that these two can be together, as headers have them."""

_NOWHERE = Context()
"""The SDK's words for where a trace begins."""

_UNSET, _ERROR = Status(StatusCode.UNSET), Status(StatusCode.ERROR)


class RecordedSpan:
    """A span that is recorded.

    Args:
        recording: Who keeps it when it ends.
        kind: Whose side of the request it is.
        parent: Its place's parent, None where a trace begins.
        context: Its own place.
        attributes: What is known of it from the start; the method above all.
    """

    __slots__ = ("_attributes", "_began", "_kind", "_parent", "_recording", "context")

    def __init__(
        self,
        recording: "Recording",
        kind: SpanKind,
        parent: TraceContext | None,
        context: TraceContext,
        attributes: dict[str, str | int],
    ) -> None:
        self._recording = recording
        self._kind = kind
        self._parent = parent
        self._attributes = attributes
        self.context = context
        self._began = time.time_ns()

    def finish(self, target: str, status: int | None, error: str | None) -> None:
        """End it under its final name, with its HTTP status and whether it failed."""
        attributes = self._attributes
        if status is not None:
            attributes["http.response.status_code"] = status
        if error is not None:
            attributes["error.type"] = error
        recording, parent = self._recording, self._parent
        recording.processor.on_end(
            ReadableSpan(
                f"{attributes['http.request.method']} {target}",
                _place(self.context, is_remote=False),
                # The parent of a call is the request; that of a request is elsewhere.
                None if parent is None else _place(parent, is_remote=self._kind is SpanKind.SERVER),
                recording.resource,
                attributes,
                kind=self._kind,
                status=_UNSET if error is None else _ERROR,
                start_time=self._began,
                end_time=time.time_ns(),
                instrumentation_scope=recording.scope,
            )
        )


class Recording:
    """The tracer with an exporter.

    Args:
        processor: What takes the finished spans on their way to an exporter.
        version: The release, told as an attribute of the resource.
        pod: The name of this instance, likewise.
        bits: Returns that many random bits as a number; the source of ids.
    """

    def __init__(
        self, processor: SpanProcessor, *, version: str, pod: str, bits: Callable[[int], int]
    ) -> None:
        attributes = {"service.version": version, "service.instance.id": pod}
        own = Resource.create({"service.name": "messenger", **attributes})
        # Of two the latter wins: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES are read here.
        resource = own.merge(OTELResourceDetector().detect())
        self.processor = processor
        self.resource = _Resource(dict(resource.attributes), resource.schema_url)
        self.scope = InstrumentationScope("messenger", version)
        # It knows the sampler that the environment names. Without shutdown_on_exit: a collector
        # that hangs would hold the end of the process up.
        self._sampler = TracerProvider(shutdown_on_exit=False).sampler
        self._bits = bits

    def serve(self, method: str, path: str, parent: TraceContext | None, new_id: str) -> Span:
        """Begin a server span, below `parent` where the request named one."""
        context = self._decide(method, SpanKind.SERVER, parent, new_id)
        if not context.is_sampled:
            return PassedSpan(context)
        # The path may be an attribute, unlike a metric's label: a span is forgotten again.
        attributes: dict[str, str | int] = {"http.request.method": method, "url.path": path}
        return RecordedSpan(self, SpanKind.SERVER, parent, context, attributes)

    def call(self, downstream: str, method: str) -> Span:
        """Begin a client span below the request in work, recorded if that is."""
        request = CURRENT.get()
        parent = request.trace if request else None
        if parent is None:
            context = self._decide(method, SpanKind.CLIENT, None, f"{self._bits(128) or 1:032x}")
        elif parent.is_sampled:
            context = self._child(parent.trace_id, parent.flags, parent.state)
        else:
            context = parent
        if not context.is_sampled:
            return PassedSpan(context)
        attributes: dict[str, str | int] = {"http.request.method": method}
        attributes["server.address"] = downstream
        return RecordedSpan(self, SpanKind.CLIENT, parent, context, attributes)

    def _decide(
        self, method: str, kind: SpanKind, parent: TraceContext | None, new_id: str
    ) -> TraceContext:
        """Return a new place, below `parent` or in a new trace, sampled or not."""
        if parent is None:
            trace_id, where, state, flags = new_id, _NOWHERE, "", _RANDOM
        else:
            trace_id, where, state = parent.trace_id, _below(parent), parent.state
            flags = int(parent.flags, 16) & _RANDOM
        result = self._sampler.should_sample(where, int(trace_id, 16), method, kind)
        if result.decision is Decision.RECORD_AND_SAMPLE:
            flags |= _SAMPLED
        return self._child(trace_id, _FLAGS[flags], state)

    def _child(self, trace_id: str, flags: str, state: str) -> TraceContext:
        return TraceContext(trace_id, f"{self._bits(64) or 1:016x}", flags, state)

    async def flush(self) -> None:
        """Export what is left and end; gives up after `_FLUSH_SECONDS`.

        A thread of its own does it, and a daemon: the SDK's time-outs are longer than a drain, and
        a thread of the loop's pool would be waited for at exit.
        """
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def shut_down() -> None:
            self.processor.shutdown()
            with contextlib.suppress(RuntimeError):  # the loop may have given up, and be closed
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=shut_down, name="flush spans", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_SECONDS):
                await done.wait()


def otlp_processor() -> SpanProcessor:
    """Build the way to a collector: OTLP over HTTP, in batches; OTEL_EXPORTER_OTLP_* says where."""
    return BatchSpanProcessor(OTLPSpanExporter())


class _Resource(Resource):
    """A resource whose hash is taken once: an exporter asks each span for it, and it is slow."""

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()

    def __hash__(self) -> int:
        return self._hash


def _place(context: TraceContext, *, is_remote: bool) -> SpanContext:
    """Return the SDK's words for a place in a trace."""
    return SpanContext(
        int(context.trace_id, 16),
        int(context.span_id, 16),
        is_remote=is_remote,
        trace_flags=TraceFlags(int(context.flags, 16)),
        trace_state=TraceState.from_header([context.state]) if context.state else None,
    )


def _below(parent: TraceContext) -> Context:
    """Return the SDK's words for "below `parent`"."""
    return set_span_in_context(NonRecordingSpan(_place(parent, is_remote=True)), _NOWHERE)
