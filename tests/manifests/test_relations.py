"""Every relation holds in every rendering, and fails in one in which something is wrong."""

import pytest

from tests.manifests import relations
from tests.manifests.breaking import Case, Relation
from tests.manifests.cases import (
    admission,
    connections,
    disruption,
    lifetimes,
    mesh,
    patience,
    selection,
    settings,
)
from tests.manifests.rendering import every, render

CASES: dict[str, Case] = {
    **admission.CASES,
    **connections.CASES,
    **disruption.CASES,
    **lifetimes.CASES,
    **mesh.CASES,
    **patience.CASES,
    **selection.CASES,
    **settings.CASES,
}

RELATIONS = {
    getattr(case.relation, "__name__", "node_ports_come_through"): case.relation
    for case in CASES.values()
}


@pytest.mark.parametrize("relation", RELATIONS.values(), ids=RELATIONS)
def test_the_relation_holds_in_every_rendering(relation: Relation) -> None:
    """The manifests are right."""
    problems = {each.name: relation(render(each)) for each in every()}

    assert problems == {each.name: [] for each in every()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_relation_is_broken_by(case: Case) -> None:
    """The control: manifests that are wrong in one thing are found to be, for that reason."""
    objects = render(case.rendering)
    assert case.relation(objects) == []

    case.breaking(objects)
    problems = case.relation(objects)

    assert problems, "nothing was found"
    assert problems[0].startswith(case.message)


def test_every_relation_is_in_the_table() -> None:
    """No relation is left without a control."""
    modules = (
        relations.admission,
        relations.connections,
        relations.disruption,
        relations.lifetimes,
        relations.mesh,
        relations.patience,
        relations.selection,
        relations.settings,
    )
    written = {
        name
        for module in modules
        for name, value in vars(module).items()
        if callable(value)
        and getattr(value, "__module__", "") == module.__name__
        and value.__annotations__.get("return") == list[str]
        and not name.startswith("_")
    }

    assert written == set(RELATIONS)
