"""Problems: each error has its status and its words, and tells no more than it should."""

from collections.abc import Iterator

import msgspec
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from messenger.errors import Absent, MessengerError, Overloaded, Refusal, Unavailable
from messenger.intake import BROKEN_JSON
from messenger.problems import (
    ERRORS,
    KIND,
    KINDS,
    MEDIA_TYPE,
    RETRY_AFTER_SECONDS,
    InputProblem,
    Problem,
    answer_domain,
)

REQUEST = Request({"type": "http", "method": "GET", "headers": []})


def family(error: type[MessengerError]) -> Iterator[type[MessengerError]]:
    """Return the errors below one that have none below themselves."""
    children = error.__subclasses__()
    if not children:
        yield error
    for child in children:
        yield from family(child)


def test_every_error_that_can_reach_a_client_has_a_kind() -> None:
    """All but Absent, which the directory turns into an answer."""
    assert set(KINDS) == set(family(MessengerError)) - {Absent}


def test_every_kind_has_a_name_of_its_own() -> None:
    """Programs tell problems apart by their type."""
    names = [kind.name for kind in KINDS.values()]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("error", list(family(Refusal)))
def test_a_refusal_names_its_field(error: type[Refusal]) -> None:
    """The answer is problem+json, with the status of its kind and the field at fault."""
    response = answer_domain(error())
    problem = msgspec.json.decode(response.body, type=Problem)

    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.status_code == problem.status == KINDS[error].status
    assert problem.type == KIND + KINDS[error].name
    assert problem.field == error.field
    assert "retry-after" not in response.headers


@pytest.mark.parametrize("error", [Unavailable("presence", "garbage"), Overloaded()])
def test_what_may_pass_says_when_to_come_back(error: MessengerError) -> None:
    """503 with Retry-After; the downstream is named, what happened to it is not."""
    response = answer_domain(error, {"idempotency-key": "key-1"})

    assert response.status_code == 503
    assert response.headers["retry-after"] == str(RETRY_AFTER_SECONDS)
    assert response.headers["idempotency-key"] == "key-1"
    assert b"garbage" not in response.body


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        pytest.param(Overloaded(), 503, KINDS[Overloaded].title, id="domain"),
        pytest.param(
            InputProblem(BROKEN_JSON, "why"), BROKEN_JSON.status, BROKEN_JSON.title, id="input"
        ),
        pytest.param(HTTPException(404), 404, "Not Found", id="no such path"),
        pytest.param(ClientDisconnect(), 400, "Bad Request", id="client gone"),
        pytest.param(ValueError("secret"), 500, "Internal Server Error", id="defect"),
    ],
)
async def test_whatever_is_raised_is_answered_as_a_problem(
    error: Exception, status: int, title: str
) -> None:
    """The table has a handler for it, found as Starlette finds it, and no secret gets out."""
    handler = next(ERRORS[kind] for kind in type(error).__mro__ if kind in ERRORS)
    response = await handler(REQUEST, error)
    problem = msgspec.json.decode(response.body, type=Problem)

    assert (response.status_code, problem.title) == (status, title)
    assert b"secret" not in response.body


async def test_an_answer_keeps_the_headers_of_what_was_raised() -> None:
    """405 says in Allow what would have been allowed (RFC 9110, section 15.5.6)."""
    response = await ERRORS[HTTPException](REQUEST, HTTPException(405, headers={"Allow": "POST"}))

    assert response.headers["allow"] == "POST"
