"""The weights in a VirtualService: read, and changed by one patch for all of its rules."""

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]
"""An object of Kubernetes, as parsed."""

OLD = "v1"
NEW = "v2"
"""The subsets of istio/base/destinationrule.yaml."""


class Refused(Exception):
    """Raised when the mesh is not in a state in which a roll-out may go on, with the reason."""


def read(route: Object) -> int:
    """Return the weight of the new version.

    Raises:
        Refused: No rule shares out between the two, or two rules do so differently.
    """
    found = {_weights(rule) for _, rule in _splits(route)}
    if not found:
        raise Refused("no rule of the VirtualService shares out between v1 and v2")
    if len(found) > 1 or sum(min(found)) != 100:  # noqa: PLR2004 - per cent
        raise Refused(f"the weight is not defined: the rules have {sorted(found)}; abort resets it")
    return min(found)[1]


def patch(route: Object, weight: int) -> list[Object]:
    """Return the JSON patch that gives the new version this weight in every rule.

    It holds only for the object as it was read: whoever else changes it meanwhile is found out.
    """
    made = [_operation("test", "/metadata/resourceVersion", route["metadata"]["resourceVersion"])]
    for number, rule in _splits(route):
        for place, part in enumerate(rule["route"]):
            share = weight if part["destination"]["subset"] == NEW else 100 - weight
            # `add` also replaces, and a weight of 0 may have been left out.
            path = f"/spec/http/{number}/route/{place}/weight"
            made.append(_operation("add", path, share))
    return made


def _operation(name: str, path: str, value: object) -> Object:
    return {"op": name, "path": path, "value": value}


def _splits(route: Object) -> Iterator[tuple[int, Object]]:
    """Yield the rules that share out between the two versions, with their numbers."""
    for number, rule in enumerate(route["spec"].get("http", ())):
        subsets = {part["destination"].get("subset") for part in rule.get("route", ())}
        if subsets == {OLD, NEW}:
            yield number, rule


def _weights(rule: Object) -> tuple[int, int]:
    by_subset = {p["destination"]["subset"]: int(p.get("weight", 0)) for p in rule["route"]}
    return by_subset[OLD], by_subset[NEW]
