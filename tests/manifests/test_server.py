"""The API server's own opinion: schemas, defaults and admission, by a dry run."""

import json
import secrets
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import NoCluster, find_context, run
from tests.manifests.objects import Object, Objects
from tests.manifests.rendering import Rendering, every, render

SECONDS = 60.0
"""How long the server may think about one rendering."""


KNOWN = "Warning: EnvoyFilter exposes internal implementation details"
"""How istiod receives each EnvoyFilter, whatever is in it: a rate limit has no other form."""


class Server:
    """A cluster, and a namespace on it that is strict and for dry runs only."""

    def __init__(self, context: str, namespace: str) -> None:
        self._context = context
        self._namespace = namespace
        self._served = run(["kubectl", "--context", context, "api-versions"]).split()

    def judge(self, objects: Objects) -> tuple[int, str]:
        """Return the status of a dry run, and what was said beside what is right.

        Kinds of a mesh are left out where the cluster has none: it could say nothing of them.
        """
        items = [
            self._moved(each)
            for each in objects
            if each["kind"] != "Namespace" and each["apiVersion"] in self._served
        ]
        done = subprocess.run(  # noqa: S603 - kubectl, with arguments of our own
            ["kubectl", "--context", self._context, "apply", "--dry-run=server", "-f", "-"],  # noqa: S607 - the one on PATH is the user's
            input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        lines = done.stderr.splitlines(keepends=True)
        return done.returncode, "".join(line for line in lines if not line.startswith(KNOWN))

    def _moved(self, each: Object) -> Object:
        return {**each, "metadata": {**each["metadata"], "namespace": self._namespace}}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield the server of the cluster that answers."""
    try:
        context = find_context()
    except NoCluster as error:
        pytest.skip(f"no server can be asked: {error}")
    name = f"dry-run-{secrets.token_hex(2)}"
    standard = "pod-security.kubernetes.io"
    labels = [f"{standard}/enforce=restricted", f"{standard}/warn=restricted"]
    run(["kubectl", "--context", context, "create", "namespace", name])
    try:
        run(["kubectl", "--context", context, "label", "namespace", name, *labels])
        yield Server(context, name)
    finally:
        run(["kubectl", "--context", context, "delete", "namespace", name, "--wait=false"])


@pytest.mark.parametrize("rendering", every(), ids=lambda rendering: rendering.name)
def test_the_server_takes_every_object_without_a_warning(
    server: Server, rendering: Rendering
) -> None:
    """Every field is known, every value allowed, and every pod restricted."""
    assert server.judge(render(rendering)) == (0, "")


def test_the_server_warns_of_a_pod_that_is_not_restricted(server: Server) -> None:
    """The control of admission."""
    objects: Objects = render(Rendering("base"))
    for each in objects:
        if each["kind"] == "Deployment":
            del each["spec"]["template"]["spec"]["securityContext"]

    _, said = server.judge(objects)

    assert 'would violate PodSecurity "restricted:latest"' in said


def test_the_server_refuses_a_field_that_it_does_not_know(server: Server) -> None:
    """The control of schemas."""
    objects: Objects = render(Rendering("base"))
    for each in objects:
        if each["kind"] == "Deployment":
            each["spec"]["replica"] = 5

    status, said = server.judge(objects)

    assert status != 0
    assert "unknown field" in said
