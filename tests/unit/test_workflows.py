"""The workflows: what runs there is named by its commit, and may do no more than it has to.

Each rule is a function from one workflow to what is wrong with it, and is shown to find that.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / ".github" / "workflows"

TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.iterdir())}

PINNED = re.compile(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
"""An action by its commit, with the release that this is."""

OURS = "./.github/workflows/"

DANGEROUS = {"pull_request_target", "workflow_run"}
"""Events that run with the rights of the repository on what a stranger has sent."""

HOST = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:io|com|net|org|dev|cloud)\b")
HOSTS = {"github.com", "token.actions.githubusercontent.com"}
"""Where releases are, and who says which workflow this is. Registries are variables."""

Workflow = dict[Any, Any]

GOOD = """\
on: push
permissions: {}
jobs:
  check:
    timeout-minutes: 5
    permissions:
      contents: read # to check the repository out
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - run: echo "$NAME"
        env:
          NAME: ${{ github.ref }}
"""


def actions_are_pinned(text: str) -> Iterator[str]:
    """Every action is named by a commit, and by the release that it is."""
    for used in re.findall(r"\buses: (.*)", text):
        if not (PINNED.fullmatch(used) or used.startswith(OURS)):
            yield f"{used} is no commit with a release behind it"


def nothing_is_allowed_to_all(text: str) -> Iterator[str]:
    """The rights are given to each job, with the reason beside them."""
    if read(text).get("permissions") != {}:
        yield "what is not said is allowed"
    for name, job in read(text)["jobs"].items():
        if "permissions" not in job:
            yield f"{name} does not say what it may do"
    for right in re.findall(r"^ +[a-z-]+: (?:read|write)\b.*", text, re.MULTILINE):
        if " # " not in right:
            yield f"{right.strip()}: why?"


def strangers_have_no_rights(text: str) -> Iterator[str]:
    """No event runs what a stranger wrote with rights of the repository."""
    # To YAML 1.1 the word `on` is a truth value.
    events = read(text)[True]
    for name in sorted(DANGEROUS & set([events] if isinstance(events, str) else events)):
        yield f"it runs on {name}"


def nothing_is_put_into_a_script(text: str) -> Iterator[str]:
    """What is not ours reaches a shell as a variable, and never as a part of the script."""
    for step in steps(text):
        if "${{" in step.get("run", ""):
            yield f"an expression in: {step['run']}"


def credentials_do_not_stay(text: str) -> Iterator[str]:
    """The token is not left in the checkout, where any later step could read it."""
    for step in steps(text):
        is_checkout = step.get("uses", "").startswith("actions/checkout@")
        if is_checkout and step.get("with", {}).get("persist-credentials") is not False:
            yield "the token stays in the checkout"


def jobs_end(text: str) -> Iterator[str]:
    """A job that hangs is ended."""
    for name, job in read(text)["jobs"].items():
        if "uses" not in job and "timeout-minutes" not in job:
            yield f"{name} may last for hours"


def registries_are_not_named(text: str) -> Iterator[str]:
    """Where images are is up to the repository that runs it."""
    for host in sorted(set(HOST.findall(text)) - HOSTS):
        yield f"it names {host}"


Rule = Callable[[str], Iterator[str]]

OFFENCES: list[tuple[Rule, str, str]] = [
    (actions_are_pinned, "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7"),
    (actions_are_pinned, " # v7.0.1", ""),
    (actions_are_pinned, "3d3c42e5", "3D3C42E5"),
    (nothing_is_allowed_to_all, "permissions: {}\n", ""),
    (nothing_is_allowed_to_all, "permissions: {}", "permissions: write-all"),
    (nothing_is_allowed_to_all, " # to check the repository out", ""),
    (nothing_is_allowed_to_all, "    permissions:\n      contents: read", "#"),
    (strangers_have_no_rights, "on: push", "on: pull_request_target"),
    (strangers_have_no_rights, "on: push", "on: {workflow_run: {}}"),
    (nothing_is_put_into_a_script, '"$NAME"', "${{ github.ref }}"),
    (credentials_do_not_stay, "persist-credentials: false", "fetch-depth: 1"),
    (jobs_end, "    timeout-minutes: 5\n", ""),
    (registries_are_not_named, "$NAME", "registry.example.com"),
]

RULES = list(dict.fromkeys(rule for rule, _, _ in OFFENCES))


def read(text: str) -> Workflow:
    """Return what a workflow says."""
    workflow: Workflow = yaml.safe_load(text)
    return workflow


def steps(text: str) -> Iterator[dict[str, Any]]:
    """Return every step of every job."""
    for job in read(text)["jobs"].values():
        yield from job.get("steps", ())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_workflow_keeps_the_rule(rule: Rule) -> None:
    """Nothing is found in any of them."""
    found = {name: list(rule(text)) for name, text in TEXTS.items()}

    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [pytest.param(*each, id=f"{each[0].__name__}-{n}") for n, each in enumerate(OFFENCES)],
)
def test_the_rule_finds_what_breaks_it(rule: Rule, good: str, bad: str) -> None:
    """The control: what keeps all rules breaks this one by one change."""
    assert good in GOOD
    assert list(rule(GOOD)) == []
    assert list(rule(GOOD.replace(good, bad))) != []
