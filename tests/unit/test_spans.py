"""Spans as the OpenTelemetry SDK records them."""

import random

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from messenger.context import CURRENT, RequestContext, TraceContext
from messenger.spans import Recording

CALLER = TraceContext("a" * 32, "b" * 16, "01", "vendor=1")

NEW = "c" * 32


def recording() -> tuple[Recording, InMemorySpanExporter]:
    """Return a tracer and the exporter that remembers its spans."""
    exporter = InMemorySpanExporter()
    return Recording(
        SimpleSpanProcessor(exporter), version="1.0", pod="p", bits=random.getrandbits
    ), exporter


def parent_of(span: ReadableSpan) -> str | None:
    """Return the parent's id as it stands in a header."""
    return f"{span.parent.span_id:016x}" if span.parent else None


def test_a_server_span_is_the_callers_child_and_the_calls_are_its_children() -> None:
    """One trace, parents and kinds right."""
    tracer, exporter = recording()
    server = tracer.serve("POST", "/v1/things", CALLER, NEW)
    token = CURRENT.set(RequestContext("r", server.context))
    call = tracer.call("presence", "GET")
    call.finish("presence", 200, None)
    CURRENT.reset(token)
    server.finish("/v1/things", 202, None)

    client_span, server_span = exporter.get_finished_spans()
    assert (server_span.kind, client_span.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert (parent_of(server_span), parent_of(client_span)) == ("b" * 16, server.context.span_id)
    assert server.context.trace_id == call.context.trace_id == "a" * 32
    assert (call.context.flags, call.context.state) == ("01", "vendor=1")


def test_only_the_parent_of_a_request_is_elsewhere() -> None:
    """A collector tells by it where a service's own part of a trace begins."""
    tracer, exporter = recording()
    server = tracer.serve("POST", "/v1/things", CALLER, NEW)
    token = CURRENT.set(RequestContext("r", server.context))
    tracer.call("presence", "GET").finish("presence", 200, None)
    CURRENT.reset(token)
    server.finish("/v1/things", 202, None)

    parents = [span.parent for span in exporter.get_finished_spans()]
    assert [parent and parent.is_remote for parent in parents] == [False, True]


def test_a_span_without_a_parent_begins_a_trace() -> None:
    """Under the id it was given, which is said to be random; the SDK's own default samples it."""
    tracer, exporter = recording()
    request = tracer.serve("GET", "/version", None, NEW)
    request.finish("/version", 200, None)

    (span,) = exporter.get_finished_spans()
    assert parent_of(span) is None
    assert (request.context.trace_id, request.context.flags) == (NEW, "03")
    assert (span.name, span.status.status_code) == ("GET /version", StatusCode.UNSET)


def test_a_caller_that_does_not_sample_is_obeyed() -> None:
    """Parent-based sampling: the decision was made where the trace began."""
    tracer, exporter = recording()
    span = tracer.serve("GET", "/", TraceContext("a" * 32, "b" * 16, "00"), NEW)
    span.finish("/", 200, None)

    assert not exporter.get_finished_spans()
    assert (span.context.trace_id, span.context.flags) == ("a" * 32, "00")


def test_the_calls_of_a_request_that_is_not_recorded_are_not_either() -> None:
    """They are told the request's own place, and the SDK is asked for none of them."""
    tracer, exporter = recording()
    server = tracer.serve("GET", "/", TraceContext("a" * 32, "b" * 16, "00"), NEW)
    token = CURRENT.set(RequestContext("r", server.context))
    call = tracer.call("presence", "GET")
    call.finish("presence", 200, None)
    CURRENT.reset(token)
    server.finish("/", 200, None)

    assert call.context == server.context
    assert not exporter.get_finished_spans()


def test_a_failure_is_told_with_its_reason() -> None:
    """Attributes follow the HTTP semantic conventions."""
    tracer, exporter = recording()
    tracer.call("presence", "GET").finish("presence", None, "timeout")

    (span,) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "timeout"
    assert "http.response.status_code" not in span.attributes
    assert span.status.status_code is StatusCode.ERROR


def test_a_span_says_who_when_and_what() -> None:
    """With the beginning before the end, and what HTTP's conventions ask for."""
    tracer, exporter = recording()
    tracer.serve("POST", "/v1/things", CALLER, NEW).finish("/v1/things", 202, None)

    (span,) = exporter.get_finished_spans()
    assert span.attributes == {
        "http.request.method": "POST",
        "url.path": "/v1/things",
        "http.response.status_code": 202,
    }
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.start_time <= span.end_time
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.version == "1.0"


def test_the_hash_of_the_resource_is_taken_once() -> None:
    """An exporter asks for that of each span; it is the SDK's, whichever way it is taken."""
    tracer, _ = recording()
    again = Resource(dict(tracer.resource.attributes), tracer.resource.schema_url)

    assert hash(tracer.resource) == hash(again)
    assert "_hash" in vars(tracer.resource)


def test_the_resource_tells_release_and_instance() -> None:
    """v1 and v2 can be told apart in a trace as they can in a metric."""
    tracer, exporter = recording()
    tracer.serve("GET", "/", None, NEW).finish("/", 200, None)

    (span,) = exporter.get_finished_spans()
    told = span.resource.attributes
    assert (told["service.name"], told["service.version"]) == ("messenger", "1.0")
    assert told["service.instance.id"] == "p"


class Stuck(SimpleSpanProcessor):
    """A processor that counts how often it was told to end."""

    ended = 0

    def shutdown(self) -> None:
        """Count."""
        self.ended += 1
        super().shutdown()


async def test_flushing_ends_the_way_to_the_exporter() -> None:
    """What is left is exported before the process ends."""
    processor = Stuck(InMemorySpanExporter())
    await Recording(processor, version="1.0", pod="p", bits=random.getrandbits).flush()

    assert processor.ended == 1
