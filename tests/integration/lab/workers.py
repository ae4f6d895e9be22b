"""Background workers, well-behaved and not."""

import asyncio

from messenger.health import Beat, Health


async def fine(beat: Beat) -> None:
    """Beat every second."""
    while True:
        beat()
        await asyncio.sleep(1)


KINDS = {"fine": fine}


def add(health: Health, kind: str) -> None:
    """Add the worker `lab-worker` of a kind."""
    health.add_worker("lab-worker", KINDS[kind])
