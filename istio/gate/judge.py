"""The judge: evidence in, one verdict out, with the numbers it rests on."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from istio.gate.betting import Wealth, error_gain, latency_gain
from istio.gate.windows import Answers, Window, quantile

WINDOW_SECONDS = 3.0
"""How much is judged at once: longer than most bursts of errors last, so that a window does not
say what the next one will; and twenty of them are a minute, in which a bad version has to go."""

FALSE_ABORTS = 0.008
"""The share of good versions that may be aborted, over a whole roll-out. Less than 1 %."""

SUSPICION = 4.0
"""The wealth at which a step is not over yet, however long it has taken."""


class Kind(StrEnum):
    """What a version can be worse in."""

    ERRORS = "errors"
    LATENCY = "latency"


class Verdict(StrEnum):
    """What is to be done."""

    WAIT = "wait"
    GO_ON = "go on"
    ABORT = "abort"


@dataclass
class View:
    """How the two versions look from one side, such as the callers'.

    Attributes:
        bounds: Upper bounds of its buckets of latency, in seconds.
    """

    bounds: Sequence[float]
    pending: Window = field(default_factory=Window)
    """What has not been judged yet."""

    seconds: float = 0.0
    """How long that took."""

    seen: Window = field(default_factory=Window)
    """All of this step."""

    wealth: dict[Kind, Wealth] = field(default_factory=lambda: {kind: Wealth() for kind in Kind})


class Judge:
    """Judges the new version against the old one, window by window.

    Args:
        bounds: The views there are, and the upper bounds of the buckets of latency in each.
        least: How many answers of the new version a step needs, in each view that has any.
        is_blind: Whether it sees nothing: a control, which lets the worst version through.
        dice: For drawing answers by lot.
    """

    def __init__(
        self,
        bounds: Mapping[str, Sequence[float]],
        *,
        least: int = 60,
        is_blind: bool = False,
        dice: random.Random,
    ) -> None:
        self._views = {name: View(each) for name, each in bounds.items()}
        self._least = least
        self.is_blind = is_blind
        self._dice = dice
        self.limit = len(Kind) / FALSE_ABORTS
        """The wealth that convinces: errors and latency share the chance of a false abort."""

    def begin_step(self) -> None:
        """Count anew what a step has seen; what has been won is kept."""
        for view in self._views.values():
            view.seen = Window()

    def look(self, name: str, window: Window, seconds: float) -> None:
        """Take what one view has seen in the last seconds."""
        view = self._views[name]
        view.pending += window
        view.seen += window
        view.seconds += seconds
        if view.seconds < WINDOW_SECONDS:
            return
        view.wealth[Kind.ERRORS].settle(error_gain(view.pending, self._dice))
        view.wealth[Kind.LATENCY].settle(latency_gain(view.pending, view.bounds))
        view.pending, view.seconds = Window(), 0.0

    def verdict(self) -> Verdict:
        """Return what is to be done by what has been seen so far."""
        if self.is_blind:
            return Verdict.GO_ON
        if self.evidence >= self.limit:
            return Verdict.ABORT
        is_clear = self.has_seen_enough and self.evidence < SUSPICION
        return Verdict.GO_ON if is_clear else Verdict.WAIT

    @property
    def has_seen_enough(self) -> bool:
        """Whether the new version answered often enough, in every view that sees the old one."""
        views = [view.seen for view in self._views.values() if view.seen.old.total]
        return bool(views) and all(seen.new.total >= self._least for seen in views)

    @property
    def evidence(self) -> float:
        """What is known against the new version: the worse of errors and latency."""
        return max(self._evidence(kind) for kind in Kind)

    def _evidence(self, kind: Kind) -> float:
        """Return the mean over all views, which is the wealth of who bets on each with a part."""
        return sum(view.wealth[kind].value for view in self._views.values()) / len(self._views)

    def numbers(self) -> str:
        """Return what a decision rests on, for the one line about it."""
        views = " ".join(
            f"{name}: errors={_errors(view.seen.old)}->{_errors(view.seen.new)} "
            f"p50={_median(view, view.seen.old)}->{_median(view, view.seen.new)}"
            for name, view in self._views.items()
        )
        evidence = " ".join(f"{kind}={self._evidence(kind):.3g}" for kind in Kind)
        return f"{views} evidence: {evidence} of {self.limit:g}"


def _errors(answers: Answers) -> str:
    return f"{answers.errors}/{answers.total}"


def _median(view: View, answers: Answers) -> str:
    if not sum(answers.latencies):
        return "?"
    return f"<={quantile(answers.latencies, view.bounds, 0.5) * 1000:g}ms"
