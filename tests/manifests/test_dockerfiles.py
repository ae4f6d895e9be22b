"""What the Dockerfiles promise, as far as reading them tells; `test_images.py` builds them."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.manifests.dockerfiles import DOWNSTREAM, MESSENGER, lineage, stages
from tests.manifests.rendering import ROOT

BOTH = pytest.mark.parametrize("path", [MESSENGER, DOWNSTREAM], ids=["messenger", "downstream"])
PROBER = ROOT / "tests" / "e2e" / "Dockerfile"
PROMETHEUS = ROOT / "tests" / "e2e" / "prometheus" / "Dockerfile"
TOOLS = ROOT / "messenger" / "requirements-tools.txt"


def last(path: Path, instruction: str, stage: str = "") -> str:
    """Return the arguments that count: those of the last instruction of this kind."""
    return [each for s in lineage(path, stage) for each in s.all(instruction)][-1]


def test_both_images_begin_with_the_same_stage() -> None:
    """So the longest layer is built, stored and loaded once."""
    assert stages(MESSENGER)[0] == stages(DOWNSTREAM)[0]


@BOTH
def test_the_default_is_the_runtime_and_has_no_tools(path: Path) -> None:
    """A build without --target is what runs in production."""
    copied = [each for stage in lineage(path, "") for each in stage.all("COPY")]

    assert not any("tools" in each for each in copied)


@BOTH
def test_what_is_installed_is_checked_by_hash_and_not_compiled(path: Path) -> None:
    """And what was fetched is not kept."""
    installs = [each for s in stages(path) for each in s.all("RUN") if " install " in each]

    assert installs
    for each in installs:
        if "pip" in each:
            options = {"--require-hashes", "--only-binary :all:", "--no-cache-dir"}
            assert {option for option in options if option in each} == options


@pytest.mark.parametrize(
    "path", [MESSENGER, DOWNSTREAM, PROBER, PROMETHEUS], ids=lambda path: path.parent.name
)
def test_the_user_is_a_number_and_not_root(path: Path) -> None:
    """The kubelet cannot look a name up."""
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last(path, "USER"))


@pytest.mark.parametrize("stage", [stage.name for stage in stages(MESSENGER)])
def test_no_shell_stands_between_a_signal_and_the_process(stage: str) -> None:
    """Entry points are lists, so that Python, or the reloader, is process 1."""
    for each in [each for s in lineage(MESSENGER, stage) for each in s.all("ENTRYPOINT")]:
        assert isinstance(json.loads(each), list)


def test_the_service_and_the_mocks_are_what_starts() -> None:
    """As on a laptop."""
    assert json.loads(last(MESSENGER, "ENTRYPOINT")) == ["python", "-m", "messenger"]
    assert json.loads(last(DOWNSTREAM, "ENTRYPOINT")) == ["python", "-m", "downstream"]


@BOTH
def test_source_comes_after_dependencies(path: Path) -> None:
    """A change of the source leaves the layer of the dependencies as it is."""
    (runtime,) = [stage for stage in lineage(path, "") if stage.all("COPY")]
    copied = runtime.all("COPY")

    assert copied[0] == "--from=dependencies /venv /venv"
    assert stages(path)[0].all("COPY") == ["requirements.txt /"]


@BOTH
def test_the_labels_come_last_and_say_version_revision_and_source(path: Path) -> None:
    """A revision that changes with every commit must not build anything again."""
    names = [name for s in lineage(path, "") for name, _ in s.instructions]
    label = last(path, "LABEL")

    assert set(names[names.index("ARG") :]) <= {"ARG", "ENV", "LABEL"}
    for field in ("version", "revision", "source"):
        assert f'org.opencontainers.image.{field}="${{{field.upper()}}}"' in label


def test_continued_lines_and_comments_are_read() -> None:
    """The control of the reading."""
    runs = stages(MESSENGER)[0].all("RUN")

    assert len(runs) == 1
    assert "--require-hashes -r /requirements.txt && find" in runs[0]


def test_only_what_images_are_made_of_is_sent_to_the_builder() -> None:
    """Everything is left out, but for what is named."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]

    assert rules[0] == "*"
    assert {rule for rule in rules if rule.startswith("!")} == {
        "!downstream/",
        "!messenger/",
        "!requirements.txt",
    }


def test_the_tools_are_what_uv_exports() -> None:
    """What the dev images add is pinned like the rest."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is neither named by the variable UV nor on PATH")
    options = ("--only-group", "image-tools", "--no-header", "--no-annotate", "--quiet")
    exported = subprocess.run(  # noqa: S603 - the tool that runs us
        [uv, "export", *options, "--format", "requirements-txt"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert exported.returncode == 0, exported.stderr
    assert TOOLS.read_text(encoding="utf-8") == exported.stdout
