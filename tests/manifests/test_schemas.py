"""The kinds that Istio and Flagger bring, against the schemas that these publish."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.manifests.objects import Object, find, of_kind, title
from tests.manifests.rendering import Rendering, every, render

FOLDER = Path(__file__).parent / "schemas"

MESHED = [each for each in every() if each.folder == "overlays/canary"]

FLAGGER = Rendering("overlays/canary", ("flagger",))


def closed(schema: Any) -> Any:  # noqa: ANN401 - a schema, or a part of one
    """Return a schema in which a field that it does not know is an error, as for the API server."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    made = {key: closed(value) for key, value in schema.items()}
    # A field may be called "properties"; then what stands there is no list of fields.
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        made.setdefault("additionalProperties", False)
    return made


@cache
def validators() -> dict[str, Draft202012Validator]:
    """Return what judges an object, by its version and kind."""
    files = [json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")]
    return {
        kind: Draft202012Validator(closed(schema))
        for file in files
        for kind, schema in file["kinds"].items()
    }


def faults(each: Object) -> list[str]:
    """Return what the schema of an object's kind says against it; nothing where there is none."""
    judge = validators().get(f"{each['apiVersion']} {each['kind']}")
    # What every object has is Kubernetes' own to judge.
    told = {key: each[key] for key in each if key not in {"apiVersion", "kind", "metadata"}}
    found = judge.iter_errors(told) if judge else ()
    return [f"{title(each)} {error.json_path}: {error.message}" for error in found]


@pytest.mark.parametrize("rendering", MESHED, ids=lambda rendering: rendering.name)
def test_every_object_of_the_mesh_keeps_to_its_schema(rendering: Rendering) -> None:
    """Every field is known, and every value allowed; no cluster is needed to say so."""
    assert [fault for each in render(rendering) for fault in faults(each)] == []


def test_every_kind_of_istio_and_flagger_has_a_schema() -> None:
    """None is judged by nobody."""
    used = {
        f"{each['apiVersion']} {each['kind']}"
        for rendering in MESHED
        for each in render(rendering)
        if ".istio.io/" in each["apiVersion"] or "flagger.app/" in each["apiVersion"]
    }

    assert used == validators().keys()


def test_a_field_and_a_value_that_are_not_known_are_found() -> None:
    """The control."""
    objects = copy.deepcopy(render(FLAGGER))
    canary = find(objects, "Canary", "messenger")
    canary["spec"]["analysis"]["maxWeigth"] = 50
    canary["spec"]["provider"] = "istoi"
    route = find(objects, "VirtualService", "consent")
    route["spec"]["http"][0]["retries"]["perTryTimeOut"] = "1s"
    said = " ".join([*faults(canary), *faults(route)])

    assert all(word in said for word in ("maxWeigth", "istoi", "perTryTimeOut"))


def test_each_metric_of_the_engine_has_its_template() -> None:
    """A name that misses is found when the first roll-out stands still."""
    objects = render(FLAGGER)
    metrics = find(objects, "Canary", "messenger")["spec"]["analysis"]["metrics"]
    templates = {each["metadata"]["name"] for each in of_kind(objects, "MetricTemplate")}

    assert {metric["templateRef"]["name"] for metric in metrics} == templates
