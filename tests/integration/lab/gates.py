"""The warm-up: a gate that passes, one that fails, one that hangs."""

import asyncio

from messenger.health import Gate, Health

from .options import Options

SECRET = "hunter2-in-an-exception"  # noqa: S105 - what no probe may show
"""Stands in the text of every exception that the laboratory raises."""

STEP_SECONDS = 0.05
"""How often a passing gate reports progress."""


def add(health: Health, options: Options) -> None:
    """Add the gate `cache:lab` that the options describe."""

    async def passes(gate: Gate) -> None:
        steps = int(options.gate_seconds / STEP_SECONDS)
        for step in range(steps):
            await asyncio.sleep(STEP_SECONDS)
            gate.progress(step + 1, steps)

    async def fails(gate: Gate) -> None:
        raise ConnectionError(f"downstream of {gate.name} is gone: {SECRET}")

    async def hangs(gate: Gate) -> None:
        del gate
        await asyncio.Event().wait()

    kinds = {"passes": passes, "fails": fails, "hangs": hangs}
    health.add_gate("cache:lab", kinds[options.gate])
