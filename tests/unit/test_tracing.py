"""Places in a trace, and how they are told: W3C Trace Context."""

import pytest

from messenger import tracing
from messenger.context import CURRENT, RequestContext, TraceContext
from messenger.tracing import Passing

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PLACE = TraceContext(TRACE, SPAN, "01", "vendor=1")


def test_a_valid_traceparent_is_read_in_full() -> None:
    """Trace, parent and flags are taken over, and the vendors' state with them."""
    place = tracing.parse(f"00-{TRACE}-{SPAN}-01".encode(), b"vendor=1")

    assert place == PLACE


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="nothing"),
        pytest.param(f"00-{TRACE}-{SPAN}", id="no flags"),
        pytest.param(f"00-{TRACE.upper()}-{SPAN}-01", id="upper case"),
        pytest.param(f"00-{'0' * 32}-{SPAN}-01", id="a trace of zeros"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", id="a span of zeros"),
        pytest.param(f"ff-{TRACE}-{SPAN}-01", id="the forbidden version"),
        pytest.param(f"00-{TRACE}-{SPAN}-01-more", id="more than version 00 has"),
        pytest.param(f"00-{TRACE}-{SPAN}-01\n", id="a line's end"),
    ],
)
def test_an_invalid_traceparent_counts_for_nothing(header: str) -> None:
    """A new trace is better than a broken one (W3C Trace Context, section 4.3)."""
    assert tracing.parse(header.encode(), b"vendor=1") is None


def test_a_later_version_may_append_fields() -> None:
    """What this version knows of it is used (section 3.2.4)."""
    assert tracing.parse(f"01-{TRACE}-{SPAN}-01-more".encode(), b"") == TraceContext(
        TRACE, SPAN, "01"
    )


def test_a_state_beyond_what_must_be_passed_on_is_dropped() -> None:
    """It would be copied into the call to each of the downstreams."""
    place = tracing.parse(f"00-{TRACE}-{SPAN}-01".encode(), b"v=" + b"x" * 511)

    assert place == TraceContext(TRACE, SPAN, "01")


def test_a_place_is_told_in_the_headers_of_the_standard() -> None:
    """`tracestate` is told only where there is one."""
    assert PLACE.headers == (
        ("traceparent", f"00-{TRACE}-{SPAN}-01"),
        ("tracestate", "vendor=1"),
    )
    assert TraceContext(TRACE, SPAN).headers == (("traceparent", f"00-{TRACE}-{SPAN}-00"),)


def test_a_trace_that_comes_in_is_handed_on_as_it_came() -> None:
    """No span of ours is missing between the mesh's spans on either side."""
    tracer = Passing(lambda _bits: 7)

    assert tracer.serve("GET", "/", PLACE, "c" * 32).context == PLACE
    token = CURRENT.set(RequestContext("r", PLACE))
    try:
        assert tracer.call("presence", "GET").context == PLACE
    finally:
        CURRENT.reset(token)


def test_a_request_without_a_trace_begins_one() -> None:
    """Its ids are valid, and it is not sampled since nobody records it."""
    context = Passing(lambda bits: bits).serve("GET", "/", None, "c" * 32).context

    assert context == TraceContext("c" * 32, f"{64:016x}", "00")


def test_ids_are_never_zero() -> None:
    """All zero means "no id", however unlikely the dice make it (section 3.2.2.3)."""
    context = Passing(lambda _bits: 0).call("presence", "GET").context

    assert tracing.parse(context.traceparent.encode(), b"") == context


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({}, False, id="nothing named"),
        pytest.param({"OTEL_TRACES_EXPORTER": "otlp"}, True, id="an exporter"),
        pytest.param({"OTEL_TRACES_EXPORTER": "console, otlp"}, True, id="one of several"),
        pytest.param({"OTEL_TRACES_EXPORTER": "zipkin"}, False, id="one that is not there"),
        pytest.param({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True, id="a collector"),
        pytest.param({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c"}, True, id="for traces"),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_EXPORTER": "none"},
            False,
            id="a collector for something else",
        ),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"},
            False,
            id="switched off",
        ),
    ],
)
def test_spans_are_recorded_only_where_an_exporter_is_named(
    environ: dict[str, str], *, expected: bool
) -> None:
    """OpenTelemetry's own variables decide."""
    assert tracing.is_exported(environ) is expected
