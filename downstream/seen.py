"""What a service has been asked, so that a test can tell what reached it."""

from collections import deque

from starlette.types import ASGIApp, Receive, Scope, Send

from messenger.faults import BUSINESS_PREFIX

REMEMBERED = 20
"""How many calls are remembered with their trace."""


class Seen:
    """Counts the business calls of one service."""

    def __init__(self) -> None:
        self.calls = 0
        self._traceparents: deque[bytes] = deque(maxlen=REMEMBERED)

    def note(self, scope: Scope) -> None:
        """Note one call."""
        self.calls += 1
        for name, value in scope["headers"]:
            if name == b"traceparent":
                self._traceparents.append(value)

    def describe(self) -> dict[str, object]:
        """Say how many calls there were, and the traces of the last of them."""
        return {
            "calls": self.calls,
            "traceparents": [value.decode("latin-1") for value in self._traceparents],
        }


class SeenMiddleware:
    """Notes business calls before any fault strikes them.

    Args:
        app: The application behind it.
        seen: What takes note.
    """

    def __init__(self, app: ASGIApp, seen: Seen) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection as ASGI has it."""
        path: str = scope["path"]
        if path.removeprefix(scope.get("root_path", "")).startswith(BUSINESS_PREFIX):
            self._seen.note(scope)
        await self._app(scope, receive, send)
