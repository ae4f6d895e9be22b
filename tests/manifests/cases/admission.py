"""What is not to be let in."""

from tests.manifests.breaking import CONTAINER, SPEC, Case, drop, put, without
from tests.manifests.relations import admission

CASES = {
    "a tag that moves": Case(
        admission.images_stay_what_they_are,
        put("messenger-v1:latest", *CONTAINER, "image"),
        "Deployment messenger: the image messenger-v1:latest may be any",
    ),
    "no tag": Case(
        admission.images_stay_what_they_are,
        put("messenger-v1", *CONTAINER, "image"),
        "Deployment messenger: the image messenger-v1 may be any",
    ),
    "a pull at each start": Case(
        admission.images_stay_what_they_are,
        put("Always", *CONTAINER, "imagePullPolicy"),
        "Deployment messenger: the image is pulled at each start",
    ),
    "a namespace that lets everything in": Case(
        admission.namespaces_enforce_it,
        put(
            "baseline",
            "metadata",
            "labels",
            "pod-security.kubernetes.io/enforce",
            kind="Namespace",
            name="messenger-stable",
        ),
        "Namespace messenger-stable does not enforce restricted",
    ),
    "an identity that is not there": Case(
        admission.identities_exist,
        without("ServiceAccount", "messenger"),
        "Deployment messenger runs as messenger, which is no ServiceAccount",
    ),
    "a token for nothing": Case(
        admission.tokens_are_for_those_who_ask,
        drop(*SPEC, "automountServiceAccountToken"),
        "Deployment messenger mounts a token and has nothing to ask",
    ),
    "variables of Services": Case(
        admission.service_links_are_off,
        drop(*SPEC, "enableServiceLinks"),
        "Deployment messenger is given a variable for every Service",
    ),
    **{
        f"restricted, {name}": Case(
            admission.pods_are_restricted, breaking, f"Deployment messenger{message}"
        )
        for name, breaking, message in (
            ("root", put(0, *SPEC, "securityContext", "runAsUser"), ": messenger-app runs as root"),
            (
                "perhaps root",
                drop(*SPEC, "securityContext", "runAsNonRoot"),
                ": messenger-app may run as root",
            ),
            (
                "seccomp",
                drop(*SPEC, "securityContext", "seccompProfile"),
                ": messenger-app has no seccomp profile",
            ),
            (
                "escalation",
                drop(*CONTAINER, "securityContext", "allowPrivilegeEscalation"),
                ": messenger-app may gain privileges",
            ),
            (
                "privileged",
                put(True, *CONTAINER, "securityContext", "privileged"),
                ": messenger-app is privileged",
            ),
            (
                "capabilities",
                drop(*CONTAINER, "securityContext", "capabilities"),
                ": messenger-app keeps capabilities",
            ),
            (
                "more capabilities",
                put(["NET_ADMIN"], *CONTAINER, "securityContext", "capabilities", "add"),
                ": messenger-app adds capabilities",
            ),
            (
                "a port of the node",
                put(8080, *CONTAINER, "ports", 0, "hostPort"),
                ": messenger-app takes a port of the node",
            ),
            ("the node's network", put(True, *SPEC, "hostNetwork"), " has hostNetwork"),
            (
                "a folder of the node",
                put([{"name": "etc", "hostPath": {"path": "/etc"}}], *SPEC, "volumes"),
                " mounts hostPath",
            ),
        )
    },
}
