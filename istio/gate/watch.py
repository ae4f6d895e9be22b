"""One step under observation: what the judge is shown, and what the pods show by themselves."""

from collections.abc import Callable, Mapping
from typing import Protocol

from istio.gate.judge import Judge, Verdict
from istio.gate.mesh import Mesh
from istio.gate.plan import Plan
from istio.gate.weights import NEW
from istio.gate.windows import Window


class Looks(Protocol):
    """A source of evidence."""

    def look(self) -> Window:
        """Return what has been added since the last look."""
        ...


class Watch:
    """One step under observation.

    Args:
        mesh: Where the pods are.
        plan: How patient it is.
        clock: Seconds, monotonic.
    """

    def __init__(self, mesh: Mesh, plan: Plan, clock: Callable[[], float]) -> None:
        self._mesh = mesh
        self._plan = plan
        self._clock = clock
        self._began = self._looked = self._healthy = clock()
        self._crew = mesh.crew(NEW)
        self._restarts = self._crew.restarts

    def look(self, judge: Judge, sources: Mapping[str, Looks]) -> None:
        """Show the judge what has been added since the last look, and count the pods."""
        windows = {name: source.look() for name, source in sources.items()}
        now = self._clock()
        for name, window in windows.items():
            judge.look(name, window, now - self._looked)
        self._looked, self._crew = now, self._mesh.crew(NEW)
        if self._crew.ready >= self._crew.wanted:
            self._healthy = now

    def blind_seconds(self) -> float:
        """Return how long nothing has been seen."""
        return self._clock() - self._looked

    def fault(self, judge: Judge) -> str | None:
        """Return why the version has to go, if it has to."""
        restarts = self._crew.restarts - self._restarts
        if judge.verdict() is Verdict.ABORT:
            return "it is worse"
        if restarts >= self._plan.restarts:
            return f"restarts={restarts}"
        if self._looked - self._healthy > self._plan.unready_seconds:
            return f"{self._crew.ready} of {self._crew.wanted} pods are ready"
        if self._is_out_of_patience() and not judge.has_seen_enough:
            return "there is no evidence"
        return None

    def is_over(self, verdict: Verdict) -> bool:
        """Say whether the step is done: in time if nothing speaks against it, else late."""
        is_time = self._looked - self._began >= self._plan.pause_seconds
        return (is_time and verdict is Verdict.GO_ON) or self._is_out_of_patience()

    def _is_out_of_patience(self) -> bool:
        limit = self._plan.pause_seconds * self._plan.patience
        return self._looked - self._began >= limit
