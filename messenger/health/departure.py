"""How the process ends: by a drain if it can, at once if it must.

| when the signal comes | what happens |
|---|---|
| healthy or merely suspect | the drain |
| suspect, and the stall lasts to its limit or to `drain_max` | exit 71 |
| broken, the loop does not run | exit 71 at once, the reason is written already |
| broken, the loop runs | a drain of at most 5 s, then exit 71 |
| a second signal | exit at once |

Without a signal the kubelet decides, unless `exit_after_broken_seconds` says how long to wait for
it.
"""

import signal
from collections.abc import Callable

from .delivery import EXIT_BACKSTOP, EXIT_BROKEN, Delivery
from .drain import Drain
from .lifecycle import Lifecycle, State
from .limits import Limits
from .progress import Progress
from .verdict import Verdict

SIGNAL_EXIT_BASE = 128
"""What a shell adds to the number of the signal that ended a process."""


ECHO_SECONDS = 0.2
"""Within this time after the first signal another one is its echo: `uv run`, `timeout` and process
groups deliver the same signal twice within milliseconds, and nobody means two by it."""


class Departure:
    """Decides about the end; called by the signal thread and by the watchdog.

    Args:
        limits: The numbers.
        lifecycle: Moved to DRAINING.
        verdict: Whether there is anything left to drain.
        progress: Whether the loop runs.
        drain: The clock to start.
        delivery: What ends the process.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        lifecycle: Lifecycle,
        verdict: Verdict,
        progress: Progress,
        drain: Drain,
        delivery: Callable[[], Delivery],
    ) -> None:
        self._limits = limits
        self._lifecycle = lifecycle
        self._verdict = verdict
        self._progress = progress
        self._drain = drain
        self._delivery = delivery
        self._on_leave: Callable[[], None] = lambda: None
        self._signalled_at: float | None = None  # in seconds of the drain, which may be our own
        self.exit_status = 0
        """What `serve` returns: 0, or 71 if the process was broken when it left."""
        self.action = self._intention()

    def _intention(self) -> str:
        patience = self._limits.exit_after_broken_seconds
        return "left to the probe" if patience is None else f"exit by itself in {patience:g}s"

    def when_leaving(self, callback: Callable[[], None]) -> None:
        """Call `callback` in whatever thread starts the drain."""
        self._on_leave = callback

    def on_signal(self, sig: signal.Signals) -> None:
        """Act on a signal: the first one starts the drain, the second one ends it."""
        if self._signalled_at is not None:
            if self._drain.seconds - self._signalled_at < ECHO_SECONDS:
                return
            self._lifecycle.move(State.STOPPING, f"second {sig.name}")
            self._delivery().exit(SIGNAL_EXIT_BASE + sig, f"second {sig.name}")
        self._signalled_at = self._drain.seconds
        self.action = f"exit by {sig.name}"
        if self._verdict.is_broken:
            self._delivery().write_message()
        self.leave(sig.name, skip_min=sig is signal.SIGINT)

    def leave(self, cause: str, *, skip_min: bool) -> None:
        """Start the drain, or end the process if its loop is broken."""
        if self.is_wedged:
            self._delivery().exit(EXIT_BROKEN, f"{cause} while broken")
        if self._drain.has_begun:
            return  # by itself, before the signal
        # Whoever was never ready has no clients that still have to hear of it.
        never_ready = self._lifecycle.state in {State.BOOTING, State.WARMING}
        self._drain.begin(skip_min=skip_min or never_ready)
        self._lifecycle.move(State.DRAINING, cause)
        self._on_leave()

    def look(self, now: float) -> None:
        """Decide on each look of the watchdog, at tick time `now`."""
        if self._drain.has_begun:
            self._look_after_drain()
        elif self._is_impatient(now):
            if not self._loop_runs:
                self._delivery().exit(EXIT_BACKSTOP, "broken for too long")
            self.leave("broken for too long", skip_min=True)

    def _look_after_drain(self) -> None:
        if self.is_wedged:
            self._delivery().exit(EXIT_BROKEN, "broken while draining")
        if self._drain.is_past_max and not self._loop_runs:
            self._delivery().exit(EXIT_BROKEN, "stalled to the end of the drain")
        if self._verdict.is_broken:
            self._drain.shorten()
            self.exit_status = EXIT_BROKEN

    def _is_impatient(self, now: float) -> bool:
        since, patience = self._verdict.broken_since, self._limits.exit_after_broken_seconds
        return since is not None and patience is not None and now - since >= patience

    @property
    def _loop_runs(self) -> bool:
        return self._progress.stall_seconds < self._limits.stall_suspect_seconds

    @property
    def is_wedged(self) -> bool:
        """Whether nobody will serve a request any more: broken, and the loop does not run."""
        return self._verdict.is_broken and not self._loop_runs
