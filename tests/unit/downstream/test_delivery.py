"""The delivery service delivers once per key, and can prove it."""

import httpx
import pytest

MESSAGE = {
    "id": "m1",
    "sender": "alice",
    "recipient": "bob",
    "channel": "push",
    "address": "device-bob",
    "body": "hello",
    "text": "alice: hello",
    "locale": None,
    "status": "accepted",
    "not_before": None,
}
"""A message as Messenger hands it over."""


async def deliver(client: httpx.AsyncClient, key: str, **changes: str | None) -> httpx.Response:
    """Hand the message over, with some changes."""
    return await client.post(
        "/delivery/v1/deliveries",
        json={**MESSAGE, **changes},
        headers={"Idempotency-Key": key},
    )


async def stats(client: httpx.AsyncClient) -> dict[str, int]:
    """Ask for the counts."""
    counts: dict[str, int] = (await client.get("/delivery/stats")).json()
    return counts


async def test_first_delivery_is_created_and_can_be_found(client: httpx.AsyncClient) -> None:
    """201 with id and status; the record tells when and to whom."""
    answer = await deliver(client, "k")
    record = await client.get("/delivery/v1/deliveries/m1")

    assert answer.status_code == 201
    assert answer.json() == {"id": "m1", "status": "accepted", "not_before": None}
    assert record.json() == {
        "id": "m1",
        "status": "accepted",
        "sender": "alice",
        "recipient": "bob",
        "channel": "push",
        "delivered_at": "2026-11-25T12:00:00+00:00",
        "not_before": None,
    }


async def test_deferred_delivery_has_not_been_made_yet(client: httpx.AsyncClient) -> None:
    """It says from when on it may be made, and has no time of delivery."""
    await deliver(client, "k", status="deferred", not_before="2026-11-25T23:59:00+00:00")
    record = (await client.get("/delivery/v1/deliveries/m1")).json()

    assert record["delivered_at"] is None
    assert record["not_before"] == "2026-11-25T23:59:00+00:00"


async def test_same_key_is_answered_as_the_first_time(client: httpx.AsyncClient) -> None:
    """A retry carries another id and another decision; what counts is the first of them."""
    await deliver(client, "k")
    answer = await deliver(client, "k", id="m2", status="deferred", not_before="later")

    assert answer.status_code == 200
    assert answer.json() == {"id": "m1", "status": "accepted", "not_before": None}
    assert await stats(client) == {"deliveries": 1, "replays": 1, "duplicates": 0}


@pytest.mark.parametrize("field", ["sender", "recipient", "channel", "body", "locale"])
async def test_same_key_with_other_content_is_a_conflict(
    client: httpx.AsyncClient, field: str
) -> None:
    """Each of the five fields makes it another message, and nothing is delivered or counted."""
    await deliver(client, "k")
    answer = await deliver(client, "k", **{field: "other"})

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert await stats(client) == {"deliveries": 1, "replays": 0, "duplicates": 0}


async def test_same_content_under_another_key_is_a_duplicate(client: httpx.AsyncClient) -> None:
    """It is delivered, since the keys say so, and it is counted, since that is rarely meant."""
    await deliver(client, "k1")
    await deliver(client, "k2", id="m2")
    await deliver(client, "k3", id="m3")

    assert await stats(client) == {"deliveries": 3, "replays": 0, "duplicates": 2}


async def test_same_id_under_another_key_is_a_conflict(client: httpx.AsyncClient) -> None:
    """An id stands for one delivery only."""
    await deliver(client, "k1")
    answer = await deliver(client, "k2", body="other")

    assert answer.status_code == 409
    assert await stats(client) == {"deliveries": 1, "replays": 0, "duplicates": 0}


async def test_delivery_without_a_key_is_a_problem(client: httpx.AsyncClient) -> None:
    """The header is named."""
    answer = await client.post("/delivery/v1/deliveries", json=MESSAGE)

    assert (answer.status_code, answer.json()["detail"]) == (400, "Idempotency-Key: required")


async def test_delivery_with_an_unknown_status_is_a_problem(client: httpx.AsyncClient) -> None:
    """A message is accepted or deferred; there is no third way."""
    answer = await deliver(client, "k", status="lost")

    assert answer.status_code == 422


async def test_unknown_delivery_is_a_problem(client: httpx.AsyncClient) -> None:
    """Nothing by that id: 404."""
    assert (await client.get("/delivery/v1/deliveries/m1")).status_code == 404
