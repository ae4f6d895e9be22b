"""Each downstream failing in each way, from the draft down to the network's edge.

Here the real `Downstreams` work on a fake network, so that the deadlines are real ones.
"""

import asyncio
import time

import httpx
import pytest

from messenger.downstreams import Downstreams
from messenger.errors import Unavailable
from messenger.rendering import Renderer
from messenger.service import MessageService
from tests.unit.fakes import (
    ANSWERS,
    DRAFT,
    PARTIES,
    Behaviour,
    FakeDirectory,
    FakeTransport,
    InlineThreads,
)

DEADLINE_SECONDS = 0.6
"""Of one message: short, but a third of it still is time enough for a fake network to answer in."""

SLACK_SECONDS = 0.3
"""How late an answer may be on a machine that has other things to do."""


async def fail(_request: httpx.Request) -> httpx.Response:
    """Answer 503."""
    return httpx.Response(503)


async def slow(request: httpx.Request) -> httpx.Response:
    """Answer rightly, and later than any deadline."""
    await asyncio.sleep(2 * DEADLINE_SECONDS)
    status, content = ANSWERS[request.url.host]
    return httpx.Response(status, json=content)


async def hang(_request: httpx.Request) -> httpx.Response:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def reset(_request: httpx.Request) -> httpx.Response:
    """Break the connection."""
    raise httpx.ReadError("connection reset")


async def babble(_request: httpx.Request) -> httpx.Response:
    """Answer with something else."""
    return httpx.Response(200, content=b"<html>")


BEHAVIOURS = [pytest.param(each, id=each.__name__) for each in (fail, slow, hang, reset, babble)]


def build(behaviours: dict[str, Behaviour]) -> tuple[MessageService, FakeTransport]:
    """Return a service whose network is good but for the behaviours given."""
    transport = FakeTransport(behaviours)
    service = MessageService(
        directory=FakeDirectory(PARTIES),
        downstreams=Downstreams("http://{service}", transport),
        renderer=Renderer(InlineThreads()),
        version="1.0",
        deadline_seconds=DEADLINE_SECONDS,
    )
    return service, transport


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("name", ["presence", "translation", "spam", "links", "audit"])
async def test_an_optional_downstream_is_done_without(name: str, behaviour: Behaviour) -> None:
    """The message is accepted within the deadline, and its receipt names who was missing."""
    service, _ = build({name: behaviour})
    began = time.monotonic()
    receipt = await service.send(DRAFT, "key-1")

    assert (receipt.status, receipt.degraded) == ("accepted", (name,))
    assert time.monotonic() - began < DEADLINE_SECONDS + SLACK_SECONDS


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_all_optional_downstreams_together_cost_one_share(behaviour: Behaviour) -> None:
    """Four that hang take no longer than one."""
    names = ("presence", "translation", "spam", "links")
    service, _ = build(dict.fromkeys(names, behaviour))
    began = time.monotonic()
    receipt = await service.send(DRAFT, "key-1")

    assert receipt.degraded == names
    assert time.monotonic() - began < DEADLINE_SECONDS / 3 + SLACK_SECONDS


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("name", ["consent", "delivery"])
async def test_without_a_required_downstream_nothing_is_promised(
    name: str, behaviour: Behaviour
) -> None:
    """The error names it, comes within the deadline, and no record is made."""
    service, transport = build({name: behaviour})
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        await service.send(DRAFT, "key-1")
    hosts = [request.url.host for request in transport.requests]

    assert caught.value.downstream == name
    assert time.monotonic() - began < DEADLINE_SECONDS + SLACK_SECONDS
    assert "audit" not in hosts
    assert name == "delivery" or "delivery" not in hosts


async def test_a_client_that_leaves_ends_all_its_calls() -> None:
    """Nothing goes on behind a request that was cancelled."""
    service, _ = build(dict.fromkeys(("consent", "presence", "links"), hang))
    before = asyncio.all_tasks()
    task = asyncio.create_task(service.send(DRAFT, "key-1"))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before
