"""CORRECT, SUSPECT or BROKEN: evidence in, one verdict with its reason out.

A proof (a cycle of waits, an orphaned lock, a spent restart budget) is latched: what was proven
once cannot heal, and a probe that asks later must hear the same. A stall is an observation: the
verdict is taken back as soon as the loop moves again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How much a piece of evidence weighs."""

    NOTICE = 0
    """Worth showing, breaks up by itself: a cycle of waits that have a time-out, a pool in slow
    I/O."""
    SUSPECT = 1
    """Below its limit: liveness stays 200 with a warning."""
    BROKEN = 2
    """The process cannot recover by itself."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one detector saw in one look."""

    check: str
    """The check that shows it, such as `locks:waitcycle`."""
    cause: str
    """The reason code, such as `deadlock-threads`; a label of `health_broken`."""
    level: Level
    headline: str
    """What it is in capitals and for how long, such as `DEADLOCK ... after 3.1s`."""
    explanation: str
    """The one line that has to survive: who waits for whom, where, since when."""
    stacks: tuple[str, ...] = ()
    """Stacks of those involved, one line each, most important last."""
    latched: bool = False
    """Whether this is a proof, which stays."""
    key: tuple[object, ...] = ()
    """What makes it the same piece of evidence in two looks."""

    @property
    def is_broken(self) -> bool:
        """Whether it says that the process cannot recover by itself."""
        return self.level is Level.BROKEN


@dataclass(frozen=True, slots=True)
class Change:
    """What a look changed: each list holds only what is new in this look."""

    broken: tuple[Evidence, ...]
    suspected: tuple[Evidence, ...]
    recovered: tuple[Evidence, ...]


class Verdict:
    """Weighs the evidence of each look; written by the watchdog only, read by any thread."""

    def __init__(self) -> None:
        self._latched: dict[tuple[object, ...], Evidence] = {}
        self._previous: dict[tuple[object, ...], Evidence] = {}
        self.evidence: tuple[Evidence, ...] = ()
        """All that holds now, the proven first; replaced as a whole, so a reader needs no lock."""
        self.broken_since: float | None = None
        """The tick time at which the process became broken, or None."""
        self.broken_total: dict[str, int] = {}
        """How often each cause broke the process, for the metrics."""

    def weigh(self, found: Iterable[Evidence], now: float) -> Change:
        """Take in what the detectors found at tick time `now` and say what is new."""
        current = {(item.check, item.cause, *item.key): item for item in found}
        for key, item in current.items():
            if item.latched and item.level is Level.BROKEN:
                self._latched.setdefault(key, item)
        current |= self._latched
        change = Change(
            broken=self._risen(current, Level.BROKEN),
            suspected=self._risen(current, Level.SUSPECT),
            recovered=tuple(
                item
                for key, item in self._previous.items()
                if item.is_broken and (key not in current or current[key].level is not Level.BROKEN)
            ),
        )
        for item in change.broken:
            self.broken_total[item.cause] = self.broken_total.get(item.cause, 0) + 1
        self._previous = current
        self.evidence = tuple(sorted(current.values(), key=_proven_first))
        if not self.is_broken:
            self.broken_since = None
        elif self.broken_since is None:
            self.broken_since = now
        return change

    def _risen(
        self, current: dict[tuple[object, ...], Evidence], level: Level
    ) -> tuple[Evidence, ...]:
        return tuple(
            item
            for key, item in current.items()
            if item.level is level
            and (key not in self._previous or self._previous[key].level < level)
        )

    @property
    def level(self) -> Level:
        """The heaviest level that holds now."""
        return max((item.level for item in self.evidence), default=Level.NOTICE)

    @property
    def is_broken(self) -> bool:
        """Whether the process cannot recover by itself."""
        return self.level is Level.BROKEN


def _proven_first(item: Evidence) -> tuple[int, bool]:
    return (-item.level, not item.latched)
