"""What goes wrong, as HTTP says it: RFC 9457's `application/problem+json`.

This is the only place that knows which error of the domain has which status.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from messenger import errors
from messenger.errors import MessengerError, Overloaded, Refusal, Unavailable

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER_SECONDS = 2
"""What a 503 asks the client to wait: less than the three seconds of a request's deadline, so that
a short trouble is over soon, and not so little that the retries come before the trouble is gone."""

KIND = "tag:messenger.example,2026:"
"""Beginning of each problem's type: RFC 4151's tag, as RFC 9457, section 3.1.1, has it for types
that are no addresses. The date is part of the name and never changes."""


class Problem(Struct, frozen=True):
    """Why a request was not served (RFC 9457)."""

    type: str
    """Names the kind of problem, for programs; "about:blank" when the status says it all."""

    title: str
    status: int
    detail: str | UnsetType = UNSET
    field: str | UnsetType = UNSET
    """The field or header at fault; "$" for the body as a whole."""


class Kind(NamedTuple):
    """What all problems of one kind have in common."""

    status: int
    name: str
    title: str


KINDS: Mapping[type[MessengerError], Kind] = {
    errors.SenderUnknown: Kind(422, "sender-unknown", "There is no such sender"),
    errors.SenderDisabled: Kind(422, "sender-disabled", "The sender's account is disabled"),
    errors.RecipientUnknown: Kind(422, "recipient-unknown", "There is no such recipient"),
    errors.NoAddress: Kind(422, "no-address", "The recipient has no address for the channel"),
    errors.ConsentRefused: Kind(403, "consent-refused", "The recipient does not want this"),
    errors.LooksLikeSpam: Kind(422, "looks-like-spam", "The body looks like spam"),
    errors.KeyReused: Kind(422, "key-reused", "The key belongs to another message"),
    errors.MessageUnknown: Kind(404, "message-unknown", "There is no such message"),
    Unavailable: Kind(503, "downstream-unavailable", "Something this needs does not answer"),
    Overloaded: Kind(503, "overloaded", "There is no room for this request now"),
}
"""Every error of the domain that a client can meet with."""


class InputProblem(Exception):
    """Raised when a request is not what its route takes, before the domain has seen it.

    Args:
        kind: What is wrong.
        detail: What is wrong in this case.
        field: The field or header at fault.
        headers: What the answer's headers are to say beside.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.field = field
        self.headers = headers


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as a response."""
    content = msgspec.json.encode(problem)
    return Response(content, problem.status, headers, MEDIA_TYPE)


def answer_domain(error: MessengerError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response to an error of the domain.

    What went wrong with a downstream is not told: its name is, the rest is for logs and metrics.
    """
    kind = KINDS[type(error)]
    field = error.field if isinstance(error, Refusal) else None
    detail = (
        f"No usable answer from {error.downstream}." if isinstance(error, Unavailable) else None
    )
    problem = Problem(KIND + kind.name, kind.title, kind.status, detail or UNSET, field or UNSET)
    # RFC 9110, section 10.2.3: how long it makes sense to wait before trying again.
    wait = {"retry-after": str(RETRY_AFTER_SECONDS)} if kind.status == 503 else {}  # noqa: PLR2004 - an HTTP status is its own name
    return answer(problem, {**wait, **(headers or {})})


async def _domain(_request: Request, error: MessengerError) -> Response:
    return answer_domain(error)


async def _input(_request: Request, error: InputProblem) -> Response:
    kind = error.kind
    # An empty name is one: JSON allows it.
    field = UNSET if error.field is None else error.field
    problem = Problem(KIND + kind.name, kind.title, kind.status, error.detail, field)
    return answer(problem, error.headers)


async def _http(_request: Request, error: HTTPException) -> Response:
    return answer(Problem("about:blank", error.detail, error.status_code), error.headers)


async def _departed(_request: Request, _error: Exception) -> Response:
    # Nobody will read it; without an answer the server would log a defect of ours.
    return answer(Problem("about:blank", "Bad Request", 400, "The body ended too soon."))


async def _defect(_request: Request, _error: Exception) -> Response:
    # Starlette raises the error again behind the answer, so that it is logged with its traceback.
    return answer(Problem("about:blank", "Internal Server Error", 500))


ERRORS: Mapping[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
    MessengerError: _domain,
    InputProblem: _input,
    HTTPException: _http,
    ClientDisconnect: _departed,
    Exception: _defect,
}
"""Who answers what is raised: Starlette's `exception_handlers`."""
