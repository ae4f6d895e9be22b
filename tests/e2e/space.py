"""A namespace of its own for each experiment: what is deployed into it, and what is seen there."""

import contextlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.e2e import watch
from tests.e2e.cluster import Cluster, CommandFailed, Object, wait_for
from tests.e2e.watch import Pod, Watch, watching

MANIFESTS = Path(__file__).parents[2] / "k8s"
"""Where the manifests are that are shown to work."""

READY_SECONDS = 180.0
"""How long pods may take to be ready: five starts one after another, on two busy cores."""

PATIENT = {
    "MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": "8",
    # What arrives within the deadline, by the rule of the base: twenty a second.
    "MESSENGER_CONCURRENCY_LIMIT": "160",
}
"""For experiments in which many pods start: on few cores a mock may then be late by seconds, and
lateness of mocks is not what those experiments are about."""

GONE_SECONDS = 120.0
"""How long a namespace and its pods may take to end: they drain for half a minute at most."""

PREFIX = "e2e-"
"""What the name of each namespace of a test begins with."""


class Space:
    """One namespace.

    Args:
        cluster: Where it is.
        name: Its name.
    """

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name

    def kubectl(self, *arguments: str, timeout_seconds: float = 60.0) -> str:
        """Run kubectl in this namespace."""
        return self.cluster.kubectl("-n", self.name, *arguments, timeout_seconds=timeout_seconds)

    def apply(self, *objects: Object) -> None:
        """Create these objects, or make them so."""
        self.cluster.apply(*objects, namespace=self.name)

    def deploy(
        self,
        *,
        components: Sequence[str] = ("downstreams",),
        env: Mapping[str, str] | None = None,
        replicas: Mapping[str, int] | None = None,
        patches: Sequence[Object] = (),
    ) -> None:
        """Apply the base with components, as an overlay in a folder of its own.

        Args:
            components: Folders of `k8s/components`.
            env: What Messenger's environment is to say beside.
            replicas: Numbers of replicas, by the names of what has them.
            patches: Further changes.
        """
        with tempfile.TemporaryDirectory() as folder:
            overlay = {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "namespace": self.name,
                "resources": [_from(folder, "base")],
                "components": [_from(folder, f"components/{name}") for name in components],
                "replicas": [{"name": n, "count": count} for n, count in (replicas or {}).items()],
                "patches": [
                    {"patch": json.dumps(patch)}
                    for patch in (*([environment(env)] if env else []), *patches)
                ],
            }
            # JSON is YAML, and needs no library.
            Path(folder, "kustomization.yaml").write_text(json.dumps(overlay), encoding="utf-8")
            self.cluster.kubectl("apply", "-k", folder)

    def settle(self, *names: str, within_seconds: float = READY_SECONDS) -> None:
        """Wait until these roll-outs are complete.

        Args:
            names: Such as "deployment/messenger".
            within_seconds: How long that may take.

        Raises:
            AssertionError: One was not in time; with what the namespace looks like.
        """
        deadline = time.monotonic() + within_seconds
        for name in names:
            left = max(1.0, deadline - time.monotonic())
            try:
                self.kubectl("rollout", "status", name, timeout_seconds=left)
            except CommandFailed as error:
                raise AssertionError(
                    f"{name} is not rolled out: {error}\n{self.story()}"
                ) from error

    def settle_all(self) -> None:
        """Wait until Messenger and its mocks are rolled out."""
        self.settle("statefulset/delivery", "deployment/downstream", "deployment/messenger")

    def pods(self, app: str) -> contextlib.AbstractContextManager[Watch[Pod]]:
        """Watch the pods of an application."""
        return watching(watch.pods(self.cluster, self.name, f"app={app}"))

    def endpoints(self, service: str) -> contextlib.AbstractContextManager[Watch[frozenset[str]]]:
        """Watch the pods that a Service sends traffic to."""
        return watching(watch.endpoints(self.cluster, self.name, service))

    def deliveries(self) -> dict[str, int]:
        """Return what `delivery` counts: deliveries, replays, duplicates."""
        status, text = self.ask_pod("delivery-0", "/delivery/stats")
        assert status == 200, text
        counts: dict[str, int] = json.loads(text)
        return counts

    def ask_pod(
        self, pod: str, path: str, *, method: str = "GET", body: Object | None = None
    ) -> tuple[int, str]:
        """Ask a pod over HTTP, through the API server, and return status and text."""
        where = f"/api/v1/namespaces/{self.name}/pods/{pod}:8080/proxy{path}"
        return self.cluster.ask(where, method=method, body=body)

    def leave_pod(self, pod: str, path: str) -> None:
        """Ask a pod what it will never answer, and do not wait for it."""
        with contextlib.suppress(OSError):
            self.cluster.ask(
                f"/api/v1/namespaces/{self.name}/pods/{pod}:8080/proxy{path}", timeout=1.0
            )

    def patch_deployment(self, name: str, change: Object) -> None:
        """Change a Deployment, as `kubectl patch` does."""
        self.kubectl("patch", "deployment", name, "--type=strategic", "-p", json.dumps(change))

    def order_fault(self, pod: str, faults: str, service: str = "") -> None:
        """Put faults in force in a pod, in a mock's for one service.

        Raises:
            AssertionError: The pod did not take the order.
        """
        path = f"/debug/faults/{service}".rstrip("/")
        status, text = self.ask_pod(pod, path, method="PUT", body={"faults": faults})
        assert status == 200, f"{pod} did not take {faults}: {status} {text}"

    def story(self) -> str:
        """Return what there is and what happened, for the message of a failure."""
        told = []
        for command in (
            ("get", "all", "-o", "wide"),
            ("get", "events", "--sort-by=.lastTimestamp"),
            ("describe", "pods"),
        ):
            with contextlib.suppress(CommandFailed):
                told.append(f"$ kubectl {' '.join(command)}\n{self.kubectl(*command)[-8000:]}")
        return "\n".join(told)


