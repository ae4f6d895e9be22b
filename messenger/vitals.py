"""What the application adds to its health: warm-up gates, a worker, and checks to look at."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from messenger import refresher
from messenger.ailments import Ailments, never
from messenger.faults import ProcessFault
from messenger.health import Finding, Gate, Health, Status
from messenger.health.lifecycle import State, Transition
from messenger.outcomes import Outcomes
from messenger.refresher import Refresher

FAILING_SHARE = 0.1
"""From this share of failed calls on, a downstream's check warns: a single failure among many is
ordinary, a tenth is what its users notice."""


def add(
    health: Health,
    *,
    check_self: Callable[[], Awaitable[None]],
    fresh: Refresher,
    outcomes: Mapping[str, Outcomes],
    ailments: Ailments,
    ordered: tuple[ProcessFault, ...],
) -> None:
    """Add everything that has to be warm, has to go on, or is worth a look.

    Args:
        health: What it is added to.
        check_self: One request through the whole application.
        fresh: Loads the snapshots, and keeps them young.
        outcomes: How recent calls went, by downstream.
        ailments: Spoils the worker when told to.
        ordered: The faults of the process that were set.
    """

    async def selfcheck(_gate: Gate) -> None:
        await check_self()

    health.add_gate("selfcheck", selfcheck, required=True)
    for name, warm in fresh.gates().items():
        health.add_gate(f"cache:{name}", warm)
    if any(fault.kind == "never-ready" for fault in ordered):
        health.add_gate("never-ready", never, required=True)
    worker = health.add_worker(
        "directory-refresh",
        ailments.afflict(fresh.run),
        deadline_seconds=refresher.BEAT_DEADLINE_SECONDS,
    )
    ailments.take(worker)
    for name, recent in outcomes.items():
        health.add_check(f"downstream:{name}", partial(_recent_calls, recent))


def fall_ill(health: Health, ailments: Ailments, ordered: tuple[ProcessFault, ...]) -> None:
    """Carry out the faults of the process that were set, as soon as it takes traffic."""
    loop = asyncio.get_running_loop()

    def begin(step: Transition) -> None:
        if step.after is State.SERVING:
            for fault in ordered:
                loop.call_soon_threadsafe(ailments.begin, fault)

    health.lifecycle.listen(begin)


def _recent_calls(outcomes: Outcomes) -> Finding:
    """Return how recent calls to a downstream went, as a finding that gates nothing."""
    calls, failures = outcomes.recent()
    is_failing = failures > 0 and failures >= FAILING_SHARE * calls
    return Finding(
        Status.WARN if is_failing else Status.PASS,
        "recent-calls-failing" if is_failing else "",
        observed=failures,
        unit=f"of {calls} calls",
    )
