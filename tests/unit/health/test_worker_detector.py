"""What makes a worker suspect and what makes it hopeless."""

import asyncio

import pytest

from messenger.health import Limits
from messenger.health.verdict import Evidence
from messenger.health.worker_detector import WorkerDetector, worker_place
from messenger.health.workers import Beat, Worker

from .parties import kinds, line


async def idle(_: Beat) -> None:
    """Wait for ever."""
    await asyncio.Event().wait()  # idles


class Watch:
    """A worker, looked at twenty times a second."""

    def __init__(self, deadline_seconds: float = 30) -> None:
        self.now = 0.0
        self.is_late = False
        self.cancelled: list[float] = []
        self.worker = Worker("refresh", idle, deadline_seconds)
        self.detector = WorkerDetector(
            self.worker,
            Limits(),
            cancel=lambda _: self.cancelled.append(round(self.now, 2)),
            is_late=lambda: self.is_late,
        )

    def run(self) -> None:
        """Have it run."""
        self.worker.task = asyncio.get_running_loop().create_task(idle(self.worker.beat))

    async def stop(self) -> None:
        """Have it end."""
        assert self.worker.task is not None
        self.worker.task.cancel()
        await asyncio.wait({self.worker.task})

    def after(self, seconds: float) -> list[Evidence]:
        """Look for `seconds` and return what the last look saw."""
        found: list[Evidence] = []
        for _ in range(round(seconds / 0.05)):
            self.now += 0.05
            found = list(self.detector.look(self.now))
        return found


async def test_a_silent_worker_is_cancelled_once_and_then_hopeless() -> None:
    """At its own deadline, and five seconds later if it does not end."""
    watch = Watch(30)
    watch.run()
    await asyncio.sleep(0)

    assert watch.after(29.9) == []
    assert kinds(watch.after(1)) == [("worker-hung", "SUSPECT")]
    assert kinds(watch.after(4)) == [("worker-hung", "SUSPECT")]
    (found,) = watch.after(1)
    assert kinds([found]) == [("worker-hung", "BROKEN")]
    assert not found.latched
    assert found.headline == "WORKER refresh silent for 36s"
    assert line("idles", __file__) in found.explanation
    assert len(watch.cancelled) == 1
    assert watch.cancelled[0] == pytest.approx(30.1, abs=0.11)
    await watch.stop()


async def test_a_worker_that_ends_in_time_is_only_suspect() -> None:
    """The control: its end clears the silence."""
    watch = Watch(30)
    watch.run()
    await asyncio.sleep(0)
    assert kinds(watch.after(31)) == [("worker-hung", "SUSPECT")]
    await watch.stop()

    assert watch.after(60) == []


async def test_a_worker_that_beats_is_never_silent() -> None:
    """However long it runs."""
    watch = Watch(30)
    watch.run()
    for _ in range(20):
        watch.worker.beat()
        assert watch.after(25) == []

    assert watch.cancelled == []
    await watch.stop()


async def test_a_worker_that_waits_for_another_service_is_not_silent() -> None:
    """A downstream that takes ten minutes is slow, and that is not the worker's fault."""
    watch = Watch(30)
    watch.run()
    with watch.worker.beat.waiting():
        assert watch.after(600) == []
    assert watch.after(29) == []

    assert kinds(watch.after(2)) == [("worker-hung", "SUSPECT")]
    await watch.stop()


async def test_a_late_loop_is_not_held_against_its_workers() -> None:
    """Who cannot run cannot beat."""
    watch = Watch(30)
    watch.run()
    watch.is_late = True

    assert watch.after(600) == []
    await watch.stop()


async def test_a_worker_is_not_hopeless_while_the_loop_is_late() -> None:
    """Who cannot run cannot honour a cancellation either."""
    watch = Watch(30)
    watch.run()
    watch.after(31)
    watch.is_late = True
    late = watch.after(60)
    watch.is_late = False

    assert kinds(late) == [("worker-hung", "SUSPECT")]
    assert kinds(watch.after(3)) == [("worker-hung", "SUSPECT")]
    assert kinds(watch.after(2)) == [("worker-hung", "BROKEN")]
    await watch.stop()


async def test_a_hopeless_worker_that_works_on_after_all_is_well() -> None:
    """Silence is no proof: like a stall it is over when there is progress."""
    watch = Watch(30)
    watch.run()
    await asyncio.sleep(0)
    assert kinds(watch.after(37)) == [("worker-hung", "BROKEN")]
    watch.worker.beat()

    assert watch.after(1) == []
    await watch.stop()


async def test_a_worker_that_swallowed_its_cancellation_and_works_on_begins_anew() -> None:
    """The next silence is cancelled again, and not broken at once."""
    watch = Watch(30)
    watch.run()
    watch.after(31)
    watch.worker.beat()
    assert watch.after(29) == []
    found = watch.after(2)

    assert kinds(found) == [("worker-hung", "SUSPECT")]
    assert len(watch.cancelled) == 2
    await watch.stop()


@pytest.mark.parametrize(
    ("deaths", "expected"),
    [
        (0, []),
        (1, [("worker-crash-loop", "SUSPECT")]),
        (5, [("worker-crash-loop", "SUSPECT")]),
        (6, [("worker-crash-loop", "BROKEN")]),
    ],
)
def test_deaths_within_a_minute_are_counted(deaths: int, expected: list[tuple[str, str]]) -> None:
    """Five are bad luck, six are not."""
    watch = Watch()
    watch.after(1)
    watch.worker.deaths.extend([1.0] * deaths)
    watch.worker.last_cause = "raised LookupError"
    found = watch.after(1)

    assert kinds(found) == expected
    assert all(item.latched is item.is_broken for item in found)
    assert all("worker refresh raised LookupError, " in item.explanation for item in found)


def test_deaths_are_forgotten_after_a_minute() -> None:
    """So that one a day never adds up."""
    watch = Watch()
    watch.after(1)
    watch.worker.deaths.extend([1.0] * 5)
    assert kinds(watch.after(59)) == [("worker-crash-loop", "SUSPECT")]

    assert watch.after(2) == []
    assert not watch.worker.deaths


def test_a_worker_that_never_ran_is_nowhere() -> None:
    """Its place is unknown, and that is no error."""
    assert worker_place(Worker("refresh", idle, 30)) == "?"
