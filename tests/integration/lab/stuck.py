"""The route that starts a deadlock of any kind, and the one that tells who came out."""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Route

from messenger.health import Pool

from . import deadlocks, mixtures, timed
from .parties import Parties

KINDS = {
    **deadlocks.KINDS,
    **mixtures.KINDS,
    **{f"timed-{name}": kind for name, kind in timed.KINDS.items()},
}
"""Every kind by its name."""


def routes(pool: Pool) -> list[BaseRoute]:
    """Return the routes; `pool` is for the kinds that need one."""
    stuck: dict[str, Parties] = {}

    async def start(request: Request) -> PlainTextResponse:
        for kind in request.query_params.getlist("kind"):
            stuck[kind] = Parties(pool)
            KINDS[kind](stuck[kind])
        return PlainTextResponse("stuck")

    async def ended(request: Request) -> JSONResponse:
        del request
        return JSONResponse({kind: sorted(parties.ended) for kind, parties in stuck.items()})

    return [Route("/deadlock", start), Route("/deadlock/ended", ended)]
