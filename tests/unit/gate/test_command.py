"""The command line: what it takes, and how it ends."""

import re
import shlex
from pathlib import Path

import pytest

from istio.gate.__main__ import REFUSED, UNREACHED, main, parser

README = (Path(__file__).parents[3] / "istio" / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    uv run python -m istio\.gate ([^#\n]+)", README, re.MULTILINE)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing"),
        pytest.param(["run", "--steps=10,60"], id="a step that cannot be judged"),
        pytest.param(["run", "--steps=25,10"], id="steps that fall"),
        pytest.param(["step", "--callers=prober"], id="a caller without a namespace"),
    ],
)
def test_a_wrong_command_ends_with_status_2(arguments: list[str]) -> None:
    """As everywhere."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2


@pytest.mark.parametrize("text", [None, "", "{}", "[1]", "no JSON"])
def test_what_is_no_recording_is_no_verdict(text: str | None, tmp_path: Path) -> None:
    """Status 1 would say that the version was bad; an empty file has nothing against it."""
    file = tmp_path / "seen.jsonl"
    if text is not None:
        file.write_text(text, encoding="utf-8")

    assert main(["replay", str(file)]) == (0 if text == "" else 2)


def test_the_statuses_differ() -> None:
    """A script can tell them apart."""
    assert len({0, 1, 2, REFUSED, UNREACHED}) == 5


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_readme_is_one_that_is_taken(line: str) -> None:
    """The document is the input."""
    assert parser().parse_args(shlex.split(line)).command in line


def test_the_readme_has_every_command() -> None:
    """And the control: none is found where there is none."""
    assert {line.split()[0] for line in COMMANDS} == {
        *("status", "run", "step", "promote", "abort", "replay"),
    }
