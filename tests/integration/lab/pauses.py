"""What makes a healthy process pause: garbage, memory, a fork."""

import gc

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


class Knot:
    """An object that only the garbage collector can free."""

    __slots__ = ("itself", "load")

    def __init__(self) -> None:
        self.itself = self
        self.load = [0] * 8


async def garbage(request: Request) -> PlainTextResponse:
    """Leave `knots` to the collector and collect them, `rounds` times."""
    for _ in range(int(request.query_params.get("rounds", "3"))):
        for _ in range(int(request.query_params.get("knots", "300000"))):
            Knot()
        gc.collect()
    return PlainTextResponse("collected")


async def memory(request: Request) -> PlainTextResponse:
    """Allocate, touch and free `mb` megabytes."""
    block = bytearray(int(request.query_params.get("mb", "100")) << 20)
    block[:: 1 << 12] = b"x" * len(block[:: 1 << 12])
    return PlainTextResponse(str(len(block)))


ROUTES = [Route("/garbage", garbage), Route("/memory", memory)]
