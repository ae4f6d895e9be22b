"""The control of Messenger's speed: the same message and the same seven calls in plain lines.

`python -m tests.bench.plain httpx URL` serves it with the stock client of httpx, `httpx-each` with
one of these for each downstream, `aiohttp` with that of aiohttp; URL is where the mocks are. No
metrics, no traces, no health, no readable errors.
"""

import asyncio
import contextlib
import json
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Ask = Callable[..., Awaitable[Any]]
"""Sends a request, by method and address, and returns the JSON of its answer."""

SNAPSHOTS = ("accounts", "contacts", "profiles")
"""What is loaded once, of the downstreams that this message needs."""

SERVICES = (
    *SNAPSHOTS,
    *("consent", "presence", "translation", "spam", "links", "delivery", "audit"),
)
"""All that it needs."""

PATIENCE_SECONDS = 30.0
"""Time for one message: as long as Messenger is given here."""

KEEP_ALIVE_SECONDS = 4.0
"""How long an idle connection is kept: as Messenger does. With more, those of a thousand clients
would be opened again by one side only when the machine is slow."""


@contextlib.asynccontextmanager
async def over_httpx(url: str, *, is_shared: bool) -> AsyncIterator[Ask]:
    """Ask with httpx as it comes: one client for all downstreams, or one for each of them.

    With no limit on its connections, which few would lift, one client kept all 40 of 8 messages at
    once, and one round said 15.3 times in place of 9.3, and of 5.4 for one client each: whenever a
    request begins or ends a pool looks at each of its connections, at idle ones by a system call.
    """
    import httpx  # noqa: PLC0415 - the other client is not to be in memory

    async with contextlib.AsyncExitStack() as opened:
        clients = {
            name: await opened.enter_async_context(httpx.AsyncClient(base_url=url, timeout=None))  # noqa: S113 - see send
            for name in (("all",) if is_shared else SERVICES)
        }

        async def ask(method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
            name = "all" if is_shared else path.split("/", 2)[1]
            return (await clients[name].request(method, path, **more)).json()

        yield ask


@contextlib.asynccontextmanager
async def over_aiohttp(url: str) -> AsyncIterator[Ask]:
    """Ask with aiohttp."""
    import aiohttp  # noqa: PLC0415 - the other client is not to be in memory

    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
    async with aiohttp.ClientSession(connector=connector) as client:

        async def ask(method: str, path: str, **more: Any) -> Any:  # noqa: ANN401 - JSON
            async with client.request(method, url + path, **more) as response:
                return await response.json()

        yield ask


async def send(request: Request) -> JSONResponse:
    """Send a message as Messenger does when all goes well."""
    ask, entries = request.app.state.ask, request.app.state.entries
    draft = await request.json()
    text, recipient = {"text": draft["body"]}, draft["recipient"]
    words = f"sender={draft['sender']}&recipient={recipient}&channel={draft['channel']}"
    assert entries["accounts"][draft["sender"]]["enabled"]
    async with asyncio.timeout(PATIENCE_SECONDS):
        consent, presence, translation, spam, links = await asyncio.gather(
            ask("GET", f"/consent/v1/consent?{words}"),
            ask("GET", f"/presence/v1/presence/{recipient}"),
            ask("POST", "/translation/v1/translations", json={**text, "to": "en"}),
            ask("POST", "/spam/v1/scores", json=text),
            ask("POST", "/links/v1/links", json=text),
        )
        assert consent["allowed"]
        assert spam["score"] < 0.9
        body = translation["text"]
        for link, short in links["links"].items():
            body = body.replace(link, short)
        handover = {
            **draft,
            "id": uuid.uuid4().hex,
            "address": entries["contacts"][recipient][draft["channel"]],
            "text": f"{entries['profiles'][draft['sender']]['name']}: {body}",
            "status": "accepted",
        }
        headers = {"Idempotency-Key": request.headers.get("idempotency-key") or uuid.uuid4().hex}
        delivery = await ask("POST", "/delivery/v1/deliveries", json=handover, headers=headers)
        about = {"id": delivery["id"], "sender": draft["sender"], "online": presence["online"]}
        await ask("POST", "/audit/v1/records", json=about)
    receipt = {"id": delivery["id"], "status": delivery["status"], "degraded": [], "version": "1.0"}
    return JSONResponse(receipt, 202, headers)


async def version(request: Request) -> JSONResponse:
    """Tell the release: the route that costs least."""
    del request
    return JSONResponse({"version": "1.0", "pod": "plain"})


def application(
    open_client: Callable[[], contextlib.AbstractAsyncContextManager[Ask]],
) -> Starlette:
    """Build the application around a client."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_client() as ask:
            app.state.ask, app.state.entries = ask, {}
            for name in SNAPSHOTS:
                page = await ask("GET", f"/{name}/v1/entries?limit=10000")
                app.state.entries[name] = {entry["id"]: entry for entry in page["entries"]}
            yield

    routes = [Route("/v1/messages", send, methods=["POST"]), Route("/version", version)]
    return Starlette(routes=routes, lifespan=lifespan)


def main(client: str, url: str) -> None:
    """Serve until a signal."""
    openings: Mapping[str, Callable[[str], contextlib.AbstractAsyncContextManager[Ask]]] = {
        "httpx": partial(over_httpx, is_shared=True),
        "httpx-each": partial(over_httpx, is_shared=False),
        "aiohttp": over_aiohttp,
    }
    opening = openings[client]
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    print(json.dumps({"message": "listening", "host": host, "port": port}), flush=True)  # noqa: T201 - how a test finds it
    config = uvicorn.Config(application(partial(opening, url)), access_log=False, log_config=None)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
