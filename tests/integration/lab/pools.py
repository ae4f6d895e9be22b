"""Ways to fill a thread pool: for ever, slowly, or with honest work. One pool for each."""

import socket
import threading
import time

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route

from messenger.health import Health, Pool

WORKERS = 4
"""How many threads each pool has."""

JOBS = 3 * WORKERS
"""How many jobs are queued: there is a backlog whatever the threads do."""


def starve(pool: Pool) -> None:
    """Every job awaits a job of the same pool."""

    def job() -> None:
        pool.submit(time.sleep, 0).result()

    for _ in range(JOBS):
        pool.submit(job)


def lost_lock(pool: Pool) -> None:
    """Every job waits for a lock that nobody watches and nobody will release."""
    lost = threading.Lock()
    lost.acquire()

    def job() -> None:
        lost.acquire()

    for _ in range(JOBS):
        pool.submit(job)


def slow_io(pool: Pool) -> None:
    """Every job reads from a socket that says nothing."""
    silent, kept = socket.socketpair()

    def job() -> None:
        silent.recv(1)
        kept.close()

    for _ in range(JOBS):
        pool.submit(job)


def busy(pool: Pool) -> None:
    """Short jobs, always more than there are threads."""

    def job() -> None:
        time.sleep(0.05)
        pool.submit(job)

    for _ in range(JOBS):
        pool.submit(job)


KINDS = {"starve": starve, "lost-lock": lost_lock, "slow-io": slow_io, "busy": busy}


def routes(health: Health) -> list[BaseRoute]:
    """Return the route that fills the pool of each `kind`."""
    pools = {kind: health.add_pool(kind, WORKERS) for kind in KINDS}

    async def fill(request: Request) -> PlainTextResponse:
        for kind in request.query_params.getlist("kind"):
            KINDS[kind](pools[kind])
        return PlainTextResponse("filled")

    return [Route("/pool", fill)]
