"""kubectl, which knows the cluster and the user's rights."""

import json
import subprocess
from collections.abc import Sequence
from typing import Any

COMMAND_SECONDS = 15.0
"""How long one command may take: a tenth of a second, and a server that is restarted meanwhile."""


class ClusterError(Exception):
    """Raised when kubectl failed, with what it said."""


class Kubectl:
    """Commands for one context and namespace.

    Args:
        context: A context of the kubeconfig.
        namespace: Where Messenger is.
    """

    def __init__(self, context: str, namespace: str) -> None:
        self.namespace = namespace
        self._command = ("kubectl", "--context", context, "--namespace", namespace)

    def run(self, *arguments: str) -> str:
        """Run a command and return what it printed.

        Raises:
            ClusterError: It failed, or took too long.
        """
        command = [*self._command, *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - kubectl, with arguments of our own
                command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ClusterError(f"kubectl {arguments[0]}: no answer") from error
        except OSError as error:
            raise ClusterError(f"kubectl cannot be run: {error}") from error
        if done.returncode:
            raise ClusterError(f"kubectl {' '.join(arguments[:3])}: {_last_line(done.stderr)}")
        return done.stdout

    def get(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever the object says
        """Return what `kubectl get` says of something."""
        return json.loads(self.run("get", *arguments, "--output=json"))

    def items(self, kind: str, *arguments: str) -> list[Any]:
        """Return all objects of a kind; none where the cluster does not know it."""
        try:
            found: list[Any] = self.get(kind, *arguments)["items"]
        except ClusterError as error:
            if "the server doesn't have a resource type" in str(error):
                return []
            raise
        return found

    def fetch(self, namespace: str, pod: str, port: int, path: str) -> str:
        """Return what a pod answers, asked through the API server."""
        return self.run(
            "get", "--raw", f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy{path}"
        )


def _last_line(text: str) -> str:
    lines: Sequence[str] = text.strip().splitlines() or ["(it said nothing)"]
    return lines[-1]
