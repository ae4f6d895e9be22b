"""A mesh in memory, and sources that say what they are told to."""

from collections.abc import Callable

from istio.gate.mesh import Crew
from istio.gate.windows import Answers, Window

GOOD = Window(Answers(90, 0, (90, 0)), Answers(10, 0, (10, 0)))
BAD = Window(Answers(90, 0, (90, 0)), Answers(10, 3, (10, 0)))


class Killed(Exception):
    """Raised in the place of a command: the gate has been killed before it."""


class FakeMesh:
    """Pods that are ready at once, a weight, and a clock; every command is remembered.

    Args:
        is_ready: Whether new pods of version 2.0 become ready.
        lives: How many commands there are until the gate is killed.
        start_seconds: How long each new pod takes, one after the other.
    """

    def __init__(
        self,
        weight: int = 0,
        *,
        is_ready: bool = True,
        lives: int = 1000,
        old: int = 5,
        start_seconds: float = 0,
    ) -> None:
        self.share = weight
        self.replicas = {"v1": old, "v2": 2}
        self.restarts = 0
        self.is_ready = is_ready
        self.lives = lives
        self.start_seconds = start_seconds
        self.starts: list[float] = []
        self.now = 0.0
        self.commands: list[str] = []

    def weight(self) -> int:
        """Return the weight of the new version."""
        return self.share

    def set_weight(self, weight: int) -> None:
        """Take a weight."""
        self._command(f"weight {weight}")
        self.share = weight

    def crew(self, subset: str) -> Crew:
        """Return the pods of a version."""
        wanted = self.replicas[subset]
        ready = wanted if self.is_ready or subset == "v1" else 1
        ready -= sum(self.now < start for start in self.starts)
        return Crew(wanted, ready, self.restarts if subset == "v2" else 0)

    def scale(self, subset: str, replicas: int) -> None:
        """Have so many pods at once."""
        self._command(f"{subset} {replicas}")
        new = range(1, 1 + replicas - self.replicas[subset])
        self.starts = [self.now + self.start_seconds * n for n in new]
        self.replicas[subset] = replicas

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def clock(self) -> float:
        """Return the time."""
        return self.now

    def is_served(self) -> bool:
        """Say whether every version that has weight has the pods for it."""
        needed = {"v1": self.share < 100, "v2": self.share > 0}
        return all(self.crew(name).ready > 0 for name, is_needed in needed.items() if is_needed)

    def _command(self, text: str) -> None:
        if self.lives == 0:
            raise Killed(text)
        self.lives -= 1
        self.commands.append(text)


class FakeSource:
    """Says the same at every look.

    Args:
        window: What it says.
        then: Is called at each look.
    """

    def __init__(self, window: Window, then: Callable[[], object] = bool) -> None:
        self._window = window
        self._then = then

    def look(self) -> Window:
        """Return the window."""
        self._then()
        return self._window
