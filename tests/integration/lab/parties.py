"""Who takes part in a deadlock: locks, and a way to start threads and tasks that use them."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from messenger.health import AsyncLock, Lock, Pool

SETTLE_SECONDS = 0.5
"""How long each party holds its first lock before it asks for the second: longer than a
busy machine takes to start the others."""


class Parties:
    """Fresh locks and whoever is stuck in them.

    Args:
        pool: A pool for the kinds that need one.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.loop = asyncio.get_running_loop()
        self.first, self.second, self.third = Lock("first"), Lock("second"), Lock("third")
        self.alpha, self.beta = AsyncLock("alpha"), AsyncLock("beta")
        self.tasks: list[asyncio.Task[Any]] = []
        self.ended: list[str] = []
        """Who came out again."""

    def thread(self, name: str, target: Callable[[], None]) -> None:
        """Start a daemon thread."""
        threading.Thread(target=target, name=name, daemon=True).start()

    def start(self, name: str, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Start a task and keep it: the loop itself keeps only a weak reference."""
        self.tasks.append(self.child(name, coroutine))

    def child(self, name: str, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task that its parent awaits."""
        return self.loop.create_task(coroutine, name=name)
