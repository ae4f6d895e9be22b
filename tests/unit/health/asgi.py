"""An ASGI server of one request, played by hand."""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Scope


def http(path: str = "/", **more: Any) -> Scope:  # noqa: ANN401 - whatever a scope may hold
    """Return the scope of a GET request."""
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [],
        **more,
    }


async def receive() -> Message:
    """Wait for a body that never comes."""
    await asyncio.Event().wait()
    raise AssertionError


class Client:
    """Collects what an application sends."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def send(self, message: Message) -> None:
        """Take one message."""
        self.messages.append(message)

    async def call(self, app: ASGIApp, scope: Scope | None = None) -> None:
        """Make one request."""
        await app(scope or http(), receive, self.send)

    @property
    def status(self) -> int:
        """The status of the answer."""
        status: int = self.messages[0]["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        """The body of the answer."""
        return b"".join(message.get("body", b"") for message in self.messages)
