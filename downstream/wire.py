"""How the mocks speak: JSON in, JSON or a problem of RFC 9457 out."""

from http import HTTPStatus
from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_T = TypeVar("_T")


class Json(Response):
    """An answer in JSON."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """Encode the content."""
        return msgspec.json.encode(content)


class Problem(Response):
    """An answer that says what is wrong.

    Args:
        status_code: The HTTP status.
        detail: What is wrong with this very request.
        headers: More headers.
    """

    media_type = "application/problem+json"

    def __init__(
        self, status_code: int, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(status_code).phrase,
            "status": status_code,
            "detail": detail,
        }
        super().__init__(msgspec.json.encode(problem), status_code, headers)


async def read(request: Request, kind: type[_T]) -> _T:
    """Read the body of a request.

    Raises:
        HTTPException: if it is no JSON, or not of that kind.
    """
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.ValidationError as exc:
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, str(exc)) from exc
    except msgspec.DecodeError as exc:
        raise HTTPException(HTTPStatus.BAD_REQUEST, str(exc)) from exc


async def answer_problem(request: Request, exc: Exception) -> Response:
    """Answer for an exception that Starlette or a handler raised."""
    del request
    assert isinstance(exc, HTTPException)  # noqa: S101 - the type that it is registered for
    headers = dict(exc.headers) if exc.headers else None
    return Problem(exc.status_code, exc.detail, headers)
