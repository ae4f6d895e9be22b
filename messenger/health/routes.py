"""The health endpoints as an ASGI application and as Starlette routes.

`serve` puts the application in front of the user's, outside every middleware: no authentication, no
rate limit, no tracing, no access log and no body limit may stand between the kubelet and a verdict.
Under another server `health_routes` mounts the same application inside a Starlette app.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from .probes import Answer, Question

if TYPE_CHECKING:
    from .health import Health

PREFIX = "/health"
_BEARER = b"bearer "


def is_health_path(path: str) -> bool:
    """Return whether a path belongs to the probes: `/health` and what is below it."""
    return path.startswith(PREFIX) and (path == PREFIX or path[len(PREFIX)] == "/")


class HealthApp:
    """The ASGI application that answers probes on the event loop.

    Args:
        answer: Answers a question.
    """

    def __init__(self, answer: Callable[[Question], Answer]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; its body, if there is one, is not read."""
        del receive
        token = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if not token.lower().startswith(_BEARER):
            token = b""
        answer = self._answer(
            Question(
                scope["method"],
                scope["path"],
                scope["query_string"].decode("latin-1"),
                token[len(_BEARER) :].decode("latin-1"),
            )
        )
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.code, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


class HealthFirst:
    """Sends health paths to the probes and everything else to the application.

    Args:
        health_app: What answers probes.
        app: What answers everything else.
    """

    def __init__(self, health_app: HealthApp, app: ASGIApp) -> None:
        self._health_app = health_app
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Dispatch one connection.

        Not a coroutine itself, which would be one more for each request.
        """
        if scope["type"] == "http" and is_health_path(scope["path"]):
            return self._health_app(scope, receive, send)
        return self._app(scope, receive, send)


def health_routes(health: "Health") -> list[BaseRoute]:
    """Return the routes that answer probes inside a Starlette application.

    `serve` needs none: they are for an application that runs under another server.
    """
    app = HealthApp(health.probes.answer)
    return [Route(PREFIX, app), Route(PREFIX + "/{rest:path}", app)]
