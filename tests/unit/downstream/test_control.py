"""Faults change at run time, one service at a time, and tests can see what reached a service."""

import httpx
import pytest


async def test_faults_strike_their_service_until_they_are_cleared(
    client: httpx.AsyncClient,
) -> None:
    """The neighbour stays sound, and so does the service afterwards."""
    put = await client.put("/debug/faults/spam", json={"faults": "error=500:100%"})
    struck = await client.post("/spam/v1/scores", json={"text": ""})
    neighbour = await client.post("/links/v1/links", json={"text": ""})
    cleared = await client.delete("/debug/faults/spam")
    sound = await client.post("/spam/v1/scores", json={"text": ""})

    assert put.json() == {"faults": "error=500:100%", "ttl_seconds": None}
    assert [struck.status_code, neighbour.status_code, sound.status_code] == [500, 200, 200]
    assert cleared.json() == {"faults": "", "ttl_seconds": None}


async def test_faults_with_a_ttl_say_how_long_they_last(client: httpx.AsyncClient) -> None:
    """The time that is left is told, and falls."""
    await client.put("/debug/faults/spam", json={"faults": "hang:5%", "ttl_seconds": 60})
    told = (await client.get("/debug/faults/spam")).json()

    assert told["faults"] == "hang:5%"
    assert 50 < told["ttl_seconds"] <= 60


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param({"faults": "eror:5%"}, "'eror:5%' is no fault; allowed:", id="grammar"),
        pytest.param({"faults": "hang:5%", "ttl_seconds": 0}, "ttl_seconds is 0", id="ttl"),
        pytest.param({"faults": "hang:5%", "ttl": 5}, "unknown field `ttl`", id="unknown"),
        pytest.param({}, "missing required field `faults`", id="missing"),
    ],
)
async def test_faults_that_are_none_are_a_problem(
    client: httpx.AsyncClient, body: dict[str, object], detail: str
) -> None:
    """422, saying what is wrong; and the faults stay as they were."""
    answer = await client.put("/debug/faults/spam", json=body)

    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    assert (await client.get("/debug/faults/spam")).json()["faults"] == ""


@pytest.mark.parametrize("path", ["/debug/faults/nothing", "/debug/seen/nothing"])
async def test_control_of_an_unknown_service_is_a_problem(
    client: httpx.AsyncClient, path: str
) -> None:
    """404 in RFC 9457's format."""
    answer = await client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_seen_counts_business_calls_also_those_that_a_fault_struck(
    client: httpx.AsyncClient,
) -> None:
    """What reached the service counts, whatever it was answered; looking at it does not."""
    await client.put("/debug/faults/delivery", json={"faults": "fail-next:1"})
    for _ in range(3):
        await client.get("/delivery/v1/deliveries/x")
        await client.get("/delivery/stats")

    assert (await client.get("/debug/seen/delivery")).json() == {"calls": 3, "traceparents": []}


async def test_seen_remembers_the_last_twenty_traces(client: httpx.AsyncClient) -> None:
    """A test can tell that the trace it began arrived."""
    traces = [f"00-{number:032x}-{number:016x}-01" for number in range(1, 26)]
    for trace in traces:
        await client.get("/presence/v1/presence/bob", headers={"traceparent": trace})

    assert (await client.get("/debug/seen/presence")).json() == {
        "calls": 25,
        "traceparents": traces[-20:],
    }


async def test_list_of_services_tells_addresses_and_faults(client: httpx.AsyncClient) -> None:
    """Whoever opens the root finds the way."""
    await client.put("/debug/faults/links", json={"faults": "hang:5%"})
    listed = (await client.get("/")).json()

    assert len(listed) == 12
    assert listed["links"] == {
        "url": "http://mocks/links",
        "faults": "hang:5%",
        "ttl_seconds": None,
    }
