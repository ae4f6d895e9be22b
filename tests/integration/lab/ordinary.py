"""Ordinary requests, quick, slow and streaming, and the warm-up."""

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from messenger.health import Gate, Health

from .options import Options


async def hello(request: Request) -> PlainTextResponse:
    """Answer after `seconds`, 0 by default."""
    await asyncio.sleep(float(request.query_params.get("seconds", "0")))
    return PlainTextResponse("hello")


async def heavy(request: Request) -> PlainTextResponse:
    """Use 5 ms of CPU, or `ms` of them."""
    until = time.perf_counter() + float(request.query_params.get("ms", "5")) / 1000
    while time.perf_counter() < until:
        pass
    return PlainTextResponse("heavy")


async def events(request: Request) -> StreamingResponse:
    """Send one event every 100 ms, for ever."""
    del request

    async def endless() -> AsyncIterator[str]:
        while True:
            yield "data: tick\n\n"
            await asyncio.sleep(0.1)

    return StreamingResponse(endless(), media_type="text/event-stream")


async def memory(request: Request) -> PlainTextResponse:
    """Allocate and free `mb` megabytes."""
    block = bytearray(int(request.query_params.get("mb", "100")) << 20)
    block[:: 1 << 12] = b"x" * len(block[:: 1 << 12])
    return PlainTextResponse(str(len(block)))


ROUTES = [
    Route("/hello", hello, methods=["GET", "POST"]),
    Route("/heavy", heavy),
    Route("/events", events),
    Route("/memory", memory),
]


def add_gate(health: Health, options: Options) -> None:
    """Add the warm-up gate that the options describe."""

    async def warm(gate: Gate) -> None:
        if options.gate_fails:
            raise ConnectionError("downstream is gone")
        steps = int(options.gate_seconds / 0.05)
        for step in range(steps):
            await asyncio.sleep(0.05)
            gate.progress(step + 1, steps)

    health.add_gate("cache:lab", warm)
