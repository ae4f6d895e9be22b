"""How tests and people look at the mocks and change their faults; no fault applies to it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from downstream.seen import Seen
from downstream.wire import Json, read
from messenger.faults import Faults, FaultSyntaxError

_T = TypeVar("_T")


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The faults that are wanted, and for how long; until further notice without a time."""

    faults: str
    ttl_seconds: float | None = None


class Control:
    """Watches and changes the services.

    Args:
        faults: The faults of each service.
        seen: What each service has been asked.
    """

    def __init__(self, faults: Mapping[str, Faults], seen: Mapping[str, Seen]) -> None:
        self._faults = faults
        self._seen = seen

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the control."""
        return [
            Route("/", self.services),
            Route("/debug/faults/{service}", self.faults),
            Route("/debug/faults/{service}", self.set_faults, methods=["PUT"]),
            Route("/debug/faults/{service}", self.clear_faults, methods=["DELETE"]),
            Route("/debug/seen/{service}", self.seen),
        ]

    async def services(self, request: Request) -> Response:
        """List the services, with their addresses and their faults."""
        return Json(
            {
                name: {"url": f"{request.base_url}{name}", **faults.describe()}
                for name, faults in self._faults.items()
            }
        )

    async def faults(self, request: Request) -> Response:
        """Answer with the faults in force."""
        return Json(_of(self._faults, request).describe())

    async def set_faults(self, request: Request) -> Response:
        """Put other faults in force."""
        faults = _of(self._faults, request)
        wanted = await read(request, Wanted)
        try:
            faults.set(wanted.faults, wanted.ttl_seconds)
        except FaultSyntaxError as exc:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(exc)) from exc
        return Json(faults.describe())

    async def clear_faults(self, request: Request) -> Response:
        """Put no fault in force."""
        faults = _of(self._faults, request)
        faults.clear()
        return Json(faults.describe())

    async def seen(self, request: Request) -> Response:
        """Answer with what a service has been asked."""
        return Json(_of(self._seen, request).describe())


def _of(by_service: Mapping[str, _T], request: Request) -> _T:
    """Return what belongs to the service that a request names."""
    found = by_service.get(request.path_params["service"])
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such service here")
    return found
