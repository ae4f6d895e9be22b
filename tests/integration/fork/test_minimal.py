"""A minimal fork: one example route, two downstreams, and all that is not about messages."""

from pathlib import Path, PurePosixPath

import pytest

from tests.fork import checkout, copying, reduction
from tests.fork.__main__ import ROOT, main
from tests.fork.naming import Refused

PATCH = """\
--- a/messenger/app.py
+++ b/messenger/app.py
@@ -2,3 +2,3 @@
 one
-two
+changed
 three
"""

DROPPED = """\
[[dropped]]
why = "Nobody needs it."
files = ["messenger/service.py", "*-spam.yaml"]
sections = { "README.md" = "Spam" }
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small checkout."""
    made = tmp_path / "checkout"
    (made / "messenger").mkdir(parents=True)
    (made / "messenger" / "app.py").write_text("zero\none\ntwo\nthree\n", encoding="utf-8")
    for name in ("messenger/service.py", "service-spam.yaml", "run"):
        (made / name).touch()
    (made / "run").chmod(0o755)
    (made / "README.md").write_text("## One\n\nOne.\n\n## Spam\n\nTwo.\n", encoding="utf-8")
    return made


@pytest.fixture
def changes(tmp_path: Path) -> Path:
    """What its minimal service differs in."""
    made = tmp_path / "minimal"
    (made / "messenger").mkdir(parents=True)
    (made / "dropped.toml").write_text(DROPPED, encoding="utf-8")
    (made / "messenger" / "app.py.patch").write_text(PATCH, encoding="utf-8")
    (made / "messenger" / "needs.py.new").write_text("new\n", encoding="utf-8")
    (made / "run.new").write_text("other\n", encoding="utf-8")
    return made


def reduced(root: Path, changes: Path) -> list[PurePosixPath]:
    """Reduce the small checkout to the folder `reduced` beside it."""
    paths = [
        PurePosixPath(path.relative_to(root).as_posix())
        for path in root.rglob("*")
        if path.is_file()
    ]
    return reduction.reduce(root, paths, root.parent / "reduced", changes)


def test_files_are_left_out_changed_replaced_and_added(root: Path, changes: Path) -> None:
    """As the data says; whether one can be run stays as it was."""
    paths = reduced(root, changes)
    folder = root.parent / "reduced"

    assert {str(path) for path in paths} == {
        "README.md",
        "messenger/app.py",
        "messenger/needs.py",
        "run",
    }
    assert (folder / "README.md").read_text() == "## One\n\nOne.\n\n"
    assert (folder / "messenger" / "app.py").read_text() == "zero\none\nchanged\nthree\n"
    assert (folder / "messenger" / "needs.py").read_text() == "new\n"
    assert (folder / "run").read_text() == "other\n"
    assert (folder / "run").stat().st_mode & 0o111


def test_what_was_changed_elsewhere_comes_along(root: Path, changes: Path) -> None:
    """A patch is about its lines, and not about the file."""
    (root / "messenger" / "app.py").write_text("a\nb\none\ntwo\nthree\nlast\n", encoding="utf-8")
    reduced(root, changes)

    text = (root.parent / "reduced" / "messenger" / "app.py").read_text()
    assert text == "a\nb\none\nchanged\nthree\nlast\n"


def test_a_change_that_cannot_be_made_is_refused(root: Path, changes: Path) -> None:
    """The control: nothing is left as it was without a word."""
    (root / "messenger" / "app.py").write_text("zero\none\n2\nthree\n", encoding="utf-8")

    with pytest.raises(Refused, match=r"messenger/app\.py: patch does not apply"):
        reduced(root, changes)


def test_what_is_to_be_left_out_has_to_be_there(root: Path, changes: Path) -> None:
    """The control: a file that was renamed does not come back in silence."""
    (root / "messenger" / "service.py").rename(root / "messenger" / "use_case.py")

    with pytest.raises(Refused, match=r"messenger/service\.py, which is no file"):
        reduced(root, changes)


def test_a_section_that_is_to_be_left_out_has_to_be_there(root: Path, changes: Path) -> None:
    """The control, for documents."""
    (root / "README.md").write_text("## Ham\n", encoding="utf-8")

    with pytest.raises(Refused, match="Spam, which is no section"):
        reduced(root, changes)


def test_every_change_fits_this_repository(tmp_path: Path) -> None:
    """Whoever changes a file that a minimal fork has in another form hears of it at once."""
    if not (ROOT / ".git").exists():
        pytest.skip("a checkout, not a copy of one, is needed")
    kept = reduction.reduce(ROOT, checkout.tracked(ROOT), tmp_path / "reduced")

    assert PurePosixPath("messenger/people.py") in kept


@pytest.mark.slow
def test_a_minimal_fork_of_this_repository_can_be_made(tmp_path: Path) -> None:
    """No trace of the old name is left, and the health package is whole."""
    if not (ROOT / ".git").exists():
        pytest.skip("a checkout, not a copy of one, is needed")
    target = tmp_path / "orders"
    copying.fork(ROOT, target, "orders", is_minimal=True)
    health, copied = ROOT / "messenger" / "health", target / "orders" / "health"

    assert checkout.git(target, "status", "--porcelain", "--ignored") == ""
    assert {path.name for path in copied.iterdir()} == {
        path.name for path in health.iterdir() if path.name != "__pycache__"
    }
    assert '"/v1/people/{id}"' in (target / "orders" / "app.py").read_text(encoding="utf-8")
    assert not (target / "orders" / "service.py").exists()


def test_the_command_says_how_much_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refusal of the reduction is one of the command, and leaves nothing."""
    checkout.git(tmp_path, "init", "--quiet")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1"\n', encoding="utf-8")
    checkout.git(tmp_path, "add", "--all")
    target = tmp_path.parent / f"{tmp_path.name}-orders"

    assert main([str(target), "--minimal", "--name", "orders"], tmp_path) == 1
    assert "dropped.toml has" in capsys.readouterr().err
    assert not target.exists()
