"""A 202 is a promise: what was promised is delivered once, whoever retries, and nothing else is."""

import asyncio

import aiohttp
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from tests.integration import clients
from tests.integration.service import pair, until_ready

LIVE = ("consent", "presence", "translation", "spam", "links", "delivery", "audit")
"""The downstreams that each message calls."""

MESSAGES = 1_000
AT_ONCE = 10
"""Messages in flight at a time: both copies of each are on their way together."""

PATIENT = {"MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": "30"}
"""A deadline that no load of the machine meets: what is shown is that nothing is sent twice, and a
503 of an overloaded moment, which promises nothing, would only stand in the way."""


async def send_twice(client: aiohttp.ClientSession, url: str, number: int) -> tuple[object, object]:
    """Send one message twice at the same time, with one key, and return both answers' ids."""
    draft = {"sender": "alice", "recipient": "bob", "channel": "push", "body": f"number {number}"}

    async def send() -> object:
        headers = {"Idempotency-Key": f"key-{number}"}
        async with client.post(f"{url}/v1/messages", json=draft, headers=headers) as response:
            body = await response.json()
            assert response.status == 202, body
            return body["id"]

    first, second = await asyncio.gather(send(), send())
    return first, second


async def send_all(url: str) -> list[tuple[object, object]]:
    """Send every message twice, a few of them at a time."""
    slots = asyncio.Semaphore(AT_ONCE)
    connector = aiohttp.TCPConnector(limit=2 * AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as client:

        async def send(number: int) -> tuple[object, object]:
            async with slots:
                return await send_twice(client, url, number)

        return await asyncio.gather(*(send(number) for number in range(MESSAGES)))


def test_a_thousand_messages_sent_twice_at_once_are_delivered_once() -> None:
    """1,000 keys, each sent twice concurrently: 1,000 deliveries, no duplicate, one id a key."""
    with pair(messenger=PATIENT) as service:
        until_ready(service)
        ids = asyncio.run(send_all(service.messenger.url))
        stats = service.stats()

    assert all(first == second for first, second in ids)
    assert len({first for first, _ in ids}) == MESSAGES
    assert (stats["deliveries"], stats["duplicates"]) == (MESSAGES, 0)
    assert stats["replays"] == MESSAGES


def test_without_a_key_a_second_try_is_a_second_message() -> None:
    """The control: what makes it once is the key, and the duplicates are counted."""
    with pair() as service, clients.client() as client:
        until_ready(service)
        ids = {service.send(client).json()["id"] for _ in range(3)}
        stats = service.stats()

    assert len(ids) == 3
    assert (stats["deliveries"], stats["duplicates"]) == (3, 2)


def test_a_key_used_for_another_message_is_refused() -> None:
    """The same key with another body is 422, and hands nothing over."""
    with pair() as service, clients.client() as client:
        until_ready(service)
        first = service.send(client, key="one", body="Hello")
        second = service.send(client, key="one", body="Something else")
        stats = service.stats()

    assert (first.status_code, second.status_code) == (202, 422)
    assert second.headers["content-type"] == "application/problem+json"
    assert stats["deliveries"] == 1


def test_a_message_can_be_followed_from_its_caller_to_every_live_downstream() -> None:
    """Over real connections each of the seven is told the caller's trace."""
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    with pair() as service, clients.client(headers={"traceparent": trace}) as client:
        until_ready(service)
        status = service.send(client).status_code
        seen = {
            name: service.get(f"{service.downstream.url}/debug/seen/{name}")["traceparents"]
            for name in LIVE
        }

    assert status == 202
    assert seen == {name: [trace] for name in LIVE}


def test_both_formats_of_the_metrics_can_be_parsed() -> None:
    """By the parsers of prometheus_client; and no label holds an id or a raw path."""
    with pair() as service, clients.client() as client:
        until_ready(service)
        ids = [service.send(client, key="my-own-key").json()["id"]]
        client.get(f"{service.messenger.url}/v1/messages/{ids[0]}")
        client.get(f"{service.messenger.url}/nowhere/at/all", headers={"x-request-id": "my-own-id"})
        url = f"{service.messenger.url}/metrics"
        plain = client.get(url).text
        accept = {"accept": "application/openmetrics-text; version=1.0.0"}
        openmetrics = client.get(url, headers=accept).text

    families = list(text_string_to_metric_families(plain))
    others = list(openmetrics_families(openmetrics))  # type: ignore[no-untyped-call]
    names = {family.name for family in families if not family.name.endswith("_created")}
    labels = {
        value
        for family in families
        for sample in family.samples
        for value in sample.labels.values()
    }
    assert {family.name for family in others} == names
    assert {"messenger_requests", "messenger_degraded", "health_status"} <= names
    assert {"/v1/messages", "/v1/messages/{id}", "unmatched"} <= labels
    assert not labels & {*ids, "my-own-key", "my-own-id", "alice", "bob"}
    assert not [value for value in labels if "nowhere" in value]
