"""Budgets, and what they leave to whoever drains a node; autoscalers."""

import math
from collections.abc import Iterator

from tests.manifests.objects import Object, Objects, Pods, namespace, of_kind, pods, selects, title


def budgets_leave_an_eviction(objects: Objects) -> list[str]:
    """A budget that allows none stops every drain of a node, for ever."""
    problems = []
    for budget in of_kind(objects, "PodDisruptionBudget"):
        count = sum(each.replicas for each in _budgeted(objects, budget))
        allowed = _allowed(budget["spec"], count)
        if allowed < 1:
            problems.append(f"{title(budget)} leaves {allowed} evictions of {count} pods")
    return problems


def budgets_do_not_overlap(objects: Objects) -> list[str]:
    """A pod under two budgets cannot be evicted at all; the API refuses to choose."""
    problems = []
    for each in pods(objects):
        over = [
            budget["metadata"]["name"]
            for budget in of_kind(objects, "PodDisruptionBudget")
            if each in _budgeted(objects, budget)
        ]
        if len(over) > 1:
            problems.append(f"{each.owner} is under {len(over)} budgets: {', '.join(over)}")
    return problems


def autoscalers_own_the_number(objects: Objects) -> list[str]:
    """What an autoscaler has found must not be set back by the next apply."""
    problems = []
    for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        name = f"{target['kind']} {target['name']}"
        scaled = [each for each in objects if title(each) == name]
        if not scaled:
            problems.append(f"{title(scaler)} scales {name}, which is not there")
        problems += [
            f"{name} has replicas, and {title(scaler)} as well"
            for each in scaled
            if "replicas" in each["spec"]
        ]
    return problems


def _budgeted(objects: Objects, budget: Object) -> Iterator[Pods]:
    return (
        each
        for each in pods(objects)
        if each.namespace == namespace(budget) and selects(budget["spec"]["selector"], each.labels)
    )


def _allowed(spec: Object, count: int) -> int:
    """Return how many of `count` ready pods may be evicted; shares are rounded up."""
    if "minAvailable" in spec:
        return count - _of(spec["minAvailable"], count)
    return _of(spec["maxUnavailable"], count)


def _of(amount: int | str, count: int) -> int:
    if isinstance(amount, int):
        return amount
    return math.ceil(int(amount.removesuffix("%")) * count / 100)
