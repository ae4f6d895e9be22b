"""Every block of every document is run by a test, or says why it is not."""

import pytest

from tests.commands import ROOT, Block, Command, blocks, documents, every, problems

DOCUMENTS = [path.relative_to(ROOT).as_posix() for path in documents()]

TEXT = """\
# Title

A sentence
    that goes on with an indented line.

<!-- run by tests/unit/test_commands.py -->

    first      # what it is for
    second -d 'a # b' \\
      third

    fourth

```console
$ ask \\
    again
an answer
$ be silent
```
"""

SAYS_NOTHING = "Text.\n\n    uv run orders\n"


def only(text: str) -> Block:
    """Return the one block of a document."""
    (block,) = blocks(text, "README.md")
    return block


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_is_run_or_says_why_not(document: str) -> None:
    """And a test that is named asks for it."""
    found = {block.place: problems(block) for block in every() if block.document == document}

    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_the_documents_are_those_of_the_checkout() -> None:
    """Beside the first one there are some in folders, and none of a package that is installed."""
    assert {"README.md", "k8s/README.md", ".github/CONTRIBUTING.md"} <= set(DOCUMENTS)
    assert not any(document.startswith(".venv") for document in DOCUMENTS)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(SAYS_NOTHING, "neither run", id="nothing said"),
        pytest.param("<!-- not run: -->\n\n    uv run orders\n", "neither run", id="no reason"),
        pytest.param(
            "<!-- not run: it is long -->\n\nText.\n\n    uv run orders\n",
            "neither run",
            id="said of something else",
        ),
        pytest.param(
            "<!-- not run: it is long -->\n\n    uv run one\n\nText.\n\n    uv run two\n",
            "neither run",
            id="said of the one before",
        ),
        pytest.param(
            "<!-- run by tests/unit/test_none.py -->\n\n    uv run orders\n",
            "which is no test",
            id="no such test",
        ),
        pytest.param(
            "<!-- run by tests/commands.py -->\n\n    uv run orders\n",
            "which is no test",
            id="no test",
        ),
        pytest.param(
            "<!-- run by tests/unit/test_logs.py -->\n\n    uv run orders\n",
            "does not ask for it",
            id="a test of something else",
        ),
    ],
)
def test_a_block_that_nobody_runs_is_found(text: str, problem: str) -> None:
    """The control."""
    found = [each for block in blocks(text) for each in problems(block)]

    assert len(found) == 1
    assert problem in found[0]


def test_a_reason_is_enough() -> None:
    """What it has to say, people judge."""
    assert problems(only("<!-- not run: needs an aeroplane -->\n\n    fly\n")) == []


def test_what_is_said_of_all_holds_for_those_that_say_nothing() -> None:
    """The rest of a document may be run by one test."""
    text = "<!-- all run by tests/a -->\n\n    one\n\nText.\n\n<!-- not run: no -->\n\n    two\n\n"

    found = [(block.test, block.reason) for block in blocks(text + SAYS_NOTHING)]

    assert found == [("tests/a", ""), ("", "no"), ("tests/a", "")]


def test_commands_are_found_without_what_is_said_about_them() -> None:
    """Lines that go on are one command; in a console what is printed stands below."""
    found = [block.commands for block in blocks(TEXT)]

    assert found == [
        [Command("first", None), Command("second -d 'a # b' \\\n  third", None)],
        [Command("fourth", None)],
        [Command("ask \\\n    again", "an answer"), Command("be silent", "")],
    ]


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        pytest.param('{"id":"…","n":1}', '{"id":"8a","n":1}\n', id="something left open"),
        pytest.param("first\n…\nlast", "first\nsome\nmore\nlast\n", id="lines left open"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_is_printed_is_what_is_said(said: str, printed: str) -> None:
    """But for what is left open."""
    assert Command("ask", said).prints(printed)


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        pytest.param('{"id":"…","n":1}', '{"id":"8a","n":2}\n', id="something else"),
        pytest.param("all", "all, and more", id="more"),
        pytest.param("", "something", id="something for nothing"),
    ],
)
def test_what_is_printed_is_not_what_is_said(said: str, printed: str) -> None:
    """The control."""
    assert not Command("ask", said).prints(printed)


def test_nothing_is_wrong_where_nothing_is_said() -> None:
    """A command whose output is not told may print anything."""
    assert Command("ask", None).prints("anything")
