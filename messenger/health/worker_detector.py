"""Finds workers that die too often, or hang and do not honour their cancellation."""

from collections.abc import Callable, Iterator

from .limits import Limits
from .report import task_stack
from .verdict import Evidence, Level
from .workers import Worker


class WorkerDetector:
    """Finds workers that die too often or hang.

    Args:
        worker: The worker.
        limits: How many deaths are too many, and how long a cancellation may take.
        cancel: Cancels the worker on its event loop; called in the watchdog's thread.
        is_late: Whether the event loop itself is late: its workers are not to blame then.
    """

    is_urgent = False

    def __init__(
        self,
        worker: Worker,
        limits: Limits,
        *,
        cancel: Callable[[Worker], None],
        is_late: Callable[[], bool],
    ) -> None:
        self._worker = worker
        self._limits = limits
        self._cancel = cancel
        self._is_late = is_late
        self._seen = -1
        self._last = 0.0

    def look(self, now: float) -> Iterator[Evidence]:
        """Yield evidence against the worker at tick time `now`."""
        self._age(now)
        worker, limits = self._worker, self._limits
        while worker.deaths and worker.deaths[0] < now - limits.worker_window_seconds:
            worker.deaths.popleft()
        if worker.deaths:
            yield self._crashing(len(worker.deaths))
        if worker.silent_seconds > worker.deadline_seconds:
            if worker.cancelled_at is None:
                worker.cancelled_at = now
                self._cancel(worker)
            yield self._hanging(now - worker.cancelled_at)

    def _age(self, now: float) -> None:
        worker = self._worker
        tick, self._last = now - self._last, now
        is_resting = worker.task is None or worker.task.done() or worker.beat.waits > 0
        if worker.beat.count != self._seen or is_resting:
            self._seen = worker.beat.count
            worker.silent_seconds = 0.0
            worker.cancelled_at = None
        elif not self._is_late():
            worker.silent_seconds += tick
        elif worker.cancelled_at is not None:
            worker.cancelled_at += tick  # nor can anybody honour a cancellation meanwhile

    def _crashing(self, deaths: int) -> Evidence:
        worker = self._worker
        broken = deaths > self._limits.worker_restarts
        return Evidence(
            check=f"worker:{worker.name}",
            cause="worker-crash-loop",
            level=Level.BROKEN if broken else Level.SUSPECT,
            headline=f"WORKER {worker.name} died {deaths} times",
            explanation=f"worker {worker.name} {worker.last_cause}, {deaths} times in"
            f" {self._limits.worker_window_seconds:g}s, of {self._limits.worker_restarts} allowed",
            latched=broken,
        )

    def _hanging(self, since_cancel: float) -> Evidence:
        worker = self._worker
        broken = since_cancel > self._limits.worker_cancel_seconds
        return Evidence(
            check=f"worker:{worker.name}",
            cause="worker-hung",
            level=Level.BROKEN if broken else Level.SUSPECT,
            headline=f"WORKER {worker.name} silent for {worker.silent_seconds:.0f}s",
            explanation=f"worker {worker.name} is silent beyond its {worker.deadline_seconds:g}s"
            f" and was cancelled {since_cancel:.1f}s ago"
            f" at {worker_place(worker)}",
        )


def worker_place(worker: Worker) -> str:
    """Return the innermost line of a worker's run."""
    lines = task_stack(worker.task) if worker.task is not None else ()
    return lines[-1] if lines else "?"
