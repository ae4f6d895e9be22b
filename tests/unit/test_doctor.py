"""The doctor, with a machine that is told."""

import json
from collections.abc import Callable, Mapping, Sequence

import pytest
import yaml

from tests import doctor
from tests.doctor import Finding, Machine, Result, State
from tests.manifests.rendering import K8S, ROOT

HEALTHY = {
    "docker version --format {{.Server.Version}}": "28.5.1\n",
    "docker version --format {{.Client.Version}}": "28.5.1\n",
    "docker buildx version": "github.com/docker/buildx v0.29.1\n",
    "docker info --format {{json .DriverStatus}}": '[["Backing Filesystem","extfs"]]\n',
    "docker info --format {{.CgroupVersion}}": "2\n",
    "kind version": "kind v0.33.0 go1.26 linux/amd64\n",
    "kind get clusters": "No kind clusters found.\n",
    "kubectl version --client --output json": json.dumps(
        {"clientVersion": {"gitVersion": "v1.34.4"}, "kustomizeVersion": "v5.7.1"}
    ),
    "skaffold schema list": "skaffold/v4beta13\nskaffold/v4beta14\n",
}
"""What each command prints on a machine on which everything works."""

CONTAINERD = '[["driver-type","io.containerd.snapshotter.v1"]]'


def machine(
    said: Mapping[str, str | Result | None] | None = None,
    *,
    limits: int | None = 1_000_000,
    taken: Sequence[int] = (),
    environ: Mapping[str, str] | None = None,
) -> Machine:
    """Return a machine that works, but for what is said."""
    answers: Mapping[str, str | Result | None] = {**HEALTHY, **(said or {})}

    def run(command: Sequence[str]) -> Result | None:
        answer = answers[" ".join(command)]
        return Result(0, answer) if isinstance(answer, str) else answer

    return Machine(
        run=run,
        read=lambda _: None if limits is None else f"{limits}\n",
        is_free=lambda port: port not in taken,
        environ=environ or {},
    )


def finding(name: str, at: Machine) -> Finding:
    """Return what is found about one thing."""
    (found,) = (each for each in doctor.examine(at) if each.name == name)
    return found


def test_a_machine_that_works_has_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line is ok, and so is the exit status."""
    status = doctor.main(machine())
    lines = capsys.readouterr().out.splitlines()

    assert status == 0
    assert len(lines) == 11
    assert {line.split()[0] for line in lines} == {"ok"}


def test_one_problem_is_enough_for_exit_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    """And the line says what to do."""
    status = doctor.main(machine({"skaffold schema list": None}))

    assert status == 1
    assert "problem  skaffold     is not installed; see https" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "at", "text"),
    [
        (
            "docker",
            lambda: machine({"docker version --format {{.Server.Version}}": None}),
            "is not installed",
        ),
        (
            "docker",
            lambda: machine(
                {"docker version --format {{.Server.Version}}": Result(1, "a\npermission denied\n")}
            ),
            "does not answer: start it, or join its group (permission denied)",
        ),
        (
            "builder",
            lambda: machine({"docker version --format {{.Client.Version}}": "20.10.24+dfsg1\n"}),
            "export DOCKER_BUILDKIT=1",
        ),
        (
            "builder",
            lambda: machine({"docker buildx version": Result(1, "no such command")}),
            "install docker-buildx-plugin",
        ),
        (
            "builder",
            lambda: machine({"docker version --format {{.Client.Version}}": None}),
            "comes with docker",
        ),
        (
            "image store",
            lambda: machine({"docker info --format {{json .DriverStatus}}": CONTAINERD}),
            "BUILDX_NO_DEFAULT_ATTESTATIONS=1",
        ),
        (
            "image store",
            lambda: machine({"docker info --format {{json .DriverStatus}}": None}),
            "docker does not tell",
        ),
        (
            "cgroup",
            lambda: machine({"docker info --format {{.CgroupVersion}}": Result(1, "")}),
            "docker does not tell",
        ),
        ("kind", lambda: machine({"kind version": None, "kind get clusters": None}), "installed"),
        (
            "kubectl",
            lambda: machine({"kubectl version --client --output json": None}),
            "is not installed",
        ),
        (
            "kubectl",
            lambda: machine({"kubectl version --client --output json": Result(1, "")}),
            "does not tell its version (no reason given)",
        ),
        (
            "kubectl",
            lambda: machine(
                {
                    "kubectl version --client --output json": json.dumps(
                        {"clientVersion": {"gitVersion": "v1.26.0"}, "kustomizeVersion": "v4.5.7"}
                    )
                }
            ),
            "has Kustomize v4.5.7, too old",
        ),
        (
            "skaffold",
            lambda: machine({"skaffold schema list": "skaffold/v4beta13\n"}),
            "does not know skaffold/v4beta14: update it",
        ),
        ("port 30080", lambda: machine(taken=[30080]), "in use: end what listens there"),
    ],
)
def test_what_is_wrong_is_found_with_what_to_do(
    name: str, at: Callable[[], Machine], text: str
) -> None:
    """Each thing that stops people, one at a time."""
    found = finding(name, at())

    assert found.state is State.PROBLEM
    assert text in found.text


@pytest.mark.parametrize(
    ("name", "at", "text"),
    [
        (
            "cgroup",
            lambda: machine({"docker info --format {{.CgroupVersion}}": "1\n"}),
            "up to 1.34",
        ),
        ("inotify", lambda: machine(limits=None), "no Linux here"),
        ("inotify", lambda: machine(limits=8192), "sudo sysctl fs.inotify.max_user_watches=524288"),
        ("port 8080", lambda: machine(taken=[8080]), "MESSENGER_PORT=0"),
        (
            "port 30081",
            lambda: machine({"kind get clusters": "kind\nmessenger\n"}),
            "create it from k8s/kind.yaml",
        ),
    ],
)
def test_what_works_with_a_limit_is_a_note(name: str, at: Callable[[], Machine], text: str) -> None:
    """It is said, and does not fail."""
    found = finding(name, at())

    assert found.state is State.NOTE
    assert text in found.text


@pytest.mark.parametrize(
    ("name", "at"),
    [
        (
            "builder",
            lambda: machine(
                {"docker version --format {{.Client.Version}}": "20.10.24+dfsg1\n"},
                environ={"DOCKER_BUILDKIT": "1"},
            ),
        ),
        (
            "image store",
            lambda: machine(
                {"docker info --format {{json .DriverStatus}}": CONTAINERD},
                environ={"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
            ),
        ),
        (
            "port 30080",
            lambda: machine({"kind get clusters": "messenger\n"}, taken=[30080, 30081]),
        ),
    ],
)
def test_what_was_seen_to_is_ok(name: str, at: Callable[[], Machine]) -> None:
    """Whoever has done what was said hears no more of it."""
    assert finding(name, at()).state is State.OK


def test_the_doctor_knows_what_the_files_say() -> None:
    """Names, ports and schema are those of k8s/kind.yaml and skaffold.yaml."""
    kind = yaml.safe_load((K8S / "kind.yaml").read_text(encoding="utf-8"))
    skaffold = yaml.safe_load((ROOT / "skaffold.yaml").read_text(encoding="utf-8"))
    ports = [m["hostPort"] for node in kind["nodes"] for m in node.get("extraPortMappings", ())]

    assert kind["name"] == doctor.CLUSTER
    assert tuple(ports) == doctor.CLUSTER_PORTS
    assert skaffold["apiVersion"] == doctor.SCHEMA
