"""The twelve downstreams: what each is needed for, and the one place that calls them over HTTP.

Only this file imports httpx and aiohttp. It uses httpx's transport interface without httpx's
client: redirects, cookies, proxies and authentication have no place between services, and leaving
them out halves the cost of a call. There is no retry and no circuit breaker: those belong to the
mesh, which sees all replicas.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol, TypeVar

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from messenger.calls import Call
from messenger.errors import MessengerError, Reason, Unavailable
from messenger.outcomes import Outcomes

Answer = TypeVar("Answer")

Outcome = Literal["ok", "refused", "cancelled"] | Reason
"""How a call ended: answered; answered with a refusal the call names; given up by its caller (who
was cancelled); or one of the reasons for having no answer. A closed set, for it labels metrics."""


class Downstream(NamedTuple):
    """One of the twelve."""

    name: str
    is_required: bool
    deadline_share: float
    """Part of the request's deadline, counted from its start, by which the answer must be there."""

    fallback: str
    """What is done without it."""


TABLE = (
    # Snapshots: a look-up in memory. Only a required entry that is not there yet is fetched live,
    # which is one key look-up: a fifth of the deadline leaves the rest for the calls that follow.
    Downstream("accounts", True, 0.2, "the last snapshot; a cold entry is fetched live, else 503"),
    Downstream("contacts", True, 0.2, "the last snapshot; a cold entry is fetched live, else 503"),
    Downstream("profiles", False, 0.0, "the last snapshot; else the id as name, and English"),
    Downstream("preferences", False, 0.0, "the last snapshot; else no quiet hours"),
    Downstream("templates", False, 0.0, "the last snapshot; else the bare body"),
    # Consent may take the larger part, since nothing is sent without it, and must leave the
    # hand-over enough to be tried in earnest.
    Downstream("consent", True, 0.6, "503"),
    # One deadline for the four: together they never make a message wait longer than a third.
    Downstream("presence", False, 1 / 3, "not known"),
    Downstream("translation", False, 1 / 3, "the text as written"),
    Downstream("spam", False, 1 / 3, "taken for no spam"),
    Downstream("links", False, 1 / 3, "links as written"),
    # The hand-over has what remains, but for what the answer needs (see `service`).
    Downstream("delivery", True, 1.0, "503: nothing was promised"),
    Downstream("audit", False, 1.0, "logged here"),
)
"""All downstreams, in the order in which `degraded` lists them."""


class Observation(Protocol):
    """One live call under observation, from its start to its end."""

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """Headers that the call shall carry, `traceparent` above all (W3C Trace Context)."""
        ...

    def finish(self, outcome: Outcome, status: int | None) -> None:
        """Take note of the end: called exactly once, with the HTTP status where there was one."""
        ...


class CallObserver(Protocol):
    """Whoever wants to know of each live call: spans, and rate, errors and duration."""

    def start(self, downstream: str, method: str) -> Observation:
        """Begin an observation; called in the context of the request that makes the call."""
        ...


class Unobserved:
    """The observer, and the observation, that wants to know nothing."""

    headers: Sequence[tuple[str, str]] = ()

    def start(self, downstream: str, method: str) -> "Unobserved":  # noqa: ARG002 - see CallObserver
        """Return itself: there is nothing to remember."""
        return self

    def finish(self, outcome: Outcome, status: int | None) -> None:
        """Do nothing."""


class Downstreams:
    """Puts calls through to the downstreams, each within a deadline of its own.

    Args:
        url_template: Address of a downstream with `{service}` for its name, without a final slash.
        transport: What carries requests; see `open_transport`. Closed by `aclose`.
        observer: Told of each live call.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        url_template: str,
        transport: httpx.AsyncBaseTransport,
        *,
        observer: CallObserver | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.outcomes = {each.name: Outcomes(clock) for each in TABLE}
        """Recent calls to each downstream, for the health check `downstream:<name>`."""

        self._observer: CallObserver = observer or Unobserved()
        self._transport = transport
        self._urls = {each.name: url_template.format(service=each.name) for each in TABLE}

    async def answer(self, call: Call[Answer], within_seconds: float) -> Answer:
        """Return the downstream's answer to a call.

        Args:
            call: What is asked of whom.
            within_seconds: Time for connecting, asking and reading the whole answer.

        Raises:
            MessengerError: Unavailable when there is no usable answer, or the error that the call
                names for the status of a problem+json answer.
        """
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()
