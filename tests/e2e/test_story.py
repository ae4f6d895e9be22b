"""story.md, typed on a cluster as it stands there, with what each command prints."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commands import ROOT, Block, run_by
from tests.e2e.cluster import Cluster
from tests.e2e.space import is_free
from tests.e2e.terminal import Terminal, opened

pytestmark = pytest.mark.slow

MOST_SECONDS = 20 * 60
"""How long the story may take: nobody listens for longer."""

COMMAND_SECONDS = 600.0
"""How long one command may take: longer than any time-out in it."""

CONTEXT = "kind-messenger"
"""The one whose ports the story knows."""

ISTIOD = "/apis/apps/v1/namespaces/istio-system/deployments/istiod"

BLOCKS = run_by(__file__)

NAMESPACES = sorted(set(re.findall(r"namespace/(\S+) created", "\n".join(b.text for b in BLOCKS))))
"""What the story makes, and takes away in the end."""


@pytest.fixture(scope="module")
def ground(alone: Cluster) -> Iterator[Cluster]:
    """Yield the cluster, with a mesh and without what the story makes; leave it as it was."""
    if alone.context != CONTEXT:
        pytest.skip(f"the story is about {CONTEXT}, and this is {alone.context}")
    if alone.ask(ISTIOD)[0] != 200:
        pytest.skip(f"no mesh: {alone.context} has no Deployment istiod in istio-system")
    taken = [name for name in NAMESPACES if not is_free(alone, name)]
    if taken:
        pytest.skip(f"in use: {' and '.join(taken)}")
    workers = alone.workers()
    try:
        yield alone
    finally:
        alone.kubectl("uncordon", *workers)
        alone.kubectl("delete", "namespace", *NAMESPACES, "--wait=false", "--ignore-not-found")


@pytest.fixture(scope="module")
def terminal(ground: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Yield a shell at the root of the repository, in which that cluster is the current one."""
    kubeconfig: Path = tmp_path_factory.mktemp("story") / "kubeconfig"
    text = ground.kubectl("config", "view", "--minify", "--raw", "--flatten")
    kubeconfig.write_text(text, encoding="utf-8")
    with opened(ROOT, {"KUBECONFIG": str(kubeconfig)}) as terminal:
        yield terminal


def test_the_story_is_true(
    terminal: Terminal, record_property: Callable[[str, object], None]
) -> None:
    """Each command ends well and prints what is told, in less than twenty minutes."""
    began = time.monotonic()
    for block in BLOCKS:
        _type(terminal, block)
    taken = time.monotonic() - began
    record_property("story, seconds", round(taken))

    assert taken < MOST_SECONDS


def _type(terminal: Terminal, block: Block) -> None:
    for command in block.commands:
        said = terminal.type(command.line, within_seconds=COMMAND_SECONDS)
        told = f"{block.place}\n$ {command.line}\nprinted:\n{said.text}\ntold:\n{command.output}"

        assert said.status == 0, told
        assert command.prints(said.text), told
