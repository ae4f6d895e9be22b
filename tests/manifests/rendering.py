"""Rendering: each overlay as it is, and with each component that a README puts beside it."""

import copy
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import yaml

from tests.manifests.objects import Object, Objects

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
ISTIO = ROOT / "istio"
README = K8S / "README.md"
MESH_README = ISTIO / "README.md"

STATES = ISTIO / "canary"
"""The states of a roll-out: components of which an overlay lists one."""

PLACES = (K8S / "components", ISTIO / "components", STATES)
"""Where components are."""

FIRST = ("canary-v2",)
"""Components that have to be listed before the others, which then reach what these add."""

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where PyYAML was built with its C library, as its wheels are."""

SECONDS = 60.0
"""How long one rendering may take: a fifth of a second, and a busy machine."""


class Rendering(NamedTuple):
    """What is rendered."""

    folder: str
    """Below k8s/, such as "overlays/dev"."""

    added: tuple[str, ...] = ()
    """Components that are added to it."""

    @property
    def name(self) -> str:
        """How it is called in the names of tests."""
        return "+".join([self.folder.rpartition("/")[2], *self.added])


class Component(NamedTuple):
    """A row of the table of components."""

    name: str
    is_in: tuple[str, ...]
    """The overlays that list it."""

    goes_with: tuple[str, ...]
    """The overlays that it can be added to."""


def table(heading: str, readme: Path = README) -> list[list[str]]:
    """Return the cells of the table in a README whose first heading is this, by rows."""
    lines = readme.read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def overlays() -> list[str]:
    """Return the names of the overlays that k8s/README.md describes."""
    return [row[0].strip("`") for row in table("overlay")]


def components() -> list[Component]:
    """Return the components that k8s/README.md and istio/README.md describe."""
    rows = [*table("component"), *table("component", MESH_README), *table("state", MESH_README)]
    return [
        Component(name.strip("`"), _names(is_in), _names(goes_with))
        for name, _, is_in, goes_with in rows
    ]


def place_of(component: str) -> Path:
    """Return the folder of a component, by its name."""
    (found,) = (each / component for each in PLACES if (each / component).is_dir())
    return found


def every() -> list[Rendering]:
    """Return all that is to be rendered."""
    return [
        Rendering("base"),
        Rendering("base", ("downstreams",)),
        *(Rendering(f"overlays/{name}") for name in overlays()),
        *(
            Rendering(f"overlays/{overlay}", (component.name,))
            for component in components()
            for overlay in component.goes_with
        ),
    ]


def render(rendering: Rendering) -> Objects:
    """Return the objects of a rendering.

    Raises:
        AssertionError: kubectl did not render it, or had something to remark.
    """
    return copy.deepcopy(_parsed(rendering))


def kustomization(folder: Path) -> Object:
    """Return what the kustomization of a folder says."""
    read: Object = load(folder / "kustomization.yaml")
    return read


def load(path: Path) -> Any:  # noqa: ANN401 - whatever the file says
    """Return what a file of YAML holds."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - a safe one


@cache
def _parsed(rendering: Rendering) -> Objects:
    return list(yaml.load_all(_text(rendering), Loader=LOADER))


def _text(rendering: Rendering) -> str:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl, which renders, is not installed")
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        for tree in (K8S, ISTIO):
            shutil.copytree(tree, copy / tree.name, ignore=shutil.ignore_patterns("gate"))
        place = copy / K8S.name / rendering.folder
        if rendering.added:
            _add(place, rendering.added, copy)
        done = subprocess.run(  # noqa: S603 - a tool with a path of our own
            ["kubectl", "kustomize", str(place)],  # noqa: S607 - the one on PATH is the user's
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, ""), f"{rendering.name}: {done.stderr}"
    return done.stdout


def _add(place: Path, added: tuple[str, ...], root: Path) -> None:
    """Add components as the READMEs say: a state replaces the one that is listed."""
    said = kustomization(place)
    listed = said.setdefault("components", [])
    for name in added:
        path = os.path.relpath(root / place_of(name).relative_to(ROOT), place)
        states = [n for n, each in enumerate(listed) if each.rpartition("/")[0].endswith("/canary")]
        if place_of(name).parent == STATES and states:
            listed[states[0]] = path
        else:
            listed.insert(0 if name in FIRST else len(listed), path)
    (place / "kustomization.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")


def _names(cell: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in cell.split(",") if name.strip())
