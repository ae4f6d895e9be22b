"""A WebSocket that only its server or its client ends."""

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket


async def echo(socket: WebSocket) -> None:
    """Send back whatever comes."""
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)


ROUTES = [WebSocketRoute("/socket", echo)]
