"""A request through the whole application, made by the process itself before it takes traffic.

A wrong wiring (a missing state, a middleware that raises) then shows as a pod that does not become
ready, instead of as the first users' errors. It asks nothing of any downstream, so it may be a
required gate.
"""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Scope

PATH = "/version"
"""What is asked for: a route through every layer that is in front of all routes."""


class SelfCheckFailed(Exception):
    """Raised when the application did not answer its own request with 200."""


async def check(app: ASGIApp, state: Mapping[str, object]) -> None:
    """Send one request through `app`.

    Args:
        app: The application with all of its layers.
        state: What its lifespan yielded.

    Raises:
        SelfCheckFailed: If it answered anything but 200.
    """
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": None,
        "server": None,
        "state": dict(state),
    }
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    if statuses != [200]:
        raise SelfCheckFailed(f"path={PATH} statuses={statuses}")
