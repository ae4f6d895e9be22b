"""The hard limit on how long one request may be in work, whatever keeps it.

The service keeps its own deadline from the first call to the last; this one also holds for a client
that sends its body byte by byte, and for a defect of ours. Without it such requests would fill the
places of the concurrency limit for ever.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from messenger.errors import Overloaded
from messenger.health import deadline
from messenger.problems import InputProblem, Kind

BODY_SECONDS = 10.0
"""How long a client may take to send its body: 64 KiB at 50 kbit/s, a poor link."""

TOO_SLOW = Kind(408, "too-slow", "The body did not arrive in time")


class TimeLimitMiddleware:
    """Ends a request that is in work for too long.

    Args:
        app: What serves the request.
        seconds: How long it may take, the arrival of its body included.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request in time.

        Raises:
            InputProblem: If its body was still on its way (RFC 9110, section 15.5.9).
            Overloaded: If the delay is ours.
        """
        has_arrived = False

        async def receive_and_note() -> Message:
            nonlocal has_arrived
            message = await receive()
            has_arrived = not message.get("more_body", False)
            return message

        try:
            async with deadline(self._seconds):
                await self._app(scope, receive_and_note, send)
        except TimeoutError as error:
            if has_arrived or scope["method"] == "GET":
                raise Overloaded("a request took too long") from error
            detail = f"Send the whole request within {self._seconds:g} seconds."
            raise InputProblem(
                TOO_SLOW, detail, field="$", headers={"connection": "close"}
            ) from error
