"""The whole service without a socket: the application in front of real mocks, in one process."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from downstream.app import create_app as create_mocks
from downstream.delivery import Deliveries
from downstream.ledger import Ledger
from downstream.people import invent
from messenger.app import create_app
from messenger.downstreams import Downstreams
from messenger.faults import Faults, parse
from messenger.metrics import Metrics
from messenger.process import make_health
from messenger.settings import Settings
from messenger.telemetry import Telemetry
from messenger.tracing import Passing, Tracer
from messenger.twelve import TABLE

DRAFT = {"sender": "alice", "recipient": "bob", "channel": "push", "body": "Hello"}
"""A message that is accepted."""


class Service:
    """The application in front of its mocks.

    Args:
        settings: What was set.
        tracer: What begins spans; none is recorded unless a test brings a tracer that does.
        faults: The faults of a downstream, by its name.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        tracer: Tracer | None = None,
        faults: Mapping[str, str] | None = None,
    ) -> None:
        dice = random.Random(1)
        self.ledger = Ledger(None)
        mocks = create_mocks(
            people=invent(8),
            deliveries=Deliveries(self.ledger),
            faults={each.name: Faults(parse((faults or {}).get(each.name, ""))) for each in TABLE},
        )
        self.health = make_health(settings)
        self.telemetry = Telemetry(
            Metrics(CollectorRegistry(), settings.version),
            tracer or Passing(dice.getrandbits),
            bits=dice.getrandbits,
        )
        transport = httpx.ASGITransport(mocks)
        downstreams = Downstreams("http://mocks/{service}", transport, observer=self.telemetry)
        self.app = create_app(
            settings, health=self.health, telemetry=self.telemetry, downstreams=downstreams
        )
        self.mocks = httpx.AsyncClient(transport=transport, base_url="http://mocks")

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """Speak HTTP to the application while its lifespan goes on."""
        async with lifespan(self.app) as state:

            async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
                # What a server does with what the lifespan yields, which httpx does not.
                await self.app({**scope, "state": dict(state)}, receive, send)

            transport = httpx.ASGITransport(with_state, raise_app_exceptions=False)
            async with (
                self.mocks,
                httpx.AsyncClient(transport=transport, base_url="http://messenger") as client,
            ):
                yield client
        self.ledger.close()


@asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[dict[str, object]]:
    """Run an application's lifespan as a server does, and return the state that it yields."""
    state: dict[str, object] = {}
    steps: asyncio.Queue[Message] = asyncio.Queue()
    done: asyncio.Queue[Message] = asyncio.Queue()
    running = asyncio.ensure_future(app({"type": "lifespan", "state": state}, steps.get, done.put))
    steps.put_nowait({"type": "lifespan.startup"})
    assert (await done.get())["type"] == "lifespan.startup.complete"
    yield state
    steps.put_nowait({"type": "lifespan.shutdown"})
    assert (await done.get())["type"] == "lifespan.shutdown.complete"
    await running
