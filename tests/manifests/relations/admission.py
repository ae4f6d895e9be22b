"""What is let in: the Pod Security standard `restricted`, and images that stay what they are.

The standard as of Kubernetes 1.34, for the fields that our manifests use or could use; the API
server has the last word, in `test_server.py`.
"""

from collections.abc import Iterator

from tests.manifests.objects import Object, Objects, Pods, of_kind, pods, title

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
"""The sources of volumes that `restricted` allows."""


def images_stay_what_they_are(objects: Objects) -> list[str]:
    """A tag that moves, or a pull at each start, runs what nobody has looked at."""
    problems = []
    for each, container in _containers(objects):
        _, _, tag = str(container["image"]).rpartition(":")
        if ":" not in container["image"] or tag == "latest":
            problems.append(f"{each.owner}: the image {container['image']} may be any")
        if container.get("imagePullPolicy") == "Always":
            problems.append(f"{each.owner}: the image is pulled at each start")
    return problems


def pods_are_restricted(objects: Objects) -> list[str]:
    """A namespace that enforces `restricted` admits every pod."""
    problems = []
    for each in pods(objects):
        problems += [f"{each.owner} {fault}" for fault in _faults_of_pod(each.spec)]
        context = each.spec.get("securityContext", {})
        for container in [*each.spec.get("initContainers", ()), *each.containers]:
            own = container.get("securityContext", {})
            faults = _faults_of_container(own, {**context, **own})
            problems += [f"{each.owner}: {container['name']} {fault}" for fault in faults]
            if any("hostPort" in port for port in container.get("ports", ())):
                problems.append(f"{each.owner}: {container['name']} takes a port of the node")
    return problems


def namespaces_enforce_it(objects: Objects) -> list[str]:
    """Without a mesh there is no reason for less; with one the standard warns."""
    problems = []
    for each in of_kind(objects, "Namespace"):
        labels = each["metadata"].get("labels", {})
        mode = "warn" if labels.get("istio-injection") == "enabled" else "enforce"
        if labels.get(f"pod-security.kubernetes.io/{mode}") != "restricted":
            problems.append(f"{title(each)} does not {mode} restricted")
    return problems


def identities_exist(objects: Objects) -> list[str]:
    """A pod whose ServiceAccount is missing is never made."""
    known = {each["metadata"]["name"] for each in of_kind(objects, "ServiceAccount")} | {"default"}
    return [
        f"{each.owner} runs as {name}, which is no ServiceAccount"
        for each in pods(objects)
        if (name := each.spec.get("serviceAccountName", "default")) not in known
    ]


def tokens_are_for_those_who_ask(objects: Objects) -> list[str]:
    """A token that is mounted and not needed is only good for a thief."""
    asking = {
        subject["name"]
        for binding in of_kind(objects, "RoleBinding")
        for subject in binding["subjects"]
    }
    return [
        f"{each.owner} mounts a token and has nothing to ask"
        for each in pods(objects)
        if each.spec.get("automountServiceAccountToken", True)
        and each.spec.get("serviceAccountName") not in asking
    ]


def service_links_are_off(objects: Objects) -> list[str]:
    """The variables of a Service called messenger would be taken for settings."""
    return [
        f"{each.owner} is given a variable for every Service"
        for each in pods(objects)
        if each.spec.get("enableServiceLinks", True)
    ]


def _containers(objects: Objects) -> Iterator[tuple[Pods, Object]]:
    return ((each, container) for each in pods(objects) for container in each.containers)


def _faults_of_pod(spec: Object) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield f"has {field}"
    for volume in spec.get("volumes", ()):
        sources = volume.keys() - {"name"}
        if not sources <= VOLUMES:
            yield f"mounts {', '.join(sorted(sources))}"


def _faults_of_container(own: Object, effective: Object) -> Iterator[str]:
    """Yield what is wrong with what is its own (capabilities and the like), or inherited."""
    capabilities = own.get("capabilities", {})
    if own.get("privileged"):
        yield "is privileged"
    if own.get("allowPrivilegeEscalation", True):
        yield "may gain privileges"
    if "ALL" not in capabilities.get("drop", ()):
        yield "keeps capabilities"
    if not set(capabilities.get("add", ())) <= {"NET_BIND_SERVICE"}:
        yield "adds capabilities"
    if not effective.get("runAsNonRoot"):
        yield "may run as root"
    if effective.get("runAsUser") == 0:
        yield "runs as root"
    if effective.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "has no seccomp profile"
