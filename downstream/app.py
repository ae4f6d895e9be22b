"""The application: one Starlette app for each service, and the choice between them."""

from collections.abc import Iterable, Mapping, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from downstream import entries
from downstream.control import Control
from downstream.delivery import Deliveries
from downstream.people import Person
from downstream.replies import Replies
from downstream.seen import Seen, SeenMiddleware
from downstream.wire import answer_problem
from messenger.faults import FaultMiddleware, Faults

ERRORS = {HTTPException: answer_problem}
"""How exceptions are answered."""


def service_routes(people: Sequence[Person], deliveries: Deliveries) -> dict[str, list[BaseRoute]]:
    """Return what each of the twelve services answers to."""
    replies = Replies(people)
    return {
        "accounts": entries.accounts(people).routes(),
        "contacts": entries.contacts(people).routes(),
        "consent": [Route("/v1/consent", replies.consent)],
        "delivery": deliveries.routes(),
        "profiles": entries.profiles(people).routes(),
        "preferences": entries.preferences(people).routes(),
        "templates": entries.templates().routes(),
        "presence": [Route("/v1/presence/{id}", replies.presence)],
        "translation": [Route("/v1/translations", replies.translate, methods=["POST"])],
        "spam": [Route("/v1/scores", replies.score, methods=["POST"])],
        "links": [Route("/v1/links", replies.shorten, methods=["POST"])],
        "audit": [Route("/v1/records", replies.record, methods=["POST"])],
    }


class ByService:
    """Hands each call to its service.

    A dictionary finds the service: twelve routes by path and twelve by host, tried one after the
    other, would cost more than most of the answers.

    Args:
        services: The applications of the services.
        otherwise: The application of everything else.
    """

    def __init__(self, services: Mapping[str, ASGIApp], otherwise: ASGIApp) -> None:
        self._services = services
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection as ASGI has it."""
        if scope["type"] != "http":
            return await self._otherwise(scope, receive, send)
        path: str = scope["path"]
        first = path[1:].partition("/")[0]
        if first in self._services:
            scope = {**scope, "root_path": f"/{first}"}
            return await self._services[first](scope, receive, send)
        host = _host(scope["headers"])
        is_control = path == "/" or first == "debug"
        app = self._otherwise if is_control else self._services.get(host, self._otherwise)
        return await app(scope, receive, send)


def create_app(
    *,
    people: Sequence[Person],
    deliveries: Deliveries,
    faults: Mapping[str, Faults],
) -> ASGIApp:
    """Build the application.

    Args:
        people: Who is known.
        deliveries: The deliveries so far.
        faults: The faults of each service that is played; of no other is there a trace.
    """
    seen = {name: Seen() for name in faults}
    routes = service_routes(people, deliveries)
    services = {
        name: Starlette(
            routes=routes[name],
            middleware=[
                Middleware(SeenMiddleware, seen[name]),
                Middleware(FaultMiddleware, faults[name]),
            ],
            exception_handlers=ERRORS,
        )
        for name in faults
    }
    control = Starlette(routes=Control(faults, seen).routes(), exception_handlers=ERRORS)
    return ByService(services, control)


def _host(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the first label of the Host header: `accounts` of `accounts.mocks.svc:8080`."""
    for name, value in headers:
        if name == b"host":
            return value.decode("latin-1").partition(":")[0].partition(".")[0].lower()
    return ""
