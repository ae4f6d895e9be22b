"""Says whether this machine can run the cluster and the dev loop, and what to do if not.

    uv run python -m tests.doctor

One line for each thing that has been seen to stop people. The exit status is 1 if one of them has
to be fixed, else 0; a note is about something that works, with a limit.
"""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

COMMAND_SECONDS = 20.0
"""How long a command may take: all of them only ask, and some ask a server."""

CLUSTER = "messenger"
"""The name in k8s/kind.yaml."""

CLUSTER_PORTS = (30080, 30081)
"""The ports in k8s/kind.yaml, which it maps when it creates the cluster."""

SERVICE_PORT = 8080
"""Where `uv run messenger` listens."""

SCHEMA = "skaffold/v4beta14"
"""The schema of skaffold.yaml."""

OLDEST_KUSTOMIZE = (5, 0)
"""The first with everything that k8s/ uses; kubectl has it from 1.27 on."""

WATCHES, INSTANCES = 524_288, 512
"""What kind's documentation recommends of inotify for a cluster of several nodes."""


class State(StrEnum):
    """What is to be done about a finding."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


class Finding(NamedTuple):
    """One line of the report."""

    state: State
    name: str
    text: str


class Result(NamedTuple):
    """How a command ended."""

    status: int
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is asked, each as one function."""

    run: Callable[[Sequence[str]], Result | None]
    """Runs a command; None where there is no such command."""

    read: Callable[[str], str | None]
    """Returns the text of a file; None where there is none."""

    is_free: Callable[[int], bool]
    """Says whether a port of loopback can be listened on."""

    environ: Mapping[str, str]


def examine(machine: Machine) -> Iterator[Finding]:
    """Yield a finding for each thing that is needed."""
    yield _docker(machine)
    yield _builder(machine)
    yield _image_store(machine)
    yield _cgroup(machine)
    yield _inotify(machine)
    yield _kind(machine)
    yield _kubectl(machine)
    yield _skaffold(machine)
    yield from _ports(machine)


def main(machine: Machine | None = None) -> int:
    """Print the findings, and return the exit status."""
    findings = list(examine(machine or this_machine()))
    sys.stdout.writelines(f"{each.state:8} {each.name:12} {each.text}\n" for each in findings)
    return 1 if any(each.state is State.PROBLEM for each in findings) else 0


def this_machine() -> Machine:
    """Return the machine that this runs on."""
    return Machine(run=_run, read=_read, is_free=_is_free, environ=os.environ)


def _docker(machine: Machine) -> Finding:
    found = machine.run(["docker", "version", "--format", "{{.Server.Version}}"])
    if found is None:
        return _problem("docker", "is not installed; see https://docs.docker.com/engine/install/")
    if found.status:
        return _problem(
            "docker", f"does not answer: start it, or join its group ({_last(found.output)})"
        )
    return _ok("docker", found.output.strip())


def _builder(machine: Machine) -> Finding:
    """Look for BuildKit, which builds the stage that is asked for and no other."""
    client = machine.run(["docker", "version", "--format", "{{.Client.Version}}"])
    if client is None:
        return _problem("builder", "comes with docker")
    if (_version(client.output) or (0,)) < (23,):
        if machine.environ.get("DOCKER_BUILDKIT") == "1":
            return _ok("builder", "BuildKit, by DOCKER_BUILDKIT=1")
        return _problem("builder", "this docker asks for it: export DOCKER_BUILDKIT=1")
    buildx = machine.run(["docker", "buildx", "version"])
    if buildx is None or buildx.status:
        return _problem("builder", "docker has no buildx: install docker-buildx-plugin")
    return _ok("builder", "BuildKit, by buildx")


def _image_store(machine: Machine) -> Finding:
    """Look for the store from which kind cannot load images that have an attestation."""
    found = machine.run(["docker", "info", "--format", "{{json .DriverStatus}}"])
    if found is None or found.status:
        return _problem("image store", "docker does not tell")
    if "io.containerd.snapshotter" not in found.output:
        return _ok("image store", "docker's own")
    if machine.environ.get("BUILDX_NO_DEFAULT_ATTESTATIONS") == "1":
        return _ok("image store", "containerd's, and images are built without attestations")
    return _problem(
        "image store",
        "containerd's, the default from docker 29 on, from which `kind load` fails with 'content "
        "digest not found' (kind#3795): export BUILDX_NO_DEFAULT_ATTESTATIONS=1, or set "
        '"features": {"containerd-snapshotter": false} in /etc/docker/daemon.json',
    )


