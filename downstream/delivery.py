"""The service that hands messages over: once per key, whoever tries again."""

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from downstream.ledger import Delivery, Ledger, LedgerError
from downstream.wire import Json, read


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


class Deliveries:
    """Delivers messages into a ledger.

    Args:
        ledger: What remembers them.
        now: The time of day, for the record.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], datetime] = utc_now) -> None:
        self._ledger = ledger
        self._now = now

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the service."""
        return [
            Route("/v1/deliveries", self.deliver, methods=["POST"]),
            Route("/v1/deliveries/{id}", self.one),
            Route("/stats", self.stats),
        ]

    async def deliver(self, request: Request) -> Response:
        """Deliver a message: 201 the first time, 200 with the same answer every other time."""
        key = request.headers.get("idempotency-key")
        if not key:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "Idempotency-Key: required")
        delivery = await read(request, Delivery)
        try:
            receipt, is_first = self._ledger.enter(key, delivery, self._now().isoformat())
        except LedgerError as exc:
            raise HTTPException(HTTPStatus.CONFLICT, str(exc)) from exc
        return Json(receipt, HTTPStatus.CREATED if is_first else HTTPStatus.OK)

    async def one(self, request: Request) -> Response:
        """Answer with the record of one delivery."""
        record = self._ledger.find(request.path_params["id"])
        if record is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such delivery")
        return Json(record)

    async def stats(self, request: Request) -> Response:
        """Answer with the counts; no fault applies here, since a test must be able to look."""
        del request
        return Json(self._ledger.stats())
