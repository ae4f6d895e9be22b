"""Named checks: the one concept behind everything that a probe reports.

Shutting down, warming up, a stalled loop and a failing downstream are all checks: a name, a finding
and a set of probes that a failure turns red. A check never does I/O when a probe asks: what costs
something is sampled beforehand, once a second, and carries its age.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The three words of draft-inadarei-api-health-check-06, section 3.1."""

    PASS = "pass"  # noqa: S105 - the draft's word, not a password
    WARN = "warn"
    FAIL = "fail"


class Probe(StrEnum):
    """The three questions that the kubelet asks."""

    STARTED = "started"
    READY = "ready"
    ALIVE = "alive"


ALIVE_AND_READY = frozenset({Probe.ALIVE, Probe.READY})
"""What is broken for good: there is no set with ALIVE alone, so alive=503 implies ready=503."""

READY_ONLY = frozenset({Probe.READY})
"""What passes by itself: other replicas answer meanwhile, nobody is restarted."""

NO_PROBE = frozenset[Probe]()
"""What people should see and no probe may act on, such as the state of a shared downstream."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: a state and a fixed reason code, never an exception's text."""

    status: Status = Status.PASS
    output: str = ""
    """The reason code, such as `recent-calls-failing`; empty when passing."""
    observed: float | int | str | None = None
    unit: str | None = None


PASSING = Finding()
"""The finding of a check that has nothing to say."""


@dataclass(frozen=True, slots=True)
class Check:
    """A named check.

    `read` must be cheap, must not wait and must not raise: it runs inside a probe's answer,
    possibly on the responder's thread while the event loop is stuck.
    """

    name: str
    read: Callable[[], Finding]
    gates: frozenset[Probe] = NO_PROBE
    component_type: str = "component"
    age_seconds: Callable[[], float] = lambda: 0.0
    """How long ago what it reads was seen; nothing, unless somebody looks for it now and then."""


STALE_SECONDS = 5.0
"""From which age on a sample is reported as stale: five samples missed, so the loop is stuck."""


class Sampled:
    """An application's check, read on the event loop once a second and remembered with its age.

    Args:
        name: The check's name, such as `downstream:links`.
        read: What reads it. An exception becomes `check-crashed`; its text goes to the log only.
        now: The clock that ages the sample, in seconds.
        on_crash: Told the exception.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], Finding],
        *,
        now: Callable[[], float],
        on_crash: Callable[[str, Exception], None],
    ) -> None:
        self.name = name
        self._read = read
        self._now = now
        self._on_crash = on_crash
        self._finding = Finding(Status.WARN, "not-sampled-yet")
        self._sampled_at = now()

    def sample(self) -> None:
        """Read the check; called on the event loop."""
        try:
            self._finding = self._read()
        except Exception as exc:  # noqa: BLE001 - a broken check must not break the others
            self._finding = Finding(Status.WARN, "check-crashed")
            self._on_crash(self.name, exc)
        self._sampled_at = self._now()

    def age_seconds(self) -> float:
        """Return the age of the last sample."""
        return self._now() - self._sampled_at

    def finding(self) -> Finding:
        """Return the last sample, or a warning when it is too old to be believed."""
        if self.age_seconds() > STALE_SECONDS:
            return Finding(Status.WARN, "stale", self._finding.observed, self._finding.unit)
        return self._finding
