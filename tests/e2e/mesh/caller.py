"""A pod from which requests are sent, in the mesh or beside it: who calls is what is looked at."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.e2e import objects
from tests.e2e.cluster import Object, wait_for
from tests.e2e.space import Space
from tests.e2e.watch import read_pod

CODE = Path(__file__).with_name("asking.py").read_text(encoding="utf-8")
"""What the pod runs to ask."""

WAIT = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit()); signal.pause()"
"""What the pod does else."""

READY_SECONDS = 60.0
"""How long it may take to be there: the proxy takes most of it."""

ASKED_SECONDS = 60.0
"""How long one round of questions may take."""


class Reply(NamedTuple):
    """What came back."""

    status: int
    """0 where there was no answer."""
    headers: dict[str, str]
    """By their names in small letters."""
    error: str
    """Why there was no answer."""

    @property
    def version(self) -> str:
        """Which version answered."""
        return self.headers.get("x-messenger-version", "")


class Caller:
    """One such pod.

    Args:
        space: Where it is.
        name: Its name.
    """

    def __init__(self, space: Space, name: str) -> None:
        self.space = space
        self.name = name

    def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Object | None = None,
        times: int = 1,
        rate: float = 0.0,
    ) -> list[Reply]:
        """Ask, each time on a connection of its own.

        Args:
            url: What for.
            method: How.
            headers: With which headers.
            body: With which JSON.
            times: How often.
            rate: Times a second; 0 is as fast as it can.
        """
        order = {
            "url": url,
            "method": method,
            "headers": {"content-type": "application/json", **(headers or {})},
            "body": None if body is None else json.dumps(body),
            "times": times,
            "rate": rate,
        }
        said = self.space.kubectl(
            *("exec", self.name, "-c", "caller", "--", "python3", "-c", CODE, json.dumps(order)),
            timeout_seconds=ASKED_SECONDS,
        )
        return [Reply(*each) for each in json.loads(said.splitlines()[-1])]


@contextlib.contextmanager
def calling(
    space: Space, name: str, *, is_in_mesh: bool = True, account: str = "default"
) -> Iterator[Caller]:
    """Yield a caller; delete it.

    Args:
        space: Where.
        name: Its name, which is also its label `app`.
        is_in_mesh: Whether it has a proxy.
        account: Its service account, which is its identity.
    """
    labels = {"app": name, "sidecar.istio.io/inject": str(is_in_mesh).lower()}
    container = {
        "name": "caller",
        "image": objects.PROBER_IMAGE,
        "command": ["python3", "-c", WAIT],
        "securityContext": objects.RESTRICTED,
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": False,
            "securityContext": objects.RESTRICTED_POD,
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
        },
    }
    space.apply(pod)
    try:
        path = f"/api/v1/namespaces/{space.name}/pods/{name}"
        wait_for(
            f"{name} to be ready",
            lambda: read_pod(space.cluster.get(path)),
            until=lambda pod: pod.is_ready,
            within_seconds=READY_SECONDS,
        )
        yield Caller(space, name)
    finally:
        space.kubectl("delete", "pod", name, "--wait=false", "--ignore-not-found")
