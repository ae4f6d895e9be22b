"""The roll-out: replicas first, then weight; and all the way back when the judge says so.

Nothing is remembered here: where the roll-out stands is read from the cluster before each step. So
it can be killed between any two commands. What it leaves then is a weight that is defined, with
pods behind it that were ready when it was set, and the next run goes on from there.
"""

import time
from collections.abc import Callable, Mapping

from istio.gate.api import ClusterError
from istio.gate.judge import Judge
from istio.gate.mesh import Mesh
from istio.gate.plan import ALL, Plan
from istio.gate.watch import Looks, Watch
from istio.gate.weights import NEW, OLD, Refused


class Aborted(Exception):
    """Raised when the new version has lost its weight, with the reason."""


class Rollout:
    """Moves the weight.

    Args:
        mesh: What is changed.
        plan: How.
        say: Takes the one line about each decision.
        clock: Seconds, monotonic.
        sleep: Lets seconds pass.
    """

    def __init__(
        self,
        mesh: Mesh,
        plan: Plan,
        *,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._mesh = mesh
        self._plan = plan
        self._say = say
        self._clock = clock
        self._sleep = sleep

    def run(self, judge: Judge, sources: Mapping[str, Looks]) -> None:
        """Go from where the roll-out stands to its end.

        Raises:
            Aborted: The new version is worse, or there is no evidence that it is not.
        """
        weight = self._mesh.weight()
        if self._plan.steps[-1] < weight < ALL:
            # Set by hand: whoever did so has not judged it.
            self.step(weight, judge, sources)
        for following in self._plan.steps:
            if following >= weight:
                self.step(following, judge, sources)
        self.promote()

    def step(self, weight: int, judge: Judge, sources: Mapping[str, Looks]) -> None:
        """Give the new version a weight, and judge it there.

        Raises:
            Aborted: It is worse, or there is no evidence that it is not.
        """
        self.move(weight)
        judge.begin_step()
        watch = Watch(self._mesh, self._plan, self._clock)
        for source in sources.values():
            source.look()
        while True:
            self._sleep(self._plan.look_seconds)
            try:
                watch.look(judge, sources)
            except ClusterError as error:
                if watch.blind_seconds() > self._plan.ready_seconds:
                    raise
                self._say(f"decision=wait weight={weight} error={error}")
                continue
            verdict, numbers = judge.verdict(), judge.numbers()
            fault = None if judge.is_blind else watch.fault(judge)
            if fault:
                self.abort(f"{fault}; {numbers}")
            if watch.is_over(verdict):
                self._say(f"decision=pass weight={weight} {numbers}")
                return
            self._say(f"decision=wait weight={weight} {numbers}")

    def move(self, weight: int) -> None:
        """Give the new version a weight, when there are pods for it.

        Raises:
            Aborted: They did not become ready.
        """
        before = self._mesh.weight()
        wanted = self._plan.replicas_for(weight)
        if not self._staff(NEW, wanted):
            crew = self._mesh.crew(NEW)
            self.abort(f"{crew.ready} of {wanted} pods became ready, restarts={crew.restarts}")
        if before != weight:
            self._mesh.set_weight(weight)
        self._say(f"decision=move weight={before}->{weight} replicas={wanted}")

    def promote(self) -> None:
        """Give the new version everything, and take the pods of the old one away.

        Raises:
            Aborted: Its pods did not become ready.
        """
        self.move(ALL)
        # What proxies have not heard of yet still comes to the old version, for a second or two.
        self._sleep(self._plan.look_seconds)
        self._mesh.scale(OLD, 0)
        self._say(f"decision=promote weight={ALL} replicas={self._plan.replicas_for(ALL)}")

    def abort(self, reason: str) -> None:
        """Take all weight from the new version.

        Raises:
            Aborted: Always, with the reason.
            Refused: There are no pods of the old version to give it to.
        """
        if self._has_moved_out() and not self._staff(OLD, self._plan.replicas_for(ALL)):
            crew = self._mesh.crew(OLD)
            if not crew.ready:
                raise Refused(f"version v1 has no pod that is ready to go back to; {reason}")
        self._mesh.set_weight(0)
        self._say(f"decision=abort weight=0 reason={reason}")
        self._sleep(self._plan.look_seconds)
        self._mesh.scale(NEW, self._plan.replicas_for(0))
        raise Aborted(reason)

    def _has_moved_out(self) -> bool:
        """Say whether the old version has nothing, and may have no pods any more."""
        try:
            return self._mesh.weight() == ALL
        except Refused:
            # Rules that differ: what abort is there to repair. If two objects fight, it refuses.
            return True

    def _staff(self, subset: str, replicas: int) -> bool:
        """See to it that a version has as many pods as it needs, and say whether it got them."""
        crew = self._mesh.crew(subset)
        if crew.wanted < replicas:
            self._say(f"decision=scale subset={subset} replicas={crew.wanted}->{replicas}")
            self._mesh.scale(subset, replicas)
        until = self._clock() + self._plan.ready_seconds
        most = crew.ready
        while True:
            try:
                ready = self._mesh.crew(subset).ready
                if ready >= replicas:
                    return True
                if ready > most:
                    most, until = ready, self._clock() + self._plan.ready_seconds
            except ClusterError as error:
                self._say(f"decision=wait error={error}")
            if self._clock() >= until:
                return False
            self._sleep(1.0)
