"""Messenger without telemetry: the control of what telemetry costs.

`python -m tests.bench.silent` serves the very application, by the same settings, with the same
answers; but nothing is counted, nothing traced, and no call told of a trace.
"""

import logging
import os
import random
import socket
import sys
from collections.abc import Awaitable
from functools import partial

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from messenger import logs, parser
from messenger.app import CONNECTIONS_PER_REQUEST, create_app
from messenger.downstreams import Downstreams, Transport
from messenger.health import serve
from messenger.metrics import Metrics
from messenger.observation import Unobserved
from messenger.process import make_health, spare_collector
from messenger.settings import Settings
from messenger.telemetry import Telemetry, TelemetryMiddleware
from messenger.tracing import Passing


def main() -> int:
    """Serve until a signal, and return the exit status."""
    spare_collector()
    settings = Settings.from_env(os.environ, host_name=socket.gethostname())
    logs.configure(settings.log_format, settings.log_level, sys.stderr)
    assert settings.downstream_url is not None
    health = make_health(settings)
    connections = CONNECTIONS_PER_REQUEST * settings.concurrency_limit
    transport = Transport(settings.downstream_url, connections)
    dice = random.Random()
    app = create_app(
        settings,
        health=health,
        telemetry=Telemetry(
            Metrics(CollectorRegistry(), settings.version),
            Passing(dice.getrandbits),
            bits=dice.getrandbits,
        ),
        downstreams=Downstreams(settings.downstream_url, transport, observer=Unobserved()),
    )
    listening = partial(logging.getLogger("messenger").info, "listening")
    return serve(
        _marked(app),
        health,
        host=settings.host,
        port=settings.port,
        http=parser.PATH,
        ws="none",
        on_listening=lambda host, port: listening(extra={"host": host, "port": port}),
    )


def _marked(app: TelemetryMiddleware) -> ASGIApp:
    """Return what the middleware of telemetry stands in front of, with the marks it would give."""
    inner = app._app  # noqa: SLF001 - see above

    async def mark(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        marks = app.marks(scope["headers"])

        def send_marked(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = (*message.get("headers", ()), *marks)
            return send(message)

        await inner(scope, receive, send_marked)

    return mark


if __name__ == "__main__":
    sys.exit(main())
