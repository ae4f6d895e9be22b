"""The health endpoints as an ASGI application: in front of everything, or as routes."""

import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from messenger.health import Health, health_routes
from messenger.health.lifecycle import State
from messenger.health.probes import Answer, Question
from messenger.health.routes import HealthApp, HealthFirst, is_health_path

from .asgi import Client, http


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/health", True),
        ("/health/", True),
        ("/health/ready", True),
        ("/healthz", False),
        ("/v1/health", False),
        ("", False),
        ("/", False),
    ],
)
def test_health_paths_are_that_one_and_those_below(path: str, *, expected: bool) -> None:
    """And nothing that only begins alike."""
    assert is_health_path(path) is expected


class Asked:
    """Answers everything, and remembers the questions."""

    def __init__(self) -> None:
        self.questions: list[Question] = []

    def __call__(self, question: Question) -> Answer:
        """Answer."""
        self.questions.append(question)
        return Answer(503, b"{}", (("Retry-After", "1"), ("Content-Length", "2")))


async def other(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Be the application behind."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body"})


async def test_the_question_holds_all_that_matters() -> None:
    """Method, path, query and the bearer's token; the request's body is not read."""
    asked, client = Asked(), Client()
    headers = [(b"host", b"anything"), (b"authorization", b"BEARER abc")]
    scope = http("/health/ready", method="HEAD", query_string=b"verbose&x=%20", headers=headers)
    await HealthApp(asked)(scope, never, client.send)

    assert asked.questions == [Question("HEAD", "/health/ready", "verbose&x=%20", "abc", "loop")]
    assert client.status == 503
    assert client.headers == {"retry-after": "1", "content-length": "2"}
    assert client.body == b"{}"


async def never() -> dict[str, Any]:
    """Be a body that must not be read."""
    raise AssertionError


@pytest.mark.parametrize("value", [b"", b"abc", b"Basic abc"])
async def test_another_kind_of_authorization_is_no_token(value: bytes) -> None:
    """Only a bearer has one."""
    asked = Asked()
    scope = http("/health", headers=[(b"authorization", value)])
    await HealthApp(asked)(scope, never, Client().send)

    assert asked.questions[0].token == ""


async def test_health_paths_never_reach_the_application() -> None:
    """Everything else does, in whatever protocol."""
    asked = Asked()
    app = HealthFirst(HealthApp(asked), other)
    statuses = []
    for scope in (
        http("/health/ready"),
        http("/healthz"),
        http("/health/ready", type="websocket"),
        {"type": "lifespan"},
    ):
        client = Client()
        await client.call(app, scope)
        statuses.append(client.status)

    assert statuses == [503, 418, 418, 418]
    assert len(asked.questions) == 1


async def hello(_: Request) -> PlainTextResponse:
    """Be a route of the application."""
    return PlainTextResponse("hello")


async def test_routes_answer_inside_another_application() -> None:
    """The same answers, for whoever runs under another server."""
    health = Health(termination_log=None)
    app = Starlette(routes=[Route("/", hello), *health_routes(health)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://any.host") as client:
        assert (await client.get("/")).text == "hello"
        assert (await client.get("/health/ready")).status_code == 503
        health.lifecycle.move(State.WARMING, "test")
        health.lifecycle.move(State.SERVING, "test")
        ready = await client.get("/health/ready", headers={"Host": "x" * 300})
        assert ready.status_code == 200
        assert ready.headers["content-type"] == "application/health+json"
        assert json.loads(ready.content)["status"] == "pass"
        assert (await client.head("/health/alive")).content == b""
        assert (await client.post("/health/alive")).status_code == 405
        assert (await client.get("/health/ready/nope")).status_code == 404
        assert (await client.get("/health")).status_code == 200
