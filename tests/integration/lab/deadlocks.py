"""Deadlocks of every kind, each in real threads and tasks with real locks.

Each function returns at once; what it started stays stuck. A comment `# holds NAME` or
`# waits NAME` marks the lines that the verdict has to name: tests read them from this file.
"""

import asyncio
import threading
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route

from messenger.health import AsyncLock, Lock, Pool

SETTLE_SECONDS = 0.2
"""How long each party holds its first lock before it asks for the second."""


class Deadlocks:
    """The locks and whoever is stuck in them.

    Args:
        pool: A pool for the kinds that need one.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.first, self.second, self.third = Lock("first"), Lock("second"), Lock("third")
        self.alpha, self.beta = AsyncLock("alpha"), AsyncLock("beta")
        self.tasks: list[asyncio.Task[None]] = []

    def thread(self, name: str, target: Callable[[], None]) -> None:
        """Start a daemon thread."""
        threading.Thread(target=target, name=name, daemon=True).start()

    def threads(self) -> None:
        """Two threads, two locks, opposite orders."""

        def one() -> None:
            with self.first:  # holds first
                time.sleep(SETTLE_SECONDS)
                with self.second:  # waits second
                    pass

        def two() -> None:
            with self.second:  # holds second
                time.sleep(SETTLE_SECONDS)
                with self.first:  # waits first
                    pass

        self.thread("worker-1", one)
        self.thread("worker-2", two)

    def tasks_two(self) -> None:
        """Two tasks, two locks, opposite orders."""

        async def one() -> None:
            async with self.alpha:  # holds alpha
                await asyncio.sleep(SETTLE_SECONDS)
                async with self.beta:  # waits beta
                    pass

        async def two() -> None:
            async with self.beta:  # holds beta
                await asyncio.sleep(SETTLE_SECONDS)
                async with self.alpha:  # waits alpha
                    pass

        self.tasks = [
            asyncio.create_task(one(), name="task-1"),
            asyncio.create_task(two(), name="task-2"),
        ]

    def kinds(self) -> dict[str, Callable[[], None]]:
        """Return every kind by its name."""
        return {"threads": self.threads, "tasks": self.tasks_two}


def routes(pool: Pool) -> list[BaseRoute]:
    """Return the route that starts a deadlock: `kind`."""
    deadlocks = Deadlocks(pool)
    kinds = deadlocks.kinds()

    async def start(request: Request) -> PlainTextResponse:
        kinds[request.query_params["kind"]]()
        return PlainTextResponse("stuck")

    return [Route("/deadlock", start)]
