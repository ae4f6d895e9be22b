"""Budgets that allow no drain, and autoscalers that are overruled."""

import copy

from tests.manifests.breaking import SCALED, Case, put
from tests.manifests.objects import Objects, find
from tests.manifests.relations import disruption


def second_budget(objects: Objects) -> None:
    """Add a budget over the same pods."""
    another = copy.deepcopy(find(objects, "PodDisruptionBudget", "messenger-pdb"))
    another["metadata"]["name"] = "another-pdb"
    objects.append(another)


CASES = {
    "the article's budget for two pods": Case(
        disruption.budgets_leave_an_eviction,
        put(2, "spec", "replicas"),
        "PodDisruptionBudget messenger-pdb leaves 0 evictions of 2 pods",
    ),
    "a stricter budget": Case(
        disruption.budgets_leave_an_eviction,
        put("81%", "spec", "minAvailable", kind="PodDisruptionBudget", name="messenger-pdb"),
        "PodDisruptionBudget messenger-pdb leaves 0 evictions of 5 pods",
    ),
    "fewer pods by an autoscaler": Case(
        disruption.budgets_leave_an_eviction,
        put(4, "spec", "minReplicas", kind="HorizontalPodAutoscaler"),
        "PodDisruptionBudget messenger-pdb leaves 0 evictions of 4 pods",
        SCALED,
    ),
    "a budget over nothing": Case(
        disruption.budgets_leave_an_eviction,
        put(
            {"matchLabels": {"app": "mesenger"}},
            "spec",
            "selector",
            kind="PodDisruptionBudget",
            name="messenger-pdb",
        ),
        "PodDisruptionBudget messenger-pdb leaves 0 evictions of 0 pods",
    ),
    "a budget for each version": Case(
        disruption.budgets_do_not_overlap,
        second_budget,
        "Deployment messenger is under 2 budgets: messenger-pdb, another-pdb",
    ),
    "replicas beside an autoscaler": Case(
        disruption.autoscalers_own_the_number,
        put(5, "spec", "replicas"),
        "Deployment messenger has replicas, and HorizontalPodAutoscaler messenger as well",
        SCALED,
    ),
    "an autoscaler of nothing": Case(
        disruption.autoscalers_own_the_number,
        put("messenger-v3", "spec", "scaleTargetRef", "name", kind="HorizontalPodAutoscaler"),
        "HorizontalPodAutoscaler messenger scales Deployment messenger-v3, which is not there",
        SCALED,
    ),
}
