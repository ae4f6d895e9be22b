"""Load shedding: what is beyond this process's means is refused at once, not late.

A request that waits behind 500 others would be answered after its client has gone. Refusing it
costs microseconds, and Retry-After sends the client to a replica that has room. Readiness is not
involved: all replicas are overloaded together, and a Service without endpoints serves nobody.
"""

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from messenger.errors import Overloaded


class Capacity:
    """How many requests may be in work at once, and how many are.

    Args:
        limit: The most there may be, at least 1.
        on_shed: Called for each request that is refused.
    """

    def __init__(self, limit: int, on_shed: Callable[[], object]) -> None:
        self._limit = limit
        self._on_shed = on_shed
        self.in_flight = 0
        """How many requests are in work."""

    def enter(self) -> None:
        """Take a place.

        Raises:
            Overloaded: If there is none left.
        """
        # No lock: only the event loop's thread comes here, and nothing is awaited in between.
        if self.in_flight >= self._limit:
            self._on_shed()
            raise Overloaded
        self.in_flight += 1

    def leave(self) -> None:
        """Give the place back."""
        self.in_flight -= 1


class SheddingMiddleware:
    """Lets a request through while there is capacity for it.

    Args:
        app: What serves the request.
        capacity: The places, shared by all routes that cost something.
    """

    def __init__(self, app: ASGIApp, capacity: Capacity) -> None:
        self._app = app
        self._capacity = capacity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or raise Overloaded."""
        self._capacity.enter()
        try:
            await self._app(scope, receive, send)
        finally:
            self._capacity.leave()
