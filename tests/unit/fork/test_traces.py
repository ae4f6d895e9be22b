"""What is left of the old name is found, wherever it is."""

from pathlib import Path

import pytest

from tests.fork import documents, tidying
from tests.fork.naming import Name
from tests.fork.renaming import RULES, Renaming

CREDIT = documents.credit("1.0.0")


@pytest.mark.parametrize("text", ["messenger", "MESSENGER_X", "X-Messenger-Pod", "kind-messenger2"])
def test_the_old_name_is_found_in_any_form(tmp_path: Path, text: str) -> None:
    """With the line that it is in."""
    (tmp_path / "a.yaml").write_text(f"one: 1\ntwo: {text}\n")

    assert tidying.traces(tmp_path) == [f"a.yaml:2: two: {text}"]


def test_the_old_name_is_found_in_the_name_of_a_file(tmp_path: Path) -> None:
    """And in that of a folder."""
    (tmp_path / "messenger").mkdir()
    (tmp_path / "messenger" / "app.py").write_text("")

    assert tidying.traces(tmp_path) == ["messenger", "messenger/app.py"]


def test_the_credit_is_no_trace_and_anything_else_is(tmp_path: Path) -> None:
    """A line that has more in it than the credit is another line."""
    (tmp_path / "README.md").write_text(f"{CREDIT}\n{CREDIT} Messenger\n")

    assert tidying.traces(tmp_path, {CREDIT}) == [f"README.md:2: {CREDIT} Messenger"]


@pytest.mark.parametrize("left_out", ["sentence", "constant", "object"])
def test_a_form_that_no_rule_renames_is_seen(tmp_path: Path, left_out: str) -> None:
    """The control: with any of the forms left as it is, the search finds it."""
    rules = [rule for rule in RULES if rule.name != left_out]
    text = "Messenger reads MESSENGER_PORT and is deployed as messenger."
    (tmp_path / "a.txt").write_text(Renaming(Name("orders"), rules).text(text))
    (tmp_path / "b.txt").write_text(Renaming(Name("orders")).text(text))

    found = tidying.traces(tmp_path)

    assert [line.partition(":")[0] for line in found] == ["a.txt"]
