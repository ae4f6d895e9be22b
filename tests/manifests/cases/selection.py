"""Selectors that select too much, and versions that are not told apart."""

from tests.manifests.breaking import CANARY, CONTAINER, Case, drop, put, tell
from tests.manifests.relations import selection

CASES = {
    "one selector for two versions": Case(
        selection.workloads_select_their_own_pods,
        drop("spec", "selector", "matchLabels", "version"),
        "Deployment messenger selects the pods of Deployment messenger-v2",
        CANARY,
    ),
    "a selector that misses": Case(
        selection.workloads_select_their_own_pods,
        put("3.0", "spec", "selector", "matchLabels", "version"),
        "Deployment messenger does not select its own pods",
    ),
    "a label of another version": Case(
        selection.versions_are_those_of_the_images,
        put("1.1", "spec", "template", "metadata", "labels", "version"),
        "Deployment messenger has version 1.1 and an image of version 1.0",
    ),
    "an image of another name": Case(
        selection.versions_are_those_of_the_images,
        put("messenger-v2:1.0", *CONTAINER, "image"),
        "Deployment messenger has version 1.0 of the image messenger-v2",
    ),
    "a version by setting": Case(
        selection.versions_are_those_of_the_images,
        tell("MESSENGER_VERSION", "1.0"),
        "Deployment messenger sets MESSENGER_VERSION, which is the image's to say",
    ),
    "a canary with another probe": Case(
        selection.versions_differ_in_version_only,
        put(1, *CONTAINER, "readinessProbe", "periodSeconds", name="messenger-v2"),
        "messenger-v2 differs from messenger in "
        "/template/spec/containers/0/readinessProbe/periodSeconds: 1, not 5",
        CANARY,
    ),
    "an object elsewhere": Case(
        selection.objects_share_a_namespace,
        put("default", "metadata", "namespace", kind="Service"),
        "Service messenger is not in messenger-stable",
    ),
}
