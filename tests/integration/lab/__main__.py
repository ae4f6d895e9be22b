"""Start the laboratory."""

import json
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from messenger.health import Health, Limits, serve
from messenger.health.server import bind

from . import deadlocks, ordinary, pools, stalls, workers
from .options import Options, parse


class JsonLines(logging.Formatter):
    """Writes a record and its facts as one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        standard = logging.LogRecord("", 0, "", 0, "", (), None).__dict__
        facts = {k: v for k, v in record.__dict__.items() if k not in standard}
        line = {"level": record.levelname, "message": record.getMessage(), **facts}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def say_listening(host: str, port: int) -> None:
    """Print what `tests.integration.process` waits for."""
    print(json.dumps({"message": "listening", "host": host, "port": port}), flush=True)  # noqa: T201


def build(options: Options) -> Health:
    """Return the health of the laboratory."""
    numbers: dict[str, Any] = options.limits
    return Health(
        service="lab",
        release="1.0",
        instance="lab-0",
        limits=replace(Limits(), **numbers),
        termination_log=Path(options.termination_log) if options.termination_log else None,
        debug_token=options.debug_token,
        responder=options.responder,
        signal_thread=options.signal_thread,
        gil_timer=options.gil_timer,
        detectors=options.detectors,
    )


async def plain_health(request: Request) -> PlainTextResponse:
    """Answer a probe as most services do: with a constant."""
    del request
    return PlainTextResponse("ok")


def main() -> int:
    """Serve until a signal."""
    options = parse(sys.argv[1] if len(sys.argv) > 1 else "{}")
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    health = build(options)
    pool = health.add_pool("lab-pool", 4)
    routes = [*ordinary.ROUTES, *stalls.ROUTES, *deadlocks.routes(pool), *pools.routes(pool)]
    if options.plain:
        app = Starlette(routes=[*routes, Route("/health/{probe}", plain_health)])
        listener = bind("127.0.0.1", 0)
        listener.listen()
        say_listening(*listener.getsockname())
        config = uvicorn.Config(
            app, loop=options.loop, http=options.http, access_log=False, log_config=None
        )
        uvicorn.Server(config).run(sockets=[listener])
        return 0
    workers.add(health, options.worker)
    ordinary.add_gate(health, options)
    app = Starlette(routes=routes)
    return serve(
        app,
        health,
        port=0,
        loop=options.loop,
        http=options.http,
        on_listening=say_listening,
    )


if __name__ == "__main__":
    sys.exit(main())
