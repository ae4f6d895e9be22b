"""Who has no identity, or the wrong one, is refused; the kubelet, who has none, is not."""

from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.mesh.caller import Caller, Reply, calling
from tests.e2e.mesh.canary import (
    SWITCH,
    Canary,
    both,
    open_canary,
    with_environment,
    with_replicas,
)

DELIVERY = "http://delivery:8080/delivery/stats"
VERSION = "http://messenger/version"
FAULTS = "http://messenger/debug/faults"
MESSAGE = {"sender": "alice", "recipient": "bob", "channel": "push", "body": "identity"}

MESSENGER = "messenger"
"""The service account that is Messenger's identity."""


@pytest.fixture(scope="module")
def space(mesh: Cluster) -> Iterator[Canary]:
    """Yield a canary of few pods, the mocks with their proxies."""
    edit = both(with_environment(SWITCH), with_replicas({"messenger": 2, "downstream": 1}))
    with open_canary(mesh, "identity", edit) as space:
        yield space


@pytest.fixture(scope="module")
def neighbour(space: Canary) -> Iterator[Caller]:
    """Yield a pod in the mesh that is not Messenger."""
    with calling(space, "neighbour") as caller:
        yield caller


@pytest.fixture(scope="module")
def stranger(space: Canary) -> Iterator[Caller]:
    """Yield a pod that has no proxy: what it says is plain text."""
    with calling(space, "stranger", is_in_mesh=False) as caller:
        yield caller


@pytest.fixture(scope="module")
def messenger(space: Canary) -> Iterator[Caller]:
    """Yield a pod with Messenger's identity."""
    with calling(space, "double", account=MESSENGER) as caller:
        yield caller


@pytest.fixture
def _locked(space: Canary) -> Iterator[None]:
    """Have both components."""
    with space.having("strict-mtls", "authorization"):
        yield


def told(replies: list[Reply]) -> int:
    """Return the status of the one reply."""
    (reply,) = replies
    return reply.status


def test_without_the_components_everybody_may_do_everything(
    neighbour: Caller, stranger: Caller
) -> None:
    """The control."""
    assert told(stranger.ask(VERSION)) == 200
    assert told(stranger.ask(DELIVERY)) == 200
    assert told(neighbour.ask(DELIVERY)) == 200
    assert told(neighbour.ask(FAULTS)) == 200


@pytest.mark.usefixtures("_locked")
def test_only_who_may_is_heard(
    space: Canary, neighbour: Caller, stranger: Caller, messenger: Caller
) -> None:
    """Plain text is no connection, a wrong identity is 403, and messages go their way."""
    (plain,) = stranger.ask(VERSION)
    assert (plain.status, plain.error != "") == (0, True), plain
    assert told(stranger.ask(DELIVERY)) == 0
    assert told(neighbour.ask(DELIVERY)) == 403
    assert told(neighbour.ask(FAULTS)) == 403
    assert told(neighbour.ask(VERSION)) == 200
    assert told(messenger.ask(DELIVERY)) == 200
    message = neighbour.ask("http://messenger/v1/messages", method="POST", body=MESSAGE, times=50)
    assert {reply.status for reply in message} == {202}

    # The pods of the mocks were replaced under both, so a probe that is refused would show.
    with space.pods("messenger") as ours, space.pods("downstream") as mocks:
        assert [pod.name for pod in (*ours.now, *mocks.now) if not pod.is_ready] == []
        assert [pod.name for pod in (*ours.now, *mocks.now) if pod.restarts] == []