def _cgroup(machine: Machine) -> Finding:
    found = machine.run(["docker", "info", "--format", "{{.CgroupVersion}}"])
    if found is None or found.status:
        return _problem("cgroup", "docker does not tell")
    if found.output.strip() == "2":
        return _ok("cgroup", "version 2")
    return Finding(
        State.NOTE,
        "cgroup",
        "version 1, on which Kubernetes runs up to 1.34: give kind a node image of that (--image), "
        "or boot with systemd.unified_cgroup_hierarchy=1",
    )


def _inotify(machine: Machine) -> Finding:
    """Look at the limits that make pods fail with "too many open files"."""
    wanted = {"max_user_watches": WATCHES, "max_user_instances": INSTANCES}
    low = []
    for name, least in wanted.items():
        text = machine.read(f"/proc/sys/fs/inotify/{name}")
        if text is None:
            return Finding(State.NOTE, "inotify", "no Linux here: docker's own machine decides")
        if int(text) < least:
            low.append(f"fs.inotify.{name}={least}")
    if low:
        text = f"low: when something says 'too many open files': sudo sysctl {' '.join(low)}"
        return Finding(State.NOTE, "inotify", text)
    return _ok("inotify", "as kind recommends")


def _kind(machine: Machine) -> Finding:
    found = machine.run(["kind", "version"])
    if found is None:
        return _problem("kind", "is not installed; see https://kind.sigs.k8s.io/")
    return _ok("kind", found.output.strip())


def _kubectl(machine: Machine) -> Finding:
    found = machine.run(["kubectl", "version", "--client", "--output", "json"])
    if found is None:
        return _problem("kubectl", "is not installed; see https://kubernetes.io/docs/tasks/tools/")
    if found.status:
        return _problem("kubectl", f"does not tell its version ({_last(found.output)})")
    told = json.loads(found.output)
    kustomize = str(told.get("kustomizeVersion", ""))
    if (_version(kustomize) or (0,)) < OLDEST_KUSTOMIZE:
        return _problem(
            "kubectl", f"has Kustomize {kustomize or 'none'}, too old for k8s/: update it"
        )
    return _ok("kubectl", str(told["clientVersion"]["gitVersion"]))


def _skaffold(machine: Machine) -> Finding:
    found = machine.run(["skaffold", "schema", "list"])
    if found is None:
        return _problem("skaffold", "is not installed; see https://skaffold.dev/docs/install/")
    if SCHEMA not in found.output.split():
        return _problem("skaffold", f"does not know {SCHEMA}: update it")
    return _ok("skaffold", f"knows {SCHEMA}")


def _ports(machine: Machine) -> Iterator[Finding]:
    clusters = machine.run(["kind", "get", "clusters"])
    is_up = clusters is not None and CLUSTER in clusters.output.split()
    for port in CLUSTER_PORTS:
        name = f"port {port}"
        if machine.is_free(port):
            lacks = "free, and the cluster does not map it: create it from k8s/kind.yaml"
            yield Finding(State.NOTE, name, lacks) if is_up else _ok(name, "free")
        elif is_up:
            yield _ok(name, f"in use while the cluster {CLUSTER} is up")
        else:
            yield _problem(name, "in use: end what listens there, or change k8s/kind.yaml")
    name = f"port {SERVICE_PORT}"
    if machine.is_free(SERVICE_PORT):
        yield _ok(name, "free")
    else:
        yield Finding(State.NOTE, name, "in use: MESSENGER_PORT=0 uv run messenger picks another")


def _ok(name: str, text: str) -> Finding:
    return Finding(State.OK, name, text)


def _problem(name: str, text: str) -> Finding:
    return Finding(State.PROBLEM, name, text)


def _last(output: str) -> str:
    """Return the last line of what a command said, which tends to be the reason."""
    return next(iter(reversed(output.strip().splitlines())), "no reason given")


def _version(text: str) -> tuple[int, ...] | None:
    found = re.search(r"(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else None


def _run(command: Sequence[str]) -> Result | None:
    try:
        done = subprocess.run(  # noqa: S603 - the commands of this file
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired:
        return Result(1, f"no answer within {COMMAND_SECONDS:g} s")
    return Result(done.returncode, done.stdout)


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return None


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
