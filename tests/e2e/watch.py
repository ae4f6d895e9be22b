"""Following objects of the cluster, with the time of each change.

A watch and no polling: a pod that was unready for a moment between two looks is what these tests
are about.
"""

import contextlib
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Generic, TypeVar

from tests.e2e.cluster import Cluster, Object, wait_for

SILENCE_SECONDS = 5.0
"""After so long without an event the connection is made anew; nothing is lost by that."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Pod:
    """What matters of a pod."""

    name: str
    node: str
    is_ready: bool
    is_leaving: bool
    restarts: int
    exit_code: int | None
    """How its container ended the last time."""
    message: str
    """What its container left behind as its termination message."""

    @property
    def is_serving(self) -> bool:
        """Whether it counts for a disruption budget: ready, and not on its way out."""
        return self.is_ready and not self.is_leaving


def read_pod(item: Object) -> Pod:
    """Read a pod."""
    status = item["status"]
    containers = status.get("containerStatuses", [])
    ends = [each["lastState"]["terminated"] for each in containers if each.get("lastState")]
    conditions = {each["type"]: each["status"] for each in status.get("conditions", [])}
    return Pod(
        name=item["metadata"]["name"],
        node=item["spec"].get("nodeName", ""),
        is_ready=conditions.get("Ready") == "True",
        is_leaving="deletionTimestamp" in item["metadata"],
        restarts=sum(each["restartCount"] for each in containers),
        exit_code=ends[0]["exitCode"] if ends else None,
        message=ends[0].get("message", "") if ends else "",
    )


def read_endpoints(item: Object) -> frozenset[str]:
    """Read the names of the pods that an EndpointSlice sends traffic to."""
    return frozenset(
        each["targetRef"]["name"]
        for each in item.get("endpoints") or []
        if each["conditions"].get("ready") and "targetRef" in each
    )


@dataclass(frozen=True, slots=True)
class Moment(Generic[_T]):
    """How all the objects looked from a moment on."""

    at: float
    """On the monotonic clock."""
    objects: Mapping[str, _T]


class Watch(Generic[_T]):
    """Follows the objects of one collection.

    Args:
        cluster: Where.
        path: The collection's path in the API.
        read: Makes of an object what matters of it.
        query: What narrows the collection down.
    """

    def __init__(
        self, cluster: Cluster, path: str, read: Callable[[Object], _T], query: str = ""
    ) -> None:
        self._cluster = cluster
        self._path = f"{path}?{query}"
        self._read = read
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"watch {path}", daemon=True)
        self.history: list[Moment[_T]] = []
        """All that was seen, in its order."""

    @property
    def now(self) -> list[_T]:
        """How the objects look now."""
        return list(self.history[-1].objects.values())

    def since(self, at: float) -> list[Moment[_T]]:
        """Return what was seen from a time on, with how it looked then."""
        later = [index for index, moment in enumerate(self.history) if moment.at > at]
        return self.history[max(0, (later[0] if later else len(self.history)) - 1) :]

    def wait_for(
        self, what: str, until: Callable[[list[_T]], bool], *, within_seconds: float
    ) -> list[_T]:
        """Wait until the objects are as wanted, and return them; see `cluster.wait_for`."""
        return wait_for(what, lambda: self.now, until=until, within_seconds=within_seconds)

    def start(self) -> None:
        """Look for the first time, and go on in a thread."""
        self._list()
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._is_over.set()
        self._thread.join(timeout=2 * SILENCE_SECONDS)

    def _list(self) -> str:
        """Look at the whole collection and return its version."""
        found = self._cluster.get(self._path)
        self._note({item["metadata"]["name"]: self._read(item) for item in found["items"]})
        version: str = found["metadata"]["resourceVersion"]
        return version

    def _note(self, objects: Mapping[str, _T]) -> None:
        if not self.history or self.history[-1].objects != objects:
            self.history.append(Moment(time.monotonic(), objects))

    def _follow(self) -> None:
        while not self._is_over.is_set():
            # A silence, an expired version or a control plane that is busy: list anew.
            with contextlib.suppress(OSError, HTTPException, urllib.error.URLError, AssertionError):
                self._follow_from(self._list())

    def _follow_from(self, version: str) -> None:
        path = f"{self._path}&watch=1&resourceVersion={version}"
        with self._cluster.follow(path, SILENCE_SECONDS) as events:
            for event in events:
                if self._is_over.is_set() or event["type"] == "ERROR":
                    return
                item = event["object"]
                objects = dict(self.history[-1].objects)
                name = item["metadata"]["name"]
                if event["type"] == "DELETED":
                    objects.pop(name, None)
                else:
                    objects[name] = self._read(item)
                self._note(objects)


@contextlib.contextmanager
def watching(watch: Watch[_T]) -> Iterator[Watch[_T]]:
    """Yield a watch that has begun, and end it."""
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()


def pods(cluster: Cluster, namespace: str, label: str) -> Watch[Pod]:
    """Return a watch of the pods with a label."""
    return Watch(
        cluster, f"/api/v1/namespaces/{namespace}/pods", read_pod, f"labelSelector={label}"
    )


def endpoints(cluster: Cluster, namespace: str, service: str) -> Watch[frozenset[str]]:
    """Return a watch of the pods that a Service sends traffic to."""
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    label = f"labelSelector=kubernetes.io/service-name={service}"
    return Watch(cluster, path, read_endpoints, label)
