"""The control of every experiment: the same routes on uvicorn as it is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route

from messenger.health.listener import bind

from .options import Options


async def constant(request: Request) -> PlainTextResponse:
    """Answer a probe as most services do: with a constant."""
    del request
    return PlainTextResponse("ok")


def run(
    routes: Sequence[BaseRoute], options: Options, say_listening: Callable[[str, int], None]
) -> None:
    """Serve `routes` until a signal."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        await asyncio.sleep(options.plain_lifespan_seconds)
        yield

    app = Starlette(routes=[*routes, Route("/health/{probe}", constant)], lifespan=lifespan)
    listener = bind("127.0.0.1", 0)
    if not options.plain_lifespan_seconds:
        listener.listen()
    say_listening(*listener.getsockname())
    config = uvicorn.Config(
        app,
        loop=options.loop,
        http=options.http,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=options.plain_graceful_seconds,
    )
    uvicorn.Server(config).run(sockets=[listener])
