"""ASGI middleware that lets the drawn faults happen to business calls, and to nothing else."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from messenger.faults.dice import NO_EFFECT, Effect, Faults

BUSINESS_PREFIX = "/v1/"
"""What business paths begin with: probes, metrics and the control of the faults stay sound."""

FAULT_HEADER = b"x-fault"
"""Names the fault in an answer that was spoiled on purpose, so that nobody looks for its cause."""

_NO_SUCH_STATUS = 1000
"""A status that no HTTP/1.1 server can write."""


class FaultMiddleware:
    """Spoils calls as the faults in force have it.

    Args:
        app: The application behind it.
        faults: The faults in force.
        prefix: What the paths begin with that faults apply to, relative to the root path.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        prefix: str = BUSINESS_PREFIX,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._app = app
        self._faults = faults
        self._prefix = prefix
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection as ASGI has it."""
        if scope["type"] != "http" or not self._is_business(scope):
            return await self._app(scope, receive, send)
        effect = self._faults.draw()
        if effect is NO_EFFECT:
            return await self._app(scope, receive, send)
        return await self._spoil(effect, scope, receive, send)

    def _is_business(self, scope: Scope) -> bool:
        path: str = scope["path"]
        return path.removeprefix(scope.get("root_path", "")).startswith(self._prefix)

    async def _spoil(self, effect: Effect, scope: Scope, receive: Receive, send: Send) -> None:
        if effect.delay_seconds:
            await self._sleep(effect.delay_seconds)
        if effect.rest_seconds:
            send = self._holding_back(effect.rest_seconds, send)
        match effect.ending:
            case None:
                await self._app(scope, receive, send)
            case "error":
                await _send_error(effect.status, send)
            case "garbage":
                await _send(200, "garbage", b"application/json", effect.body, send)
            case "hang":
                await _wait_for_disconnect(receive)
            case "reset":
                await _close_connection(send)

    def _holding_back(self, seconds: float, send: Send) -> Send:
        """Wrap `send` so that the first byte of the body is sent at once and the rest late."""
        has_waited = False

        async def send_late(message: Message) -> None:
            nonlocal has_waited
            body = message.get("body", b"")
            if not body or has_waited:
                return await send(message)
            has_waited = True
            await send({"type": "http.response.body", "body": body[:1], "more_body": True})
            await self._sleep(seconds)
            return await send({**message, "body": body[1:]})

        return send_late


async def _send_error(status: int, send: Send) -> None:
    """Answer with a problem of RFC 9457."""
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    problem = {"type": "about:blank", "title": title, "status": status, "detail": "injected fault"}
    await _send(status, "error", b"application/problem+json", json.dumps(problem).encode(), send)


async def _send(status: int, fault: str, content_type: bytes, body: bytes, send: Send) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (FAULT_HEADER, fault.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _close_connection(send: Send) -> None:
    """Have the server close the connection before a byte of an answer was written.

    ASGI has no message for it. But a server that has begun an answer which it cannot write can only
    hang up, and so uvicorn does, with either of its HTTP/1.1 parsers; a test watches the wire.
    """
    with suppress(KeyError):
        await send({"type": "http.response.start", "status": _NO_SUCH_STATUS, "headers": []})
