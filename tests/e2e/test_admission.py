"""What a namespace lets in, and what a container that is set wrongly says."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Cluster, CommandFailed
from tests.e2e.objects import MESSENGER_IMAGE
from tests.e2e.space import Space, open_space


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[Space]:
    """Yield a namespace of the kind that all experiments use."""
    with open_space(cluster, "admission") as space:
        yield space


def test_namespaces_of_the_experiments_enforce_the_restricted_standard(space: Space) -> None:
    """That the manifests run there says something: a pod that asks for nothing is refused."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "ordinary"},
        "spec": {"containers": [{"name": "ordinary", "image": MESSENGER_IMAGE}]},
    }

    with pytest.raises(CommandFailed, match='violates PodSecurity "restricted'):
        space.cluster.kubectl(
            *("-n", space.name, "apply", "--dry-run=server", "-f", "-"), stdin=json.dumps(pod)
        )


def test_describe_shows_which_setting_is_wrong(space: Space) -> None:
    """A misspelt setting ends the container with 78, and its name is the container's last word."""
    space.deploy(
        components=(),
        env={"MESSENGER_DRAIN_MINIMUM": "5"},
        replicas={"messenger": 1},
    )
    with space.pods("messenger") as pods:
        (pod,) = pods.wait_for(
            "an end",
            lambda now: bool(now) and now[0].exit_code is not None,
            within_seconds=60,
        )

    assert pod.exit_code == 78, pod
    assert "MESSENGER_DRAIN_MINIMUM" in pod.message
    assert "MESSENGER_DRAIN_MINIMUM" in space.kubectl("describe", "pod", pod.name)
