"""How long things may take: to be noticed, to be drained, to be rolled out."""

from collections.abc import Iterator

from messenger.health.checks import Probe
from messenger.health.drain import longest_seconds
from tests.manifests.objects import Object, Objects, own_containers, pods
from tests.manifests.relations.settings import limits

PROBES = {
    "startupProbe": Probe.STARTED,
    "readinessProbe": Probe.READY,
    "livenessProbe": Probe.ALIVE,
}
"""The question that each of Kubernetes' probes is for."""


def probe_paths_exist(objects: Objects) -> list[str]:
    """Each probe asks the endpoint that is made for it."""
    return [
        f"{owner}: {kind} asks {probe['httpGet']['path']}, not /health/{PROBES[kind]}"
        for owner, kind, probe in _probes(objects)
        if probe["httpGet"]["path"] != f"/health/{PROBES[kind]}"
    ]


def every_container_is_probed(objects: Objects) -> list[str]:
    """Without readiness traffic comes too early, without liveness a deadlock stays."""
    return [
        f"{each.owner}: {container['name']} has no {kind}"
        for each, container in own_containers(objects)
        for kind in ("readinessProbe", "livenessProbe")
        if kind not in container
    ]


def liveness_outlasts_a_stall(objects: Objects) -> list[str]:
    """The process says what is wrong with it before the kubelet's own time-outs end it."""
    problems = []
    for each, container in own_containers(objects):
        probe = container.get("livenessProbe", {})
        budget = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
        limit = limits(container).stall_broken_seconds
        if limit is not None and budget <= limit:
            problems.append(
                f"{each.owner}: liveness gives up after {budget} s, a stall at {limit:g}"
            )
    return problems


def drain_fits_the_grace_period(objects: Objects) -> list[str]:
    """What is still at work when the grace period ends is killed."""
    problems = []
    for each, container in own_containers(objects):
        needed = longest_seconds(limits(container))
        grace = each.spec.get("terminationGracePeriodSeconds", 30)
        if needed > grace:
            problems.append(f"{each.owner}: a drain takes {needed:g} s of {grace} s")
    return problems


def roll_outs_lose_no_pod(objects: Objects) -> list[str]:
    """A new pod is there before an old one goes."""
    return [
        f"Deployment {each['metadata']['name']}: a roll-out may take pods away"
        for each in objects
        if each["kind"] == "Deployment"
        and each["spec"].get("strategy", {}).get("type") != "Recreate"
        and each["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxUnavailable") != 0
    ]


def processor_is_not_throttled(objects: Objects) -> list[str]:
    """A limit of CPU stalls what has done nothing wrong; a request keeps its share safe."""
    problems = []
    for each in pods(objects):
        for container in each.containers:
            resources = container.get("resources", {})
            if "cpu" not in resources.get("requests", {}):
                problems.append(f"{each.owner}: {container['name']} requests no CPU")
            if "cpu" in resources.get("limits", {}):
                problems.append(f"{each.owner}: {container['name']} has a limit of CPU")
    return problems


def _probes(objects: Objects) -> Iterator[tuple[str, str, Object]]:
    for each, container in own_containers(objects):
        for kind in PROBES:
            if kind in container:
                yield each.owner, kind, container[kind]
