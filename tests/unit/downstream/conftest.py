"""The mocks as an application in memory, and a client that speaks to it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from starlette.types import ASGIApp

from downstream.app import create_app
from downstream.delivery import Deliveries
from downstream.ledger import Ledger
from downstream.people import Person, invent
from downstream.settings import SERVICES
from messenger.faults import Faults

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
"""The time of day in these tests."""


@pytest.fixture
def people() -> list[Person]:
    """The cast, and four more."""
    return invent(12)


@pytest.fixture
def app(people: list[Person]) -> ASGIApp:
    """All twelve services, sound, with an empty ledger."""
    return create_app(
        people=people,
        deliveries=Deliveries(Ledger(), now=lambda: NOON),
        faults={name: Faults(seed=1) for name in SERVICES},
    )


@pytest.fixture
async def client(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://mocks") as client:
        yield client
