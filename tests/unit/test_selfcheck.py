"""The request that a process sends to itself before it takes traffic."""

import pytest
from starlette.types import Receive, Scope, Send

from messenger import selfcheck
from messenger.selfcheck import SelfCheckFailed


async def test_an_answer_of_200_passes() -> None:
    """The application is asked with its state, as a server would ask it."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        seen.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    await selfcheck.check(app, {"service": "s"})

    assert (seen[0]["path"], seen[0]["state"]) == ("/version", {"service": "s"})


@pytest.mark.parametrize("status", [500, 404, None], ids=["an error", "no route", "no answer"])
async def test_anything_else_does_not(status: int | None) -> None:
    """The pod stays unready, and says why."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        if status is not None:
            await send({"type": "http.response.start", "status": status, "headers": []})

    with pytest.raises(SelfCheckFailed, match=r"path=/version"):
        await selfcheck.check(app, {})
