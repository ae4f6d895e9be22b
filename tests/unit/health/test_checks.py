"""Samples of the application's own checks: remembered, aged, never a crash."""

from messenger.health import Finding, Status
from messenger.health.checks import ALIVE_AND_READY, READY_ONLY, STALE_SECONDS, Probe, Sampled

from .clock import FakeClock


class Subject:
    """A check of the application that can be told what to find."""

    def __init__(self, clock: FakeClock) -> None:
        self.finding: Finding | Exception = Finding()
        self.crashes: list[tuple[str, str]] = []
        self.sampled = Sampled(
            "downstream:presence",
            self._read,
            now=clock,
            on_crash=lambda name, exc: self.crashes.append((name, repr(exc))),
        )

    def _read(self) -> Finding:
        if isinstance(self.finding, Exception):
            raise self.finding
        return self.finding


def test_before_the_first_sample_nothing_is_known(clock: FakeClock) -> None:
    """That is a warning, not a pass."""
    assert Subject(clock).sampled.finding() == Finding(Status.WARN, "not-sampled-yet")


def test_a_sample_is_remembered(clock: FakeClock) -> None:
    """A probe is told the last one, and reads nothing itself."""
    subject = Subject(clock)
    subject.finding = Finding(Status.WARN, "recent-calls-failing", 3, "calls")
    subject.sampled.sample()
    subject.finding = Finding()

    assert subject.sampled.finding() == Finding(Status.WARN, "recent-calls-failing", 3, "calls")


def test_a_sample_grows_stale(clock: FakeClock) -> None:
    """What it observed is still shown, but not believed."""
    subject = Subject(clock)
    subject.finding = Finding(Status.PASS, "", 412, "ms")
    subject.sampled.sample()
    clock.advance(STALE_SECONDS)
    assert subject.sampled.finding().status is Status.PASS
    clock.advance(0.1)

    assert subject.sampled.finding() == Finding(Status.WARN, "stale", 412, "ms")


def test_a_check_that_raises_is_a_warning_without_its_text(clock: FakeClock) -> None:
    """The text goes to the log; the next sample may be well again."""
    subject = Subject(clock)
    subject.finding = LookupError("password=hunter2")
    subject.sampled.sample()
    assert subject.sampled.finding() == Finding(Status.WARN, "check-crashed")
    assert subject.crashes == [("downstream:presence", "LookupError('password=hunter2')")]
    subject.finding = Finding()
    subject.sampled.sample()

    assert subject.sampled.finding() == Finding()


def test_no_check_turns_liveness_red_alone() -> None:
    """There is no such set: alive=503 implies ready=503."""
    assert Probe.READY in ALIVE_AND_READY
    assert Probe.ALIVE not in READY_ONLY
