"""Traces: where a request stands in one, and how that is told to the next service.

There are two ways to trace, with one shape. `Passing`, here, is what runs when no exporter is
named: a trace that came in is handed on as it came, so that a mesh's own spans on either side stay
connected, and a request without one begins one, so that logs of several services can be joined.
`Recording`, in `spans`, makes real spans with the OpenTelemetry SDK, which is imported only then.
"""

import re
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from messenger.context import CURRENT, TraceContext

_TRACEPARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
"""W3C Trace Context, section 3.2: later versions may append fields, version 00 may not."""

_LONGEST_STATE = 512
"""Characters of `tracestate` that are passed on: what W3C Trace Context, section 3.3.1.5, asks for
at least. A longer one is dropped, since it would be copied into the call to each downstream."""


class Span(Protocol):
    """One unit of work within a trace."""

    @property
    def context(self) -> TraceContext:
        """Where it stands: what its own calls name as their parent."""
        ...

    def finish(self, target: str, status: int | None, error: str | None) -> None:
        """End it.

        Args:
            target: What was asked: a route's template, never a path, or a downstream's name.
            status: The HTTP status of the answer, None where there was none.
            error: A reason code where the work failed.
        """
        ...


class Tracer(Protocol):
    """Whoever begins spans."""

    def serve(self, method: str, path: str, parent: TraceContext | None, new_id: str) -> Span:
        """Begin the span of a request that came in.

        Args:
            method: The request's method.
            path: Its path.
            parent: Its caller's place, where it named one.
            new_id: 32 random hexadecimal digits, for a trace that begins here.
        """
        ...

    def call(self, downstream: str, method: str) -> Span:
        """Begin the span of a call to a downstream, below the request in work."""
        ...


class PassedSpan(Struct, frozen=True):
    """A span that nobody records: it only knows its place."""

    context: TraceContext

    def finish(self, target: str, status: int | None, error: str | None) -> None:
        """Do nothing: nobody records it."""


class Passing:
    """The tracer without an exporter.

    Args:
        bits: Returns that many random bits as a number; the source of ids.
    """

    def __init__(self, bits: Callable[[int], int]) -> None:
        self._bits = bits

    def serve(
        self,
        method: str,  # noqa: ARG002 - see Tracer
        path: str,  # noqa: ARG002
        parent: TraceContext | None,
        new_id: str,
    ) -> PassedSpan:
        """Return a span in the caller's place, or at the beginning of a trace."""
        return PassedSpan(parent or self._begin(new_id))

    def call(self, downstream: str, method: str) -> PassedSpan:  # noqa: ARG002 - see Tracer
        """Return a span in the place of the request in work."""
        request = CURRENT.get()
        return PassedSpan(request.trace if request else self._begin(f"{self._bits(128) or 1:032x}"))

    def _begin(self, new_id: str) -> TraceContext:
        """Begin a trace, not sampled: nobody here would record it."""
        # All zero is no id (W3C Trace Context, section 3.2.2.3), however unlikely.
        return TraceContext(new_id, f"{self._bits(64) or 1:016x}")


def is_exported(environ: Mapping[str, str]) -> bool:
    """Say whether the environment names an exporter of traces, by OpenTelemetry's own variables."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = environ.get("OTEL_TRACES_EXPORTER", "").lower().replace(",", " ").split()
    if exporters:
        return "otlp" in exporters  # the one that is installed
    return bool(
        environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
        or environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    )


def parse(traceparent: bytes, tracestate: bytes) -> TraceContext | None:
    """Read the two headers of W3C Trace Context.

    Args:
        traceparent: The value of the header `traceparent`.
        tracestate: The value of `tracestate`, empty where there is none.

    Returns:
        The caller's place in its trace, or None where `traceparent` is not valid, in which case
        `tracestate` counts for nothing either (section 4.3).
    """
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    if version == b"00" and more is not None:
        return None
    state = tracestate.decode("latin-1") if len(tracestate) <= _LONGEST_STATE else ""
    return TraceContext(trace_id.decode(), span_id.decode(), flags.decode(), state)
