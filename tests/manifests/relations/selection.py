"""Who selects which pods, and by what label a version is known."""

from collections.abc import Iterator
from itertools import permutations

from tests.manifests.objects import (
    Object,
    Objects,
    find,
    image_name,
    of_kind,
    own_containers,
    pods,
    selects,
)


def workloads_select_their_own_pods(objects: Objects) -> list[str]:
    """Two Deployments that select the same pods delete each other's."""
    every = list(pods(objects))
    alone = [
        f"{each.owner} does not select its own pods"
        for each in every
        if not selects(each.selector, each.labels)
    ]
    return alone + [
        f"{one.owner} selects the pods of {other.owner}"
        for one, other in permutations(every, 2)
        if one.namespace == other.namespace and selects(one.selector, other.labels)
    ]


def versions_are_those_of_the_images(objects: Objects) -> list[str]:
    """The label `version`, by which the mesh shares traffic out, is the image's version."""
    problems = []
    for each, container in own_containers(objects):
        if each.labels.get("app") != "messenger":
            continue
        name, tag = image_name(container), str(container["image"]).rpartition(":")[2]
        label = str(each.labels.get("version"))
        if label != tag:
            problems.append(f"{each.owner} has version {label} and an image of version {tag}")
        if name != f"messenger-v{tag.partition('.')[0]}":
            problems.append(f"{each.owner} has version {tag} of the image {name}")
        if "MESSENGER_VERSION" in {variable["name"] for variable in container.get("env", ())}:
            problems.append(f"{each.owner} sets MESSENGER_VERSION, which is the image's to say")
    return problems


def versions_differ_in_version_only(objects: Objects) -> list[str]:
    """A canary that differs in more than its version shows nothing about its version."""
    names = {each["metadata"]["name"] for each in of_kind(objects, "Deployment")}
    if "messenger-v2" not in names:
        return []
    one, two = (find(objects, "Deployment", name) for name in ("messenger", "messenger-v2"))
    ours = dict(_leaves(one["spec"]))
    theirs = dict(_leaves(two["spec"]))
    expected = {
        "/replicas",
        "/selector/matchLabels/version",
        "/template/metadata/labels/version",
        "/template/spec/containers/0/image",
    }
    return [
        f"messenger-v2 differs from messenger in {path}: {theirs.get(path)}, not {ours.get(path)}"
        for path in sorted(ours.keys() | theirs.keys())
        if ours.get(path) != theirs.get(path) and path not in expected
    ]


def _leaves(part: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield from _leaves(value, f"{path}/{key}")
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from _leaves(value, f"{path}/{index}")
    else:
        yield path, part


def objects_share_a_namespace(objects: Objects) -> list[str]:
    """What a component adds has to be where the rest of the overlay is."""
    named: list[Object] = list(of_kind(objects, "Namespace"))
    if not named:
        return []
    home = named[0]["metadata"]["name"]
    return [
        f"{each['kind']} {each['metadata']['name']} is not in {home}"
        for each in objects
        if each["kind"] != "Namespace" and each["metadata"].get("namespace") != home
    ]
