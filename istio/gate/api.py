"""The cluster's API, by way of `kubectl proxy`, which knows the cluster and the user's rights.

One process for the whole roll-out: a kubectl for each of the dozen questions of a look would cost
a fifth of a second of CPU each, every three seconds.
"""

import contextlib
import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

ANSWER_SECONDS = 10.0
"""How long the API may take: some milliseconds, and a server that is restarted meanwhile."""

POD_SECONDS = 2.0
"""How long a pod may take to show its counters: one that hangs must not hold up the others."""

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


class ClusterError(Exception):
    """Raised when the API did not do as it was asked, with what it said."""


class Api:
    """Questions to the API.

    Args:
        address: Where `kubectl proxy` serves it.
        namespace: Where Messenger is.
    """

    def __init__(self, address: str, namespace: str) -> None:
        self.namespace = namespace
        self._address = address
        # Whatever proxy the environment names for the internet, this is no way through it.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def ask(
        self, path: str, *, body: object = None, kind: str = "", within: float = ANSWER_SECONDS
    ) -> str | None:
        """Return what the API answers, None if there is nothing of that name.

        Args:
            path: What is asked for.
            body: A patch, if something is to be changed.
            kind: The media type of the patch.
            within: Seconds that it may take.

        Raises:
            ClusterError: There was another answer, or none.
        """
        request = urllib.request.Request(  # noqa: S310 - the address is kubectl's
            self._address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": kind} if kind else {},
            method="GET" if body is None else "PATCH",
        )
        try:
            with self._open(request, timeout=within) as response:
                text: str = response.read().decode()
                return text
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise ClusterError(f"{path}: {error.code} {_reason(error)}") from error
        except (OSError, ValueError) as error:
            raise ClusterError(f"{path}: {error}") from error

    def get(self, path: str) -> Any:  # noqa: ANN401 - whatever the object says
        """Return an object.

        Raises:
            ClusterError: There is none, or the API cannot be asked.
        """
        found = self.ask(path)
        if found is None:
            raise ClusterError(f"{path}: there is no such thing")
        return json.loads(found)

    def items(self, path: str, selector: str = "") -> list[Any]:
        """Return all objects of a kind; none where the cluster does not know it."""
        query = urllib.parse.urlencode({"labelSelector": selector}) if selector else ""
        found = self.ask(f"{path}?{query}")
        listed: list[Any] = json.loads(found)["items"] if found else []
        return listed

    def pods(self, namespace: str, selector: str) -> list[Any]:
        """Return the pods that are not on their way out."""
        found = self.items(f"/api/v1/namespaces/{namespace}/pods", selector)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def counters(self, namespace: str, pod: str, port: int, path: str) -> str:
        """Return what a pod has counted, nothing if it does not say so in time."""
        place = f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}"
        try:
            return self.ask(place, within=POD_SECONDS) or ""
        except ClusterError:
            # It hangs, is gone, or refuses plain text: it says nothing, and others do.
            return ""


@contextlib.contextmanager
def proxy(context: str) -> Iterator[str]:
    """Serve the API of a context for a while, and yield its address.

    Raises:
        ClusterError: kubectl is not there, or does not know the context.
    """
    command = ["kubectl", "--context", context, "proxy", "--port=0"]
    try:
        process = subprocess.Popen(  # noqa: S603 - kubectl, with arguments of our own
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except OSError as error:
        raise ClusterError(f"kubectl cannot be run: {error}") from error
    with process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"\d+\.\d+\.\d+\.\d+:\d+", line)
            if found is None:
                raise ClusterError(f"kubectl proxy: {line.strip() or 'it ended'}")
            yield f"http://{found[0]}"
        finally:
            process.terminate()


def _reason(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:200].strip()
