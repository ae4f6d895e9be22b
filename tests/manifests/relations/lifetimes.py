"""How long things may take: to be noticed, to be drained, to be rolled out."""

from collections.abc import Iterator

from messenger.health.checks import Probe
from messenger.health.drain import longest_seconds
from messenger.settings import Settings
from tests.manifests.objects import Object, Objects, own_containers, pods
from tests.manifests.relations.settings import limits, read

PROBES = {
    "startupProbe": Probe.STARTED,
    "readinessProbe": Probe.READY,
    "livenessProbe": Probe.ALIVE,
}
"""The question that each of Kubernetes' probes is for."""

REQUEST_CPU_SECONDS = 0.005
"""What a request costs: the base's figure, on which its request of CPU is built. The benchmark
`messages` finds 2.5 ms to 3 ms; probes, refresher and a slower core have the rest."""


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


def what_is_let_in_is_answered_in_time(objects: Objects) -> list[str]:
    """So many requests at once as a pod's share of CPU can answer within their deadline."""
    problems = []
    for each, container in own_containers(objects):
        settings = read(container)
        if not isinstance(settings, Settings):
            continue
        share = _cores(container["resources"]["requests"]["cpu"])
        most = share / REQUEST_CPU_SECONDS * settings.downstream_deadline_seconds
        if settings.concurrency_limit > most + 1e-9:
            problems.append(
                f"{each.owner}: {settings.concurrency_limit} requests at once, "
                f"of which {share:g} CPU answers {most:g} in time"
            )
    return problems


def _cores(quantity: str) -> float:
    """Return an amount of CPU such as 100m in cores."""
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


def _probes(objects: Objects) -> Iterator[tuple[str, str, Object]]:
    for each, container in own_containers(objects):
        for kind in PROBES:
            if kind in container:
                yield each.owner, kind, container[kind]
