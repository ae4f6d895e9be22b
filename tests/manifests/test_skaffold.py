"""Skaffold, Kustomize and kind speak of the same things; each rule has a change that breaks it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.images import IMAGES
from tests.e2e.objects import BAD_IMAGE, PROMETHEUS_IMAGE
from tests.manifests.objects import OWN_IMAGES, Object, own_containers
from tests.manifests.rendering import Rendering, render
from tests.manifests.skaffold import (
    PROBER,
    PROFILES,
    SKAFFOLD,
    Rule,
    builds_from_files_that_exist,
    builds_on_what_it_builds,
    builds_the_version_of_the_label,
    builds_what_it_deploys,
    configuration,
    copies_every_module,
    deploys_to_kind_only,
    tags_releases_as_the_manifests_do,
    verifies_what_it_deploys,
    waits_for_a_whole_roll_out,
)


def put(value: Any, *path: str | int) -> Callable[[Object], None]:  # noqa: ANN401 - any value of YAML
    """Return what sets a value, by the keys that lead to it."""

    def breaking(config: Object) -> None:
        part: Any = config
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value

    return breaking


V1 = ("build", "artifacts", 0)
V2 = ("build", "artifacts", 1)

CASES: list[tuple[Rule, str, Callable[[Object], None], str]] = [
    (
        builds_what_it_deploys,
        "",
        put("messenger", *V1, "image"),
        "messenger-v1 is deployed and not built",
    ),
    (
        builds_from_files_that_exist,
        "",
        put("reload", *V1, "docker", "target"),
        "messenger-v1: messenger/Dockerfile has no stage reload",
    ),
    (
        builds_the_version_of_the_label,
        "stable",
        put("1.1", *V1, "docker", "buildArgs", "VERSION"),
        "Deployment messenger has version 1.0, and {'VERSION': '1.1'",
    ),
    (
        tags_releases_as_the_manifests_do,
        "",
        put("1.0", "build", "tagPolicy", "envTemplate", "template"),
        "the stage dev has a release's tag, 1.0",
    ),
    (
        tags_releases_as_the_manifests_do,
        "stable",
        put("1.1", "build", "tagPolicy", "envTemplate", "template"),
        "messenger-downstream: the tag is 1.1, and the manifests have 1.0",
    ),
    (
        tags_releases_as_the_manifests_do,
        "canary",
        put("1.0", "build", "tagPolicy", "envTemplate", "template"),
        "messenger-v2: the tag is 1.0, and the manifests have 2.0",
    ),
    (
        builds_on_what_it_builds,
        "canary-bad",
        put("messenger", *V2, "requires", 0, "image"),
        "messenger-v2 is made from messenger, which is not built",
    ),
    (
        builds_on_what_it_builds,
        "canary-bad",
        put("IMAGE", *V2, "requires", 0, "alias"),
        "messenger-v2 does not begin from IMAGE",
    ),
    (
        deploys_to_kind_only,
        "",
        put("production", "deploy", "kubeContext"),
        "it deploys to production, not to kind-messenger",
    ),
    (
        waits_for_a_whole_roll_out,
        "stable",
        put(60, "deploy", "statusCheckDeadlineSeconds"),
        "messenger takes 125 s, the deadline 60",
    ),
    (
        verifies_what_it_deploys,
        "stable",
        put(["k8s/overlays/dev"], "manifests", "kustomize", "paths"),
        "it asks in messenger-stable, and deploys to messenger-dev",
    ),
    (
        copies_every_module,
        "",
        put("messenger/*.py", *V1, "sync", "manual", 0, "src"),
        "messenger/faults/__init__.py is not copied",
    ),
]

RULES = {rule.__name__: rule for rule, *_ in CASES}


@pytest.mark.parametrize("profile", PROFILES, ids=lambda name: name or "default")
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_rule_holds_for_the_profile(rule: Rule, profile: str) -> None:
    """Skaffold, Kustomize and kind speak of the same things."""
    assert rule(configuration(profile)) == []


@pytest.mark.parametrize(
    ("rule", "profile", "breaking", "message"),
    CASES,
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_rule_is_broken(
    rule: Rule, profile: str, breaking: Callable[[Object], None], message: str
) -> None:
    """The control: one thing changed, and it is found."""
    config = configuration(profile)
    breaking(config)

    problems = rule(config)

    assert problems, "nothing was found"
    assert problems[0].startswith(message)


def test_the_schema_is_the_one_that_was_tried() -> None:
    """A newer one may mean something else."""
    assert (SKAFFOLD["apiVersion"], SKAFFOLD["kind"]) == ("skaffold/v4beta14", "Config")


def test_the_tests_on_a_cluster_use_the_images_of_the_manifests() -> None:
    """One name for one thing, whoever builds it."""
    named = {
        str(container["image"])
        for rendering in (
            Rendering("overlays/stable"),
            Rendering("overlays/stable", ("canary-v2",)),
        )
        for _, container in own_containers(render(rendering))
    }

    assert {name.partition(":")[0] for name in named} == set(OWN_IMAGES)
    # The bad version has a name of its own here, since both versions 2.0 are on the nodes at once.
    tools = {f"{PROBER}:1.0", BAD_IMAGE, PROMETHEUS_IMAGE}
    assert {image.name for image in IMAGES} == named | tools
