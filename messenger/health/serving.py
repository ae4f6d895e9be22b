"""`serve`: the one call by which an application is run."""

import os
import socket
import threading
import time
from collections.abc import Callable

from starlette.types import ASGIApp

from .health import Health
from .inflight import Headers
from .listener import bind
from .server import Server

BACKSTOP_SECONDS = 1.5
"""How long the interpreter may take to end after the drain: a thread that never returns, which it
would join, must not cost the pod its clean exit."""


def serve(
    app: ASGIApp,
    health: Health,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    listener: socket.socket | None = None,
    loop: str = "auto",
    http: str = "auto",
    ws: str = "auto",
    marks: Callable[[Headers], Headers] = lambda _: (),
    on_listening: Callable[[str, int], None] = lambda _host, _port: None,
) -> int:
    """Serve `app` until a signal, and return the exit status for the process.

    Args:
        app: The application.
        health: Its health.
        host: The address to bind.
        port: The port, or 0 for any free one.
        listener: A socket that is bound already, instead of those two.
        loop: The kind of event loop: `auto` (uvloop if installed), `uvloop` or `asyncio`.
        http: The HTTP parser: `auto` (httptools if installed), `httptools` or `h11`.
        ws: The WebSocket protocol as uvicorn names it; `none` if the application has none.
        marks: Returns, for a request's headers, those of an answer that is given in the
            application's place: while it warms up, is cut short, or its loop is broken.
        on_listening: Called with host and port as soon as probes can be answered.

    Raises:
        OSError: The address is in use or not ours.
    """
    server = Server(
        app,
        health,
        listener or bind(host, port),
        loop=loop,
        http=http,
        ws=ws,
        marks=marks,
        on_listening=on_listening,
    )
    server.run()
    status = health.departure.exit_status
    threading.Thread(target=_end, args=(status,), name="health-end", daemon=True).start()
    return status


def _end(status: int) -> None:
    time.sleep(BACKSTOP_SECONDS)
    os._exit(status)
