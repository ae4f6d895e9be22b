"""Background workers, well-behaved and not."""

import asyncio
import json

from messenger.health import Beat, Health

from .gates import SECRET
from .options import Options


async def fine(beat: Beat) -> None:
    """Beat ten times a second."""
    while True:
        beat()
        await asyncio.sleep(0.1)


async def raises(beat: Beat) -> None:
    """Die of an error of its own."""
    beat()
    raise RuntimeError(SECRET)


async def returns(beat: Beat) -> None:
    """End, as if there were nothing left to do."""
    beat()


async def once(beat: Beat) -> None:
    """Die once, then work."""
    if not beat.count:
        beat()
        raise RuntimeError(SECRET)
    await fine(beat)


async def hangs(beat: Beat) -> None:
    """Fall silent, and honour the cancellation; work after that."""
    if not beat.count:
        beat()
        await asyncio.Event().wait()
    await fine(beat)


async def swallows(beat: Beat) -> None:
    """Fall silent, and swallow the cancellation."""
    beat()
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


async def garbage(beat: Beat) -> None:
    """Read what another service has garbled, and catch that: it is no death."""
    while True:
        beat()
        try:
            json.loads("<html>not what was asked for")
        except ValueError:
            await asyncio.sleep(0.1)


async def waits(beat: Beat) -> None:
    """Wait for another service for ever; its slowness is not the worker's."""
    with beat.waiting():
        await asyncio.Event().wait()


KINDS = {
    "fine": fine,
    "raises": raises,
    "returns": returns,
    "once": once,
    "hangs": hangs,
    "swallows": swallows,
    "garbage": garbage,
    "waits": waits,
}


def add(health: Health, options: Options) -> None:
    """Add a worker of each kind asked for, under the name of the kind."""
    for kind in options.workers:
        health.add_worker(kind, KINDS[kind], deadline_seconds=options.worker_deadline_seconds)
