"""Messenger without telemetry: the control of what telemetry costs.

`python -m tests.bench.silent` serves the very application, by the same settings, but nothing is
counted, nothing traced, and no answer marked with who gave it.
"""

import logging
import os
import random
import socket
import sys
from functools import partial

from prometheus_client import CollectorRegistry

from messenger import logs, parser
from messenger.app import CONNECTIONS_PER_REQUEST, create_app
from messenger.downstreams import Downstreams, Transport
from messenger.health import serve
from messenger.metrics import Metrics
from messenger.observation import Unobserved
from messenger.process import make_health
from messenger.settings import Settings
from messenger.telemetry import Telemetry
from messenger.tracing import Passing


def main() -> int:
    """Serve until a signal, and return the exit status."""
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
        app._app,  # noqa: SLF001 - what the middleware of telemetry stands in front of
        health,
        host=settings.host,
        port=settings.port,
        http=parser.PATH,
        ws="none",
        on_listening=lambda host, port: listening(extra={"host": host, "port": port}),
    )


if __name__ == "__main__":
    sys.exit(main())
