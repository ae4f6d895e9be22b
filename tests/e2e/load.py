"""The prober at work in the cluster, and its report."""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from tests.e2e import objects
from tests.e2e.cluster import wait_for
from tests.e2e.space import Space

START_SECONDS = 60.0
"""How long the prober may take to have sent something."""

LAST_ANSWER_SECONDS = 12.0
"""How long the prober waits for the last answer."""

MARGIN_SECONDS = 30.0
"""What it may take longer than it was told to: it is the schedule that counts, and it is held."""

STOP = "import os, signal; os.kill(1, signal.SIGTERM)"
"""Ends the prober from within: nothing else in its image could."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the prober found; see `prober.Tally`."""

    elapsed_seconds: float
    started_at: float
    """When the first request was due, in Unix time; nodes of kind's have this machine's clock."""
    sent: int
    ok: int
    failed: int
    degraded: int
    degraded_by: dict[str, int]
    declared: int
    kinds: dict[str, int]
    examples: str
    """Some failures of each kind; a text, of which a failed assertion leaves nothing out."""
    failing_seconds: list[list[int]]
    longest_gap_seconds: float
    longest_gap_from_seconds: float
    latency_seconds: dict[str, dict[str, float]]
    versions: dict[str, dict[str, float]]
    pods: dict[str, dict[str, float]]
    prober_late_seconds: float
    prober_cpu_seconds: float

    def second(self, at: float) -> float:
        """Return how many seconds after the first request a Unix time is."""
        return at - self.started_at

    @property
    def figures(self) -> str:
        """The figures of a proof, in one line."""
        latency = self.latency_seconds["all"]
        return (
            f"sent={self.sent} ok={self.ok} failed={self.failed} kinds={self.kinds} "
            f"failing_seconds={self.failing_seconds} degraded={self.degraded} "
            f"gap={self.longest_gap_seconds}s p50={latency.get('p50')}s p99={latency.get('p99')}s "
            f"pods={len(self.pods)} prober_late={self.prober_late_seconds}s "
            f"prober_cpu={self.prober_cpu_seconds}s"
        )


def read_report(log: str) -> Report | None:
    """Return the report in what the prober printed, None if it has not ended."""
    lines = (json.loads(line) for line in log.splitlines() if line.startswith("{"))
    found = [line for line in lines if line["event"] == "summary"]
    if not found:
        return None
    names = {each.name for each in fields(Report)}
    summary = found[-1] | {"examples": json.dumps(found[-1]["examples"], indent=1)}
    return Report(**{name: value for name, value in summary.items() if name in names})


class Load:
    """One prober, in a Job.

    Args:
        space: The namespace, in which it asks `http://messenger`.
        name: The Job's name.
        rate: Requests per second.
        seconds: For how long, unless it is stopped before.
        arguments: The prober's further arguments.
    """

    def __init__(
        self, space: Space, name: str, *, rate: float, seconds: float, arguments: Sequence[str] = ()
    ) -> None:
        self._space = space
        self._name = name
        self._rate = rate
        self._seconds = seconds
        self._arguments = arguments
        self._pod = ""
        self._until = 0.0

    def start(self, node: str | None) -> None:
        """Start, and wait until something has been sent."""
        schedule = [f"--rate={self._rate}", f"--seconds={self._seconds}", f"--run={self._name}"]
        self._space.apply(objects.prober(self._name, [*schedule, *self._arguments], node))
        wait_for(
            "the prober's first line",
            self.log,
            until=lambda log: '"progress"' in log,
            within_seconds=START_SECONDS,
        )
        self._until = time.monotonic() + self._seconds

    def log(self) -> str:
        """Return what the prober has printed."""
        where = f"/api/v1/namespaces/{self._space.name}/pods"
        if not self._pod:
            found = self._space.cluster.get(f"{where}?labelSelector=job-name={self._name}")["items"]
            self._pod = found[0]["metadata"]["name"] if found else ""
        path = f"{where}/{self._pod}/log?container=prober"
        status, text = self._space.cluster.ask(path) if self._pod else (0, "")
        return text if status == 200 else ""

    @property
    def left_seconds(self) -> float:
        """For how long it will go on, unless it is stopped."""
        return self._until - time.monotonic()

    def stop(self) -> Report:
        """Send no more, and return the report."""
        self._space.kubectl("exec", self._pod, "--", "python3", "-c", STOP)
        return self.report(LAST_ANSWER_SECONDS)

    def report(self, within_seconds: float | None = None) -> Report:
        """Wait for the report and return it."""
        limit = self._seconds + LAST_ANSWER_SECONDS if within_seconds is None else within_seconds
        log = wait_for(
            "the prober's report",
            self.log,
            until=lambda text: '"summary"' in text,
            within_seconds=limit + MARGIN_SECONDS,
        )
        report = read_report(log)
        assert report is not None
        return report


@contextlib.contextmanager
def loading(
    space: Space,
    name: str,
    *,
    rate: float,
    seconds: float,
    node: str | None = None,
    arguments: Sequence[str] = (),
) -> Iterator[Load]:
    """Yield a prober at work; delete it at the end."""
    load = Load(space, name, rate=rate, seconds=seconds, arguments=arguments)
    load.start(node)
    try:
        yield load
    finally:
        space.kubectl("delete", "job", name, "--wait=false", "--grace-period=1")
