"""The commands of k8s/README.md on a cluster, in a namespace that is nobody's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import ROOT, run_by
from tests.e2e.cluster import Cluster, run
from tests.e2e.space import Space, open_space


@pytest.fixture(scope="module")
def space(alone: Cluster) -> Iterator[Space]:
    """A namespace for what names none."""
    with open_space(alone, "readme") as space:
        yield space


@pytest.fixture
def kubeconfig(space: Space, tmp_path: Path) -> Path:
    """A configuration of kubectl by which that is the namespace of every command."""
    path = tmp_path / "kubeconfig"
    path.write_text(
        space.cluster.kubectl("config", "view", "--minify", "--raw", "--flatten"), encoding="utf-8"
    )
    run(
        (
            *("kubectl", "--kubeconfig", str(path)),
            *("config", "set-context", "--current", f"--namespace={space.name}"),
        )
    )
    return path


def test_the_base_can_be_deployed_alone(space: Space, kubeconfig: Path) -> None:
    """Each command ends well, and every pod is ready although it has nothing to call."""
    for block in run_by(__file__):
        for command in block.commands:
            line = f"cd {ROOT}; export KUBECONFIG={kubeconfig}; {command.line}"
            assert command.prints(run(("bash", "-euc", line)))

    space.settle("deployment/messenger")
