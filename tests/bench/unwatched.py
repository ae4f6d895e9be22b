"""Messenger without the health package around it: the control of what that package costs.

`python -m tests.bench.unwatched` serves the very application, by the same settings, on plain
uvicorn: no watchdog, no responder, no heartbeat, and nobody counts requests in flight. Its locks
and its pool stay those of the package, being parts of the application; locks have their own rows.
"""

import logging
import os
import socket
import sys
from random import Random

import uvicorn
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from messenger import logs, parser
from messenger.app import connect, create_app
from messenger.health import Health
from messenger.health.lifecycle import State
from messenger.metrics import Metrics
from messenger.process import make_health, spare_collector
from messenger.settings import Settings
from messenger.telemetry import Telemetry
from messenger.tracing import Passing


class PlainServer(uvicorn.Server):
    """uvicorn that fills the application's snapshots before it says that it listens."""

    def __init__(self, app: ASGIApp, health: Health, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http=parser.PATH,
                ws="none",
                access_log=False,
                log_config=None,
                server_header=False,
            )
        )
        self._health = health

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, warm up, and say where."""
        await super().startup(sockets=sockets)
        self._health.lifecycle.move(State.WARMING, "port bound")
        await self._health.warm()
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        logging.getLogger("messenger").info("listening", extra={"host": host, "port": port})


def main() -> None:
    """Serve until a signal."""
    spare_collector()
    settings = Settings.from_env(os.environ, host_name=socket.gethostname())
    logs.configure(settings.log_format, settings.log_level, sys.stderr)
    assert settings.downstream_url is not None
    health = make_health(settings)
    dice = Random()
    telemetry = Telemetry(
        Metrics(CollectorRegistry(), settings.version),
        Passing(dice.getrandbits),
        bits=dice.getrandbits,
    )
    app = create_app(
        settings,
        health=health,
        telemetry=telemetry,
        downstreams=connect(settings, settings.downstream_url, telemetry),
    )
    PlainServer(app, health, settings).run()


if __name__ == "__main__":
    main()
