"""What an application builds and adds to; composition only."""

import asyncio
import concurrent.futures
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .checks import Finding, Sampled
from .deadlocks import DeadlockDetector
from .delivery import Delivery
from .departure import Departure
from .detectors import DETECTORS, chosen, known
from .drain import Drain
from .flushes import Flushes
from .giltimer import GilTimer
from .history import History
from .inflight import InFlight
from .journal import Journal
from .lifecycle import Lifecycle, State
from .limits import Limits
from .pool import Pool
from .probes import Identity, Probes
from .progress import Progress
from .readings import Readings
from .stall import StallDetector
from .termination import TerminationLog
from .ticks import TickClock
from .verdict import Verdict
from .warmup import Gate, WarmUp
from .watchdog import Watchdog
from .workers import Beat, Worker, Workers


class Health:
    """The health of one process.

    Args:
        service: The service's name.
        release: The service's version.
        instance: The pod's name.
        limits: The numbers.
        termination_log: The file that the kubelet reads when the container ends; None is nowhere.
        debug_token: What opens stacks in `?verbose`; None opens them to nobody.
        responder: Whether a thread answers probes while the loop is late.
        signal_thread: Whether signals are heard while the loop is stuck.
        gil_timer: Whether stacks are left behind when the GIL is held; it takes SIGALRM.
        detectors: What is looked for; each can be left out. ValueError for one that is not there.
        clock: The monotonic clock, in seconds.
        wall_clock: The time of day, for people only.
        dice: Where jitter comes from.
    """

    def __init__(
        self,
        *,
        service: str = "app",
        release: str = "0",
        instance: str = "",
        limits: Limits | None = None,
        termination_log: Path | None = Path("/dev/termination-log"),
        debug_token: str | None = None,
        responder: bool = True,
        signal_thread: bool = True,
        gil_timer: bool = True,
        detectors: Iterable[str] = DETECTORS,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        dice: random.Random | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.uses_responder = responder
        self.uses_signal_thread = signal_thread
        self._uses_gil_timer = gil_timer
        self._detectors = known(detectors)
        dice = dice or random.Random()  # noqa: S311 - jitter, not a secret
        identity = Identity(service, release, instance)
        self.journal = Journal()
        self.ticks = TickClock(clock)
        self.progress = Progress(clock)
        self.lifecycle = Lifecycle(wall_clock)
        self.lifecycle.listen(self.journal.note_transition)
        self.verdict = Verdict()
        self.drain = Drain(self.limits, clock)
        self.warm_up = WarmUp(
            budget_seconds=self.limits.warmup_budget_seconds,
            fail_closed=self.limits.warmup_fail_closed,
            now=self._now,
            dice=dice,
            on_failure=self.journal.note_gate_failure,
        )
        self.workers = Workers(now=self._now, journal=self.journal, dice=dice)
        self.pools: list[Pool] = []
        self.history = History(wall_clock)
        self._termination_log = TerminationLog(termination_log)
        self.departure = Departure(
            limits=self.limits,
            lifecycle=self.lifecycle,
            verdict=self.verdict,
            progress=self.progress,
            drain=self.drain,
            delivery=lambda: self._delivery,
        )
        self._delivery = Delivery(
            identity,
            verdict=self.verdict,
            journal=self.journal,
            termination_log=self._termination_log,
            action=lambda: self.departure.action,
            wall_clock=wall_clock,
        )
        self._deadlocks = DeadlockDetector(self.limits, self._deliverers)
        self._stall = StallDetector(self.progress, self.limits)
        self.readings = Readings(
            limits=self.limits,
            lifecycle=self.lifecycle,
            progress=self.progress,
            verdict=self.verdict,
            warm_up=self.warm_up,
            pools=self.pools,
            workers=self.workers,
            deadlocks=self._deadlocks,
            ticks=self.ticks,
            looked_at=lambda: None if self._watchdog is None else self._watchdog.looked_at,
            clock=clock,
        )
        self.probes = Probes(
            identity,
            lifecycle=self.lifecycle,
            checks=self.readings.checks,
            notes=self.readings.notes,
            waits=self.readings.long_waits,
            debug=self.readings.debug,
            history=self.history,
            debug_token=debug_token,
            wall_clock=wall_clock,
        )
        self.flushes = Flushes(self.journal)
        self._watchdog: Watchdog | None = None
        self._draining = asyncio.Event()
        self.in_flight: InFlight | None = None
        """The requests; set by the server."""
        self.responder_answers: dict[int, int] = {}
        """How many answers of each code the responder thread gave."""

    # What an application adds.

    def add_gate(
        self, name: str, run: Callable[[Gate], Awaitable[None]], *, required: bool = False
    ) -> None:
        """Add a warm-up gate: the pod takes traffic when every gate has settled.

        Make it `required` only if it states a local fact. Anything that other replicas share must
        be best effort, or one outage during one roll-out leaves no pods at all.

        Args:
            name: Its name, such as `cache:accounts`.
            run: Opens it by returning; what it raises is retried within the budget. It reports how
                far it is by `gate.progress(done, total)`.
            required: Whether the pod stays unready until it has passed, however long that takes.
        """
        self.warm_up.add(name, run, required=required)

    def add_check(self, name: str, read: Callable[[], Finding]) -> None:
        """Add something that people should see and no probe may act on.

        `read` runs on the event loop once a second and must be cheap. A downstream that fails is
        such a thing: turning readiness red for it would take every replica away at once.

        Raises:
            ValueError: The name is taken, or is of the form of those of pools, gates and workers.
        """
        sampled = Sampled(name, read, now=self._now, on_crash=self.journal.note_crash)
        self.readings.add(sampled)

    def add_worker(
        self,
        name: str,
        run: Callable[[Beat], Awaitable[None]],
        *,
        deadline_seconds: float = 30.0,
    ) -> Worker:
        """Add background work that must go on for as long as the process lives.

        Args:
            name: Its name, such as `directory-refresh`.
            run: Works until it is cancelled, calling `beat()` at least every `deadline_seconds`.
            deadline_seconds: After which silence it is cancelled and started again; at least 30 in
                production, since a busy loop delays everybody.
        """
        return self.workers.add(name, run, deadline_seconds)

    def add_pool(self, name: str, workers: int) -> Pool:
        """Return a thread pool that is watched for starvation."""
        pool = Pool(name, workers)
        self.pools.append(pool)
        return pool

    def on_flush(self, flush: Callable[[], Awaitable[None]]) -> None:
        """Call `flush` when the last request has been answered; at most 3 s for all of them."""
        self.flushes.add(flush)

    async def until_draining(self) -> None:
        """Return when the process is asked to leave; for streams and consumers."""
        await self._draining.wait()

    # What the server calls.

    def start(self, in_flight: InFlight, after_look: Callable[[], None]) -> None:
        """Start watching; called on the event loop when the port is bound."""
        self.in_flight = in_flight
        self._deadlocks.loop_thread = self._stall.loop_thread = threading.current_thread()
        self.journal.start()
        if self.workers.all:
            self.add_gate("workers", self.workers.first_beats, required=True)
        self.workers.start()

        def look() -> None:
            self.departure.look(self.ticks.now)
            after_look()

        self._watchdog = Watchdog(
            ticks=self.ticks,
            progress=self.progress,
            limits=self.limits,
            verdict=self.verdict,
            delivery=self._delivery,
            detectors=chosen(
                self._detectors,
                limits=self.limits,
                progress=self.progress,
                stall=self._stall,
                deadlocks=self._deadlocks,
                pools=self.pools,
                workers=self.workers.all,
                in_flight=in_flight,
                cancel=self.workers.cancel,
            ),
            gil_timer=GilTimer.onto(self._termination_log) if self._uses_gil_timer else None,
            after_look=look,
            journal=self.journal,
        )
        self._watchdog.start()

    async def warm(self) -> None:
        """Run the warm-up and become SERVING when every gate has settled."""
        await self.warm_up.run()
        self.lifecycle.move(State.SERVING, "every gate has settled")

    def sample(self) -> None:
        """Sample the application's checks; called on the event loop once a second."""
        for sampled in self.readings.sampled:
            sampled.sample()

    def tell_draining(self) -> None:
        """Tell streams and workers that the process leaves; called on the event loop."""
        self._draining.set()
        self.workers.tell_to_stop()
        if self.in_flight is not None:
            self.in_flight.end_streams()

    def stop(self) -> None:
        """End the threads; the last thing that happens. Pools that are busy are not waited for."""
        for pool in self.pools:
            pool.close()
        if self._watchdog is not None:
            self._watchdog.stop()
        self.journal.close()

    # What the parts need of each other.

    def _now(self) -> float:
        return self.ticks.now

    def _deliverers(self, future: concurrent.futures.Future[Any]) -> tuple[threading.Thread, ...]:
        return tuple(thread for pool in self.pools for thread in pool.deliverers(future))
