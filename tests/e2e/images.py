"""The images under test: built from the checkout and put on the cluster's nodes."""

from pathlib import Path
from typing import NamedTuple

from tests.e2e import objects
from tests.e2e.cluster import Cluster, run

REPOSITORY = Path(__file__).parents[2]

BUILD_SECONDS = 900.0
"""How long one image may take from nothing, on two busy cores and a slow package index."""

LOAD_SECONDS = 300.0
"""How long all images may take to be on all nodes."""


class Image(NamedTuple):
    """One image."""

    name: str
    dockerfile: str
    context: str
    arguments: tuple[str, ...] = ()


IMAGES = (
    Image(objects.MESSENGER_IMAGE, "messenger/Dockerfile", "."),
    Image("messenger-v2:2.0", "messenger/Dockerfile", ".", ("--build-arg", "VERSION=2.0")),
    # Made from the first one; the name is ours, since that of the good one is taken.
    Image(objects.BAD_IMAGE, "istio/bad/Dockerfile", "istio/bad"),
    Image("messenger-downstream:1.0", "downstream/Dockerfile", "."),
    Image(objects.PROBER_IMAGE, "tests/e2e/Dockerfile", "tests/e2e"),
    Image(objects.PROMETHEUS_IMAGE, "tests/e2e/prometheus/Dockerfile", "tests/e2e/prometheus"),
)
"""By the names that `k8s/` and `skaffold.yaml` have for them."""


def build() -> None:
    """Build all images, with the builder that the environment chooses (DOCKER_BUILDKIT)."""
    for image in IMAGES:
        run(
            [
                *("docker", "build", "--tag", image.name, *image.arguments),
                *("--file", str(REPOSITORY / image.dockerfile), str(REPOSITORY / image.context)),
            ],
            timeout_seconds=BUILD_SECONDS,
        )


def load(cluster: Cluster) -> None:
    """Put all images on the nodes, in one archive: the layers that they share go once."""
    names = [image.name for image in IMAGES]
    command = ["kind", "load", "docker-image", "--name", cluster.name, *names]
    run(command, timeout_seconds=LOAD_SECONDS)
