"""Ordinary requests: quick, slow, heavy and streaming."""

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route


async def hello(request: Request) -> PlainTextResponse:
    """Answer after `seconds`, 0 by default."""
    await asyncio.sleep(float(request.query_params.get("seconds", "0")))
    return PlainTextResponse("hello")


async def heavy(request: Request) -> PlainTextResponse:
    """Use 5 ms of CPU, or `ms` of them."""
    # By the thread's own clock: by the wall's it would be done as soon as a frozen process goes on.
    until = time.thread_time() + float(request.query_params.get("ms", "5")) / 1000
    while time.thread_time() < until:
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


ROUTES = [
    Route("/hello", hello, methods=["GET", "POST"]),
    Route("/heavy", heavy),
    Route("/events", events),
]
