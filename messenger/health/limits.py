"""The numbers that the health package works with, each with its unit and its reason."""

from dataclasses import dataclass

FLUSH_SECONDS = 3.0
"""How long the callbacks that flush telemetry may take at the end of a drain, in seconds: one
export over a slow link; the pod's grace period has to hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of the verdict, the warm-up and the drain; the defaults suit the kubelet's own."""

    stall_suspect_seconds: float = 1.0
    """From here on a loop without progress is suspected and its stack is taken: longer than any
    pause of a healthy loop, short enough that the stack shows the cause."""

    stall_unready_seconds: float = 3.0
    """From here on a loop without progress turns readiness red: other replicas answer meanwhile."""

    stall_broken_seconds: float | None = 10.0
    """From here on a loop without progress is broken; None is never (a debugger). Half of it would
    win 5 s and restart pods that were about to recover."""

    exit_after_broken_seconds: float | None = None
    """How long after BROKEN the process ends itself; None leaves it to the kubelet, 0 is at
    once."""

    cycle_age_seconds: float = 2.0
    """How long each wait of a cycle must have lasted before the cycle is believed at all."""

    cycle_confirm_seconds: float = 1.0
    """How long the very same cycle must stay before it counts as proven."""

    pool_suspect_seconds: float = 5.0
    """A pool with a backlog that completes nothing is suspected after this long."""

    pool_broken_seconds: float = 30.0
    """... and is broken after this long if every worker waits for a lock or a result."""

    worker_restarts: int = 5
    """How many restarts of one worker within `worker_window_seconds` are still bad luck."""

    worker_window_seconds: float = 60.0
    """The window in which the restarts of a worker are counted."""

    worker_cancel_seconds: float = 5.0
    """How long a silent worker may take to honour its cancellation."""

    request_deadline_seconds: float = 3.0
    """The application's own hard deadline for a request."""

    request_leak_seconds: float = 30.0
    """How far past its deadline an unanswered request counts as leaked: every await has a time-out,
    so nothing outside can cause it."""

    concurrency_limit: int = 512
    """How many requests the application takes at once; half of them leaked is broken."""

    warmup_budget_seconds: float = 20.0
    """How long a best-effort gate may go without progress before the pod becomes ready
    regardless."""

    warmup_fail_closed: bool = False
    """Whether a best-effort gate that spent its budget keeps the pod unready instead."""

    drain_min_seconds: float = 5.0
    """How long to go on accepting after SIGTERM at least: what the removal of an endpoint takes to
    reach every kube-proxy and every client. Longer while requests arrive."""

    drain_max_seconds: float = 15.0
    """When to stop accepting in any case, counted from SIGTERM."""

    drain_cancel_seconds: float = 5.0
    """What a request that still runs then is given before it is cancelled and answered 503."""

    drain_broken_seconds: float = 5.0
    """The longest drain of a process that is broken though its loop runs: the rest may work."""

    drain_ready_status: int = 503
    """What readiness answers while draining: 503, or 200 for a load balancer that must not see
    it."""