def _from(folder: str, manifest: str) -> str:
    """Return the path that a kustomization in `folder` names a folder of manifests by."""
    return os.path.relpath(MANIFESTS / manifest, Path(folder).resolve())


def environment(env: Mapping[str, str], deployment: str = "messenger") -> Object:
    """Return a patch that sets variables in Messenger's container."""
    variables = [{"name": name, "value": value} for name, value in env.items()]
    return patch(deployment, containers=[{"name": "messenger-app", "env": variables}])


def patch(deployment: str, **pod: Any) -> Object:  # noqa: ANN401 - any part of a pod's spec
    """Return a patch of the pods of a Deployment."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": deployment},
        "spec": {"template": {"spec": pod}},
    }


@contextlib.contextmanager
def open_space(cluster: Cluster, purpose: str) -> Iterator[Space]:
    """Yield a new namespace that admits only pods of the `restricted` standard; delete it."""
    name = f"{PREFIX}{purpose}-{secrets.token_hex(2)}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace"}
    cluster.apply({**namespace, "metadata": {"name": name, "labels": labels}}, namespace=name)
    space = Space(cluster, name)
    with passing(space):
        yield space


@contextlib.contextmanager
def passing(space: Space) -> Iterator[None]:
    """Delete a namespace at the end of the block; tell how it looked where an assertion failed."""
    try:
        yield
    except AssertionError as error:
        error.add_note(space.story())
        raise
    finally:
        # Its pods have five seconds to drain, which nobody has to wait for.
        space.cluster.kubectl(
            "delete", "namespace", space.name, "--wait=false", "--ignore-not-found"
        )


def is_free(cluster: Cluster, name: str) -> bool:
    """Whether no namespace has a name, when one that is on its way out has gone."""

    def phase() -> str:
        status, text = cluster.ask(f"/api/v1/namespaces/{name}")
        return "" if status == HTTPStatus.NOT_FOUND else str(json.loads(text)["status"]["phase"])

    found = wait_for(
        f"the end of {name}",
        phase,
        until=lambda each: each != "Terminating",
        within_seconds=GONE_SECONDS,
    )
    return found == ""


def wait_until_gone(cluster: Cluster, *, but: str = "") -> None:
    """Wait for the end of all pods of tests: they would take from those that follow.

    Their namespaces end later: they are looked at again when their pods' grace could be over.

    Args:
        cluster: Where.
        but: A namespace whose pods stay.
    """

    def left() -> list[str]:
        pods = (item["metadata"] for item in cluster.get("/api/v1/pods")["items"])
        ours = (pod for pod in pods if pod["namespace"].startswith(PREFIX))
        return [pod["name"] for pod in ours if pod["namespace"] != but]

    wait_for("the end of pods", left, until=lambda names: not names, within_seconds=GONE_SECONDS)
