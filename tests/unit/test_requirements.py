"""The locked requirements are those of the distribution, and nothing of this machine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKED = ROOT / "requirements.txt"

EXPORT = ("export", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate", "--quiet")
"""How the file was made; see README, "Dependencies"."""


def pins(text: str) -> dict[str, set[str]]:
    """Return the hashes of each pinned package, by name, version and marker."""
    blocks = re.split(r"\n(?=\S)", text.replace("\\\n", ""))
    return {
        block.partition("--hash")[0].strip(): set(re.findall(r"--hash=(\S+)", block))
        for block in blocks
        if block.strip()
    }


def test_the_lock_is_what_uv_exports() -> None:
    """A dependency that changes in pyproject.toml changes here too."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        pytest.skip("uv is neither named by the variable UV nor on PATH")
    exported = subprocess.run(  # noqa: S603 - the tool that runs us
        [uv, *EXPORT, "--format", "requirements-txt"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert exported.returncode == 0, exported.stderr
    assert pins(LOCKED.read_text(encoding="utf-8")) == pins(exported.stdout)


def test_every_package_is_pinned_by_hash() -> None:
    """What is installed is what was looked at."""
    locked = pins(LOCKED.read_text(encoding="utf-8"))

    assert "starlette" in {name.partition("==")[0] for name in locked}
    assert {name for name, hashes in locked.items() if "==" not in name or not hashes} == set()


def test_a_package_without_a_hash_would_be_seen() -> None:
    """The control of the reading of the file."""
    assert pins("a==1 \\\n    --hash=sha256:00\nb==2\n") == {"a==1": {"sha256:00"}, "b==2": set()}


@pytest.mark.parametrize("trace", ["://", "--index", "file:", " /", "-e "])
def test_the_lock_names_no_address_and_no_path(trace: str) -> None:
    """It is good on any machine, behind any index."""
    assert trace not in LOCKED.read_text(encoding="utf-8")
