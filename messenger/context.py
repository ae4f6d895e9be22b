"""What is known of the request in work, wherever in its task one asks: who asked, in which trace.

One context variable holds it, so that a log line deep in a library carries the same ids as the
response header, and a call to a downstream continues the trace without being handed it.
"""

from contextvars import ContextVar
from functools import cached_property

from msgspec import Struct


class TraceContext(Struct, frozen=True, dict=True):
    """The place in a distributed trace, as W3C Trace Context puts it into headers."""

    trace_id: str
    """32 lower-case hexadecimal digits, not all zero."""

    span_id: str
    """16 lower-case hexadecimal digits, not all zero: the parent of what is called from here."""

    flags: str = "00"
    """Two hexadecimal digits; the lowest bit says that the trace is sampled."""

    state: str = ""
    """The header `tracestate` as it came, to be passed on untouched."""

    # Each of these is asked once for each call of a message, most of which share one place.

    @cached_property
    def is_sampled(self) -> bool:
        """Whether the trace is recorded by whoever records spans at all."""
        return bool(int(self.flags, 16) & 1)

    @property
    def traceparent(self) -> str:
        """The value of the header `traceparent`, version 00."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers that tell a downstream its place below this one."""
        told = ("traceparent", self.traceparent)
        return (told, ("tracestate", self.state)) if self.state else (told,)


class RequestContext(Struct, frozen=True):
    """The identity of one request in work."""

    request_id: str
    """What the caller calls this request, or what it was given here."""

    trace: TraceContext
    """The trace that this request belongs to."""


CURRENT: ContextVar[RequestContext | None] = ContextVar("request", default=None)
"""The request in work in this task, or None outside of any."""
