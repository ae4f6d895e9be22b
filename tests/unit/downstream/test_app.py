"""Calls find their service by path or by Host, and everything else is told that it is nowhere."""

import httpx
import pytest
from starlette.types import ASGIApp

from downstream.app import create_app, service_routes
from downstream.delivery import Deliveries
from downstream.ledger import Ledger
from downstream.people import invent
from downstream.settings import SERVICES
from messenger.faults import Faults


def test_every_service_that_can_be_set_has_routes() -> None:
    """The names in the settings are those in the application."""
    assert tuple(service_routes(invent(8), Deliveries(Ledger()))) == SERVICES


@pytest.mark.parametrize(
    "host",
    ["accounts", "accounts:8080", "accounts.mocks.svc.cluster.local:8080", "ACCOUNTS"],
)
async def test_service_is_found_by_its_host(client: httpx.AsyncClient, host: str) -> None:
    """A Kubernetes Service needs no path of its own."""
    answer = await client.get("/v1/entries/alice", headers={"Host": host})

    assert answer.json() == {"id": "alice", "enabled": True}


async def test_path_wins_over_the_host(client: httpx.AsyncClient) -> None:
    """A prefix says plainly what is meant."""
    answer = await client.get("/profiles/v1/entries/grace", headers={"Host": "accounts"})

    assert answer.json() == {"id": "grace", "name": "Grace", "locale": "fr"}


async def test_control_is_reached_under_the_host_of_a_service(client: httpx.AsyncClient) -> None:
    """Inside a cluster there is no other name to reach it by."""
    answer = await client.get("/debug/faults/accounts", headers={"Host": "accounts"})

    assert answer.json() == {"faults": "", "ttl_seconds": None}


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/nothing", "mocks"),
        ("/v1/entries", "mocks"),
        ("/accounts/v2/entries", "mocks"),
        ("/accounts", "mocks"),
        ("/v1/nothing", "accounts"),
        ("/v1/entries", ""),
    ],
)
async def test_unknown_path_is_a_problem(client: httpx.AsyncClient, path: str, host: str) -> None:
    """404 in RFC 9457's format."""
    answer = await client.get(path, headers={"Host": host})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_wrong_verb_is_a_problem_that_names_the_right_one(client: httpx.AsyncClient) -> None:
    """405 with Allow."""
    answer = await client.get("/audit/v1/records")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_service_that_is_not_played_is_not_there() -> None:
    """A process that plays two services knows of no third one."""
    app: ASGIApp = create_app(
        people=invent(8),
        deliveries=Deliveries(Ledger()),
        faults={"accounts": Faults(), "audit": Faults()},
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://mocks") as client:
        statuses = [
            (await client.get(path)).status_code
            for path in ("/accounts/v1/entries", "/contacts/v1/entries", "/debug/faults/contacts")
        ]
        listed = (await client.get("/")).json()

    assert statuses == [200, 404, 404]
    assert list(listed) == ["accounts", "audit"]
