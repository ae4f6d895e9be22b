"""Which detectors look: all of them, unless one is left out."""

import time

import pytest

from messenger.health import Limits
from messenger.health.deadlocks import DeadlockDetector
from messenger.health.detectors import DETECTORS, chosen
from messenger.health.inflight import InFlight, LeakDetector
from messenger.health.lifecycle import Lifecycle
from messenger.health.pool import Pool, PoolsDetector
from messenger.health.progress import Progress
from messenger.health.stall import StallDetector
from messenger.health.watchdog import Detector
from messenger.health.worker_detector import WorkerDetector
from messenger.health.workers import Beat, Worker

from .clock import FakeClock
from .test_routes import other

KINDS: dict[str, type[Detector]] = {
    "deadlocks": DeadlockDetector,
    "leaks": LeakDetector,
    "pools": PoolsDetector,
    "stall": StallDetector,
    "workers": WorkerDetector,
}


async def idle(_: Beat) -> None:
    """Do nothing."""
    raise AssertionError


def detectors(names: frozenset[str], progress: Progress | None = None) -> list[Detector]:
    """Return the detectors of these names."""
    progress = progress or Progress(FakeClock())
    limits = Limits()
    pool = Pool("render", 1)
    pool.close()
    return chosen(
        names,
        limits=limits,
        progress=progress,
        stall=StallDetector(progress, limits),
        deadlocks=DeadlockDetector(limits, lambda _: ()),
        pools=[pool],
        workers=[Worker("refresh", idle, 30)],
        in_flight=InFlight(other, lifecycle=Lifecycle(), progress=progress, now=time.monotonic),
        cancel=lambda _: None,
    )


def test_all_of_them_look_and_the_stall_comes_first() -> None:
    """It explains the others."""
    found = detectors(DETECTORS)

    assert {type(one) for one in found} == set(KINDS.values())
    assert isinstance(found[0], StallDetector)
    assert set(KINDS) == DETECTORS


@pytest.mark.parametrize("name", sorted(DETECTORS))
def test_each_can_be_left_out(name: str) -> None:
    """By its name, and only that one."""
    found = {type(one) for one in detectors(DETECTORS - {name})}

    assert found == set(KINDS.values()) - {KINDS[name]}


def test_a_late_loop_protects_its_workers() -> None:
    """The detector of workers is told of it."""
    progress = Progress(FakeClock())
    progress.observe(2, 1)
    (detector,) = detectors(frozenset({"workers"}), progress)

    assert list(detector.look(3600)) == []
