"""The command, on a small repository: what it makes, and when it refuses."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fork import checkout, copying, documents
from tests.fork.__main__ import ROOT, main
from tests.fork.naming import Refused
from tests.fork.renaming import RULES

FILES = {
    ".gitignore": "*.log\n",
    "README.md": "# Messenger\n\nA reference microservice.\n\n    uv run messenger\n",
    "k8s/messenger.yaml": "name: messenger\n---\nname: delivery\n",
    "messenger/__init__.py": '"""The package of Messenger."""\n',
    "messenger/kept.log": "tracked, whatever .gitignore says\n",
    "messenger/start": "#!/bin/sh\nexec python -m messenger\n",
    "pyproject.toml": '[project]\nname = "messenger"\nversion = "1.2"\n',
    "tests/fork/__init__.py": '"""Renames messenger."""\n',
}
"""A repository with one file of each kind that is treated in its own way."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout of the small repository, with a file in it that git does not know."""
    made = tmp_path / "checkout"
    for name, text in FILES.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text, encoding="utf-8")
    (made / "messenger" / "start").chmod(0o755)
    (made / "messenger" / "picture").write_bytes(b"\xff\xd8\xff")
    checkout.git(made, "init", "--quiet")
    checkout.git(made, "add", "--all", "--force")
    (made / "notes").write_text("of one's own\n", encoding="utf-8")
    return made


def files_in(folder: Path) -> set[str]:
    """Return the files of a folder, without those of git."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def refusal(arguments: Sequence[str], root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return why the command refuses, which is to leave everything as it was."""
    before = set(root.parent.rglob("*"))
    status = main(arguments, root)
    printed = capsys.readouterr()

    assert status == 1
    assert printed.out == ""
    assert set(root.parent.rglob("*")) == before
    return printed.err


def test_a_fork_is_a_repository_of_its_own(tmp_path: Path, root: Path) -> None:
    """It has what git tracks under another name, one commit, and nothing that is not in that."""
    target = tmp_path / "orders"

    assert main([str(target)], root) == 0

    assert files_in(target) == {
        ".gitignore",
        "README.md",
        "k8s/orders.yaml",
        "orders/__init__.py",
        "orders/kept.log",
        "orders/picture",
        "orders/start",
        "pyproject.toml",
    }
    assert checkout.git(target, "rev-list", "--count", "--all") == "1\n"
    assert checkout.git(target, "status", "--porcelain", "--ignored") == ""
    assert os.access(target / "orders" / "start", os.X_OK)
    assert (target / "orders" / "picture").read_bytes() == b"\xff\xd8\xff"
    assert documents.credit("1.2") in (target / "README.md").read_text(encoding="utf-8")


def test_a_fork_can_be_put_into_an_empty_folder(tmp_path: Path, root: Path) -> None:
    """Under another name than the folder's."""
    target = tmp_path / "empty"
    target.mkdir()

    assert main([str(target), "--name", "order-items"], root) == 0

    assert (target / "order_items" / "__init__.py").is_file()
    assert (target / "k8s" / "order-items.yaml").is_file()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["checkout"], "there already", id="folder with files"),
        pytest.param(["orders", "--name", "Orders"], "is no name", id="no name"),
        pytest.param(["orders", "--name", "delivery"], "something else", id="object"),
        pytest.param(["orders", "--name", "k8s"], "something else", id="folder"),
        pytest.param(["orders", "--name", "pytest"], "something else", id="package"),
    ],
)
def test_a_refusal_says_why_and_leaves_nothing(
    arguments: Sequence[str],
    reason: str,
    tmp_path: Path,
    root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also where the name is in use for something that the repository needs."""
    target, *rest = arguments

    assert reason in refusal([str(tmp_path / target), *rest], root, capsys)


def test_what_is_no_checkout_is_refused(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a folder that git does not know, nor one inside a repository."""
    target = str(tmp_path / "orders")
    shutil.rmtree(root / ".git")

    assert "git rev-parse failed" in refusal([target], root, capsys)

    checkout.git(tmp_path, "init", "--quiet")

    assert "a folder in one" in refusal([target], root, capsys)


def test_a_machine_without_git_is_told_so(tmp_path: Path) -> None:
    """In one line, and with an exit status."""
    target = tmp_path / "orders"
    done = subprocess.run(  # noqa: S603 - the command under test
        [sys.executable, "-m", "tests.fork", str(target)],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (1, "fork: there is no git on PATH\n")
    assert list(tmp_path.iterdir()) == []


def test_a_commit_that_fails_leaves_nothing(
    tmp_path: Path,
    root: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such as that of somebody whose name git does not know."""
    monkeypatch.setenv("GIT_COMMITTER_NAME", "")

    assert "git commit failed" in refusal([str(tmp_path / "orders")], root, capsys)


@pytest.mark.parametrize("left_out", ["sentence", "object"])
def test_a_fork_with_the_old_name_in_it_is_not_made(
    left_out: str, tmp_path: Path, root: Path
) -> None:
    """The control: with a rule left out the search for traces is red."""
    rules = [rule for rule in RULES if rule.name != left_out]

    with pytest.raises(Refused, match=r"README\.md:\d"):
        copying.fork(root, tmp_path / "orders", "orders", rules=rules)

    assert list(tmp_path.iterdir()) == [root]
