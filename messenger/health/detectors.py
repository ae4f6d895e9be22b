"""Which detectors look after a process: every one there is, unless it is left out by name."""

from collections.abc import Callable, Iterable, Sequence

from .deadlocks import DeadlockDetector
from .inflight import InFlight, LeakDetector
from .limits import Limits
from .pool import Pool, PoolsDetector
from .progress import Progress
from .stall import StallDetector
from .watchdog import Detector
from .worker_detector import WorkerDetector
from .workers import Worker

DETECTORS = frozenset({"deadlocks", "leaks", "pools", "stall", "workers"})
"""Every detector there is, by the name that leaves it out."""


def known(names: Iterable[str]) -> frozenset[str]:
    """Return `names`, each of which has to be one of `DETECTORS`.

    Raises:
        ValueError: There is no detector of one of these names.
    """
    names = frozenset(names)
    if unknown := names - DETECTORS:
        raise ValueError(f"no such detectors: {_listed(unknown)}; there are {_listed(DETECTORS)}")
    return names


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def chosen(
    names: Iterable[str],
    *,
    limits: Limits,
    progress: Progress,
    stall: StallDetector,
    deadlocks: DeadlockDetector,
    pools: Sequence[Pool],
    workers: Iterable[Worker],
    in_flight: InFlight,
    cancel: Callable[[Worker], None],
) -> list[Detector]:
    """Return the detectors of these names, a stall first since it explains the others.

    Args:
        names: Some of `DETECTORS`.
        limits: The numbers.
        progress: Whether the loop is late: then no worker is to blame.
        stall: Looks after the event loop.
        deadlocks: Looks after locks.
        pools: The pools to look after; may grow.
        workers: The workers to look after.
        in_flight: The requests to look after.
        cancel: Cancels a worker on its event loop.
    """

    def is_late() -> bool:
        return progress.lag_seconds >= limits.stall_suspect_seconds

    leaked_after = limits.request_deadline_seconds + limits.request_leak_seconds
    by_name: dict[str, list[Detector]] = {
        "stall": [stall],
        "deadlocks": [deadlocks],
        "pools": [PoolsDetector(pools, limits)],
        "workers": [
            WorkerDetector(each, limits, cancel=cancel, is_late=is_late) for each in workers
        ],
        "leaks": [
            LeakDetector(
                in_flight,
                after_seconds=leaked_after,
                concurrency_limit=limits.concurrency_limit,
            )
        ],
    }
    names = set(names)
    return [one for name, several in by_name.items() if name in names for one in several]
