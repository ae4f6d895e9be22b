"""Weights in a VirtualService: one for all rules, or none that is defined."""

import pytest

from istio.gate.weights import Object, Refused, patch, read


def rule(old: int, new: int) -> Object:
    """Return a rule that shares out."""
    return {
        "route": [
            {"destination": {"host": "messenger", "subset": "v1"}, "weight": old},
            {"destination": {"host": "messenger", "subset": "v2"}, "weight": new},
        ]
    }


PINNED: Object = {"route": [{"destination": {"host": "messenger", "subset": "v2"}}]}


def route(*rules: Object) -> Object:
    """Return a VirtualService."""
    return {"metadata": {"resourceVersion": "7"}, "spec": {"http": list(rules)}}


def test_the_weight_is_that_of_the_rules_that_share_out() -> None:
    """A rule for one version alone has none."""
    assert read(route(PINNED, rule(75, 25), rule(75, 25))) == 25


def test_a_weight_of_zero_may_have_been_left_out() -> None:
    """As the API server does."""
    whole = rule(100, 0)
    del whole["route"][1]["weight"]

    assert read(route(whole)) == 0


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([rule(90, 10), rule(50, 50)], id="two weights"),
        pytest.param([rule(90, 20)], id="more than all"),
        pytest.param([PINNED], id="none"),
    ],
)
def test_a_weight_that_is_not_defined_is_refused(rules: list[Object]) -> None:
    """Rather than guessed."""
    with pytest.raises(Refused):
        read(route(*rules))


def test_one_patch_changes_every_rule_and_only_what_was_read() -> None:
    """So there is no moment in which two rules differ."""
    made = patch(route(PINNED, rule(90, 10), rule(90, 10)), 25)

    assert made[0] == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    assert [(each["path"], each["value"]) for each in made[1:]] == [
        ("/spec/http/1/route/0/weight", 75),
        ("/spec/http/1/route/1/weight", 25),
        ("/spec/http/2/route/0/weight", 75),
        ("/spec/http/2/route/1/weight", 25),
    ]
