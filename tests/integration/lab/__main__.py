"""Start the laboratory."""

import json
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from messenger.health import Finding, Health, Limits, serve

from . import (
    children,
    constants,
    contention,
    gates,
    leash,
    ordinary,
    pauses,
    plain,
    pools,
    sockets,
    stalls,
    stuck,
    workers,
)
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


def crashing_check() -> Finding:
    """Fail to find anything."""
    raise RuntimeError(gates.SECRET)


def main() -> int:
    """Serve until a signal."""
    options = parse(sys.argv[1] if len(sys.argv) > 1 else "{}")
    constants.put(options.constants)
    leash.hold()
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    health = build(options)
    routes: list[BaseRoute] = [
        *ordinary.ROUTES,
        *sockets.ROUTES,
        *stalls.ROUTES,
        *pauses.ROUTES,
        *children.ROUTES,
        *contention.ROUTES,
        *pools.routes(health),
        *stuck.routes(health.add_pool("lab-pool", pools.WORKERS)),
    ]
    if options.plain:
        plain.run(routes, options, say_listening)
        return 0
    workers.add(health, options)
    gates.add(health, options)
    if options.check_crashes:
        health.add_check("lab:crashing", crashing_check)
    return serve(
        Starlette(routes=routes),
        health,
        port=0,
        loop=options.loop,
        http=options.http,
        on_listening=say_listening,
    )


if __name__ == "__main__":
    sys.exit(main())
