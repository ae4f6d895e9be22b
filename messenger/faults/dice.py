"""Seeded dice that draw what happens to the next call, and the faults in force at the time."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite, log
from typing import Literal

from messenger.faults.grammar import Fault, FaultSyntaxError, parse

GARBAGE = (
    b"<html><body>Welcome to the captive portal</body></html>",
    b'{"entries": [{"id": "ali',
    b'[["this", "is"], {"not": "what was asked for"}]',
    b"\xff\xfe\x00\x01",
)
"""Bodies that are not what was asked for: no JSON, half of one, another shape, not even text."""

_Z99 = 2.3263478740408408
"""Where the standard normal distribution has left 99 % behind; written down, since importing
`statistics` for it would be felt in the start of the service and of its mocks."""

Ending = Literal["error", "hang", "reset", "garbage"]
"""How a call ends instead of being answered."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens to one call; nothing, as it stands by default."""

    delay_seconds: float = 0.0
    """How long the call waits before anything else happens to it."""

    rest_seconds: float = 0.0
    """How long all but the first byte of the answer's body is held back."""

    ending: Ending | None = None
    """What replaces the answer; None if the call is answered as usual."""

    status: int = 200
    """The HTTP status, if the ending is an `error`."""

    body: bytes = b""
    """The body, if the ending is `garbage`."""


NO_EFFECT = Effect()
"""The effect of most calls, shared by them."""


class _Die:
    """One fault with a random sequence of its own."""

    def __init__(self, fault: Fault, seed: str) -> None:
        self.fault = fault
        self.random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._calls = 0

    def strikes(self) -> bool:
        """Roll for the next call."""
        if self.fault.kind == "fail-next":
            self._calls += 1
            return self._calls <= self.fault.count
        return self.random.random() < self.fault.rate

    def seconds(self) -> float:
        """Draw how long a call that was struck is delayed."""
        median, p99 = self.fault.seconds, self.fault.p99_seconds
        if p99 is None:
            return median
        return self.random.lognormvariate(log(median), log(p99 / median) / _Z99)


class Dice:
    """The dice of a list of faults.

    Args:
        faults: What can happen; of several endings drawn at once the first listed one counts.
        seed: The same seed and faults give the same sequence; None gives another one each time.
    """

    def __init__(self, faults: Iterable[Fault], seed: int | str | None = None) -> None:
        chosen = random.SystemRandom().getrandbits(64) if seed is None else seed
        twins: Counter[str] = Counter()
        self._dice: list[_Die] = []
        for fault in faults:
            # A die is seeded by its own text: what stands beside it must not change its sequence.
            self._dice.append(_Die(fault, f"{chosen}/{fault.text}/{twins[fault.text]}"))
            twins[fault.text] += 1

    def draw(self) -> Effect:
        """Draw what happens to the next call."""
        # All dice roll every time, whatever the others show, for the same reason.
        struck = [die for die in self._dice if die.strikes()]
        if not struck:
            return NO_EFFECT
        delay_seconds = rest_seconds = 0.0
        endings: list[Effect] = []
        for die in struck:
            match die.fault.kind:
                case "latency":
                    delay_seconds += die.seconds()
                case "slow-body":
                    rest_seconds += die.seconds()
                case "error" | "fail-next":
                    endings.append(Effect(ending="error", status=die.fault.status))
                case "garbage":
                    endings.append(Effect(ending="garbage", body=die.random.choice(GARBAGE)))
                case "hang" | "reset" as ending:
                    endings.append(Effect(ending=ending))
        first = endings[0] if endings else NO_EFFECT
        return Effect(delay_seconds, rest_seconds, first.ending, first.status, first.body)


class Faults:
    """The faults in force: those that stand, and those that pass by themselves.

    Args:
        standing: The faults in force from the start, until others are set.
        seed: See :class:`Dice`.
        clock: Seconds since some point in the past; never steps back.
    """

    def __init__(
        self,
        standing: tuple[Fault, ...] = (),
        *,
        seed: int | str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seed = seed
        self._clock = clock
        self._standing = standing
        self._standing_dice = Dice(standing, seed)
        self._passing: tuple[Fault, ...] = ()
        self._passing_dice: Dice | None = None
        self._passes_at = 0.0

    def set(self, text: str, ttl_seconds: float | None = None) -> None:
        """Put the faults of `text` in force instead of those that are.

        Args:
            text: A list of faults.
            ttl_seconds: When they pass and the standing ones return; None if these now stand.

        Raises:
            FaultSyntaxError: if `text` is no list of faults, or the time is not above zero.
        """
        faults = parse(text)
        if ttl_seconds is None:
            self._standing, self._standing_dice = faults, Dice(faults, self._seed)
            self._passing_dice = None
            return
        if not (isfinite(ttl_seconds) and ttl_seconds > 0):
            raise FaultSyntaxError(f"ttl_seconds is {ttl_seconds}; allowed: a number above zero")
        self._passing, self._passing_dice = faults, Dice(faults, self._seed)
        self._passes_at = self._clock() + ttl_seconds

    def clear(self) -> None:
        """Put no fault in force, and let none return."""
        self.set("")

    def describe(self) -> dict[str, object]:
        """Say which faults are in force, and for how many seconds yet; None if they stand."""
        is_passing = self._current() is self._passing_dice
        faults = self._passing if is_passing else self._standing
        left = round(self._passes_at - self._clock(), 3) if is_passing else None
        return {"faults": ",".join(fault.text for fault in faults), "ttl_seconds": left}

    def draw(self) -> Effect:
        """Draw what happens to the next call."""
        return self._current().draw()

    def _current(self) -> Dice:
        """Return the dice in force, after forgetting those that have passed."""
        if self._passing_dice is None:
            return self._standing_dice
        if self._clock() >= self._passes_at:
            self._passing_dice = None
            return self._standing_dice
        return self._passing_dice
