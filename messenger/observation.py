"""How a live call is watched: what `downstreams` asks of telemetry, which knows no HTTP client."""

from collections.abc import Sequence
from typing import Literal, Protocol

from messenger.errors import Reason

Outcome = Literal["ok", "refused", "cancelled"] | Reason
"""How a call ended: answered; answered with a refusal the call names; given up by its caller (who
was cancelled); or one of the reasons for having no answer. A closed set, for it labels metrics."""


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
