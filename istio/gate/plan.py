"""How a roll-out goes: the steps, and how patient it is."""

import math
from dataclasses import dataclass

ALL = 100
"""All the weight, in per cent."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a roll-out goes."""

    steps: tuple[int, ...] = (10, 25, 50)
    """The weights at which the new version is judged; after the last it gets everything.

    None is above 50: the judge needs as many answers of the old version as of the new one."""

    pause_seconds: float = 60.0
    """How long each takes at least: twenty windows."""

    patience: float = 3.0
    """How many pauses a step may take until there is evidence enough."""

    look_seconds: float = 3.0
    """Time between two looks."""

    ready_seconds: float = 50.0
    """How long may pass until one more pod is ready: 25 s by the probes, as much again for a busy
    node, and with the way back still within a minute. Counted anew with each, as Kubernetes counts
    `progressDeadlineSeconds`: five that start on few cores take longer than one."""

    unready_seconds: float = 20.0
    """How long a pod of the new version may be missing in a step: longer than one start takes."""

    replicas: int = 5
    """What a version needs that has all the weight: the article's number."""

    restarts: int = 2
    """How often containers of the new version may start again before that is its fault."""

    def replicas_for(self, weight: int) -> int:
        """Return what a version needs for its weight; two in any case, since one may be lost."""
        return max(2, math.ceil(self.replicas * weight / ALL))
