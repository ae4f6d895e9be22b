"""The folders of k8s/ and istio/: all described, all rendered, and in the house's style."""

import re
from pathlib import Path

import pytest

from tests.manifests.rendering import (
    ISTIO,
    K8S,
    PLACES,
    ROOT,
    Rendering,
    components,
    every,
    kustomization,
    load,
    overlays,
    render,
    table,
)

YAML = sorted([*K8S.rglob("*.yaml"), *ISTIO.rglob("*.yaml")])

OUTDATED = {"bases", "commonLabels", "patchesJson6902", "patchesStrategicMerge", "vars"}
"""Keys that Kustomize warns of."""

MOST_PATCH_LINES = 30
"""A patch has one intention; the house style's twenty lines, and those that say why."""


def relative(path: Path) -> str:
    """Return how the names of tests call a file."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("rendering", every(), ids=lambda rendering: rendering.name)
def test_every_overlay_is_rendered_without_a_warning(rendering: Rendering) -> None:
    """Each as it is, and with each component that the README puts beside it, is sound."""
    assert render(rendering)


def test_the_readme_describes_every_overlay_and_no_other() -> None:
    """A folder without a line would be found by accident only."""
    assert overlays() == [row[0].strip("`") for row in table("overlay")]
    assert set(overlays()) == {path.name for path in (K8S / "overlays").iterdir()}


def test_the_readme_describes_every_component_and_no_other() -> None:
    """The same for components."""
    folders = [path.name for place in PLACES for path in place.iterdir()]

    assert sorted(each.name for each in components()) == sorted(folders)


def test_the_readme_says_which_overlay_has_which_component() -> None:
    """What stands in its table is what the overlays list."""
    told = {(overlay, each.name) for each in components() for overlay in each.is_in}
    listed = {
        (overlay, path.rpartition("/")[2])
        for overlay in overlays()
        for path in kustomization(K8S / "overlays" / overlay)["components"]
    }

    assert told == listed


def test_every_component_is_rendered_somewhere() -> None:
    """No component is left out of these tests."""
    added = {name for rendering in every() for name in rendering.added}
    listed = {each.name for each in components() if each.is_in}

    assert {each.name for each in components()} == added | listed


@pytest.mark.parametrize("path", YAML, ids=relative)
def test_a_file_holds_one_document_and_begins_by_saying_why(path: Path) -> None:
    """Who opens it knows at once what it is for, and finds one thing."""
    text = path.read_text(encoding="utf-8")

    load(path)
    assert text.startswith("# ")
    assert "\n---" not in text


@pytest.mark.parametrize("path", [p for p in YAML if p.name.startswith("patch-")], ids=relative)
def test_a_patch_is_small_and_named_by_its_effect(path: Path) -> None:
    """patch-<kind>-<effect>.yaml, and nothing in it but that."""
    lines = path.read_text(encoding="utf-8").splitlines()
    used = kustomization(path.parent)["patches"]

    assert re.fullmatch(r"patch-[a-z]+(-[a-z]+)+\.yaml", path.name)
    assert len(lines) <= MOST_PATCH_LINES
    assert path.name in {each["path"] for each in used}


@pytest.mark.parametrize("path", [p for p in YAML if p.name == "kustomization.yaml"], ids=relative)
def test_a_kustomization_has_current_keys_and_lists_its_files(path: Path) -> None:
    """Nothing outdated, and no file beside it that nobody uses."""
    said = kustomization(path.parent)
    patches = [each["path"] for each in said.get("patches", ())]
    files = [name for made in said.get("configMapGenerator", ()) for name in made["files"]]
    resources = [name for name in said.get("resources", ()) if (path.parent / name).is_file()]
    beside = {p.name for p in path.parent.iterdir() if p.is_file()} - {path.name}

    assert not OUTDATED & said.keys()
    assert patches == sorted(patches)
    assert beside == {*patches, *files, *resources}


def test_an_object_of_the_base_is_in_the_file_of_its_kind() -> None:
    """The name of the file says what is in it."""
    for path in [*(K8S / "base").glob("*.yaml"), *(ISTIO / "base").glob("*.yaml")]:
        assert load(path)["kind"].lower() == path.stem
