"""The cluster under test: its commands, its API, and waiting for what it does.

What is looked at often goes through `kubectl proxy`, one process for the whole session: a kubectl
for every look costs a fifth of a second of CPU, on the machine that is being measured.
"""

import contextlib
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Object = dict[str, Any]
"""An object of Kubernetes' API, as JSON."""

LOOK_SECONDS = 0.5
"""Pause between two looks at something that is waited for."""

COMMAND_SECONDS = 60.0
"""How long a command may take that is not said to take longer."""

_T = TypeVar("_T")


class NoCluster(Exception):
    """Raised when no cluster of kind's answers, with the reason."""


class CommandFailed(AssertionError):
    """Raised when a command ended with another status than 0, with all that it printed."""


def wait_for(
    what: str,
    look: Callable[[], _T],
    *,
    until: Callable[[_T], bool],
    within_seconds: float,
) -> _T:
    """Look until it is as wanted, and return how it then looks.

    Args:
        what: What is waited for, for the message.
        look: Returns how it looks now.
        until: Whether that is what is waited for.
        within_seconds: How long to wait.

    Raises:
        AssertionError: The time is over; with the last state.
    """
    deadline = time.monotonic() + within_seconds
    while True:
        state = look()
        if until(state):
            return state
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within_seconds} s for {what}; last state: {state!r}")
        time.sleep(LOOK_SECONDS)


def run(
    command: Sequence[str],
    *,
    stdin: str | None = None,
    timeout_seconds: float = COMMAND_SECONDS,
) -> str:
    """Run a command and return what it printed, both streams together.

    Raises:
        CommandFailed: It ended with another status than 0, or not in time.
    """
    try:
        done = subprocess.run(  # noqa: S603 - commands of the tests' own
            command,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{list(command)} ran {timeout_seconds} s: {error.output!r}") from error
    if done.returncode:
        raise CommandFailed(f"{list(command)} ended with {done.returncode}: {done.stdout}")
    return done.stdout


class Cluster:
    """A cluster of kind's.

    Args:
        context: Its context in the kubeconfig, "kind-" and its name.
        address: Where `kubectl proxy` serves its API.
    """

    def __init__(self, context: str, address: str) -> None:
        self.context = context
        self._address = address

    @property
    def name(self) -> str:
        """The name by which kind knows it."""
        return self.context.removeprefix("kind-")

    def kubectl(
        self, *arguments: str, stdin: str | None = None, timeout_seconds: float = COMMAND_SECONDS
    ) -> str:
        """Run kubectl and return what it printed; see `run`."""
        command = ["kubectl", "--context", self.context, *arguments]
        return run(command, stdin=stdin, timeout_seconds=timeout_seconds)

    def apply(self, *objects: Object, namespace: str) -> None:
        """Create these objects, or make them so."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("-n", namespace, "apply", "-f", "-", stdin=json.dumps(items))

    def ask(
        self, path: str, *, method: str = "GET", body: Object | None = None, timeout: float = 10.0
    ) -> tuple[int, str]:
        """Ask the API, and return the status and the text of its answer."""
        request = urllib.request.Request(  # noqa: S310 - kubectl proxy on loopback
            self._address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 - same
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def get(self, path: str) -> Object:
        """Return an object, or a list of them, from the API.

        Raises:
            AssertionError: It is not there.
        """
        status, text = self.ask(path)
        assert status == 200, f"{path}: {status} {text}"
        found: Object = json.loads(text)
        return found

    @contextlib.contextmanager
    def follow(self, path: str, timeout: float) -> Iterator[Iterator[Object]]:
        """Yield the events of a watch, which ends after `timeout` seconds without one."""
        with urllib.request.urlopen(self._address + path, timeout=timeout) as stream:  # noqa: S310 - same
            yield (json.loads(line) for line in stream)

    @contextlib.contextmanager
    def forward(self, namespace: str, what: str, port: int) -> Iterator[int]:
        """Yield a port of this machine that leads to one of a pod, or of a Service's pod."""
        target = ("port-forward", "--address=127.0.0.1", what, f":{port}")
        with _listening("--context", self.context, "-n", namespace, *target) as local:
            yield local

    def workers(self) -> list[str]:
        """Return the names of the nodes that run pods, which are those of their containers."""
        nodes = self.get("/api/v1/nodes")["items"]
        names = (node["metadata"]["name"] for node in nodes if not node["spec"].get("taints"))
        return sorted(names)

    def is_node_ready(self, name: str) -> bool:
        """Whether the control plane hears from a node."""
        conditions = self.get(f"/api/v1/nodes/{name}")["status"]["conditions"]
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def find_context() -> str:
    """Return the context of a cluster of kind's: the current one, or the only one.

    Raises:
        NoCluster: There is none, or it does not answer.
    """
    if shutil.which("kubectl") is None:
        raise NoCluster("kubectl is not installed")
    with contextlib.suppress(CommandFailed):
        contexts = run(["kubectl", "config", "get-contexts", "-o", "name"]).split()
        ours = [name for name in contexts if name.startswith("kind-")]
        current = run(["kubectl", "config", "current-context"]).strip() if ours else ""
        if current not in ours and len(ours) != 1:
            raise NoCluster(f"no kind-* context is the current one, or the only one: {contexts}")
        context = current if current in ours else ours[0]
        try:
            run(["kubectl", "--context", context, "get", "--raw", "/readyz"], timeout_seconds=10)
        except CommandFailed as error:
            raise NoCluster(f"{context} does not answer") from error
        return context
    raise NoCluster("kubectl has no kind-* context")


@contextlib.contextmanager
def open_cluster(context: str) -> Iterator[Cluster]:
    """Yield the cluster of a context, with a proxy to its API."""
    with _listening("--context", context, "proxy", "--port=0") as port:
        yield Cluster(context, f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def _listening(*arguments: str) -> Iterator[int]:
    """Run a kubectl that listens on this machine until the block ends, and yield its port."""
    command = ["kubectl", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - kubectl
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"127\.0\.0\.1:(\d+)", line)
            assert found, f"{command} said {line!r}"
            yield int(found[1])
        finally:
            process.terminate()
