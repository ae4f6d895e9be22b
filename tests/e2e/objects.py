"""What the tests deploy beside the manifests: the prober's Job, and the plain control."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.e2e.cluster import Object

PROBER = Path(__file__).with_name("prober.yaml")
"""A Job that probes, as people start one."""

PROBER_IMAGE = "messenger-prober:1.0"
MESSENGER_IMAGE = "messenger-v1:1.0"
PROMETHEUS_IMAGE = "messenger-prometheus:1.0"
BAD_IMAGE = "messenger-v2-bad:2.0"

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""What the `restricted` standard asks of a container, and a read-only root."""

RESTRICTED_POD = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What it asks of a pod."""

LIVENESS = {"path": "/health/alive", "initial": 30, "period": 10}
READINESS = {"path": "/health/ready", "initial": 15, "period": 5}
"""The probes of the article."""


def prober(name: str, arguments: Sequence[str], node: str | None) -> Object:
    """Return a Job that probes.

    Args:
        name: The Job's name.
        arguments: The prober's arguments.
        node: The node that it is to run on; any, without one.
    """
    job: Object = yaml.safe_load(PROBER.read_text(encoding="utf-8"))
    job["metadata"]["name"] = name
    pod = job["spec"]["template"]["spec"]
    del pod["affinity"]
    pod["nodeSelector"] = {"kubernetes.io/hostname": node} if node else {}
    pod["containers"][0]["args"] = list(arguments)
    return job


def plain(*, replicas: int, long_share: float = 0.0, pre_stop: bool = False) -> list[Object]:
    """Return the plain control: its code, a Deployment and the Service `messenger`.

    Args:
        replicas: How many pods.
        long_share: The share of the requests that take 8 s.
        pre_stop: Whether it waits for 5 s before SIGTERM, as is the common advice.
    """
    code = Path(__file__).with_name("plain.py").read_text(encoding="utf-8")
    labels = {"app": "plain"}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain"}}
        | {"data": {"plain.py": code}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "messenger"}}
        | {"spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "plain"},
            "spec": {
                "replicas": replicas,
                "minReadySeconds": 5,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": _plain_pod(long_share=long_share, pre_stop=pre_stop),
                },
            },
        },
    ]


def _plain_pod(*, long_share: float, pre_stop: bool) -> Object:
    uvicorn = "uvicorn plain:app --app-dir /plain --host 0.0.0.0 --port 8080 --lifespan off"
    container = {
        "name": "plain",
        "image": MESSENGER_IMAGE,
        "command": ["python", "-m", *uvicorn.split(), "--no-access-log"],
        "env": [{"name": "PLAIN_LONG_SHARE", "value": str(long_share)}],
        "volumeMounts": [{"name": "plain", "mountPath": "/plain"}],
        "readinessProbe": _probe(READINESS),
        "livenessProbe": _probe(LIVENESS),
        "securityContext": RESTRICTED,
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    }
    if pre_stop:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": 5}}}
    return {
        "automountServiceAccountToken": False,
        "securityContext": RESTRICTED_POD,
        "containers": [container],
        "volumes": [{"name": "plain", "configMap": {"name": "plain"}}],
    }


def _probe(numbers: Object) -> Object:
    return {
        "httpGet": {"path": numbers["path"], "port": 8080},
        "initialDelaySeconds": numbers["initial"],
        "periodSeconds": numbers["period"],
    }
