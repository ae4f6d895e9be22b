"""What Istio's own command says of a namespace and its proxies, and what the pods have counted."""

import json
import re
import shutil
from collections.abc import Sequence
from http import HTTPStatus

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.cluster import Object, run, wait_for
from tests.e2e.mesh.canary import Canary


def istioctl(*arguments: str, stdin: str | None = None) -> str:
    """Run Istio's command and return what it printed."""
    if shutil.which("istioctl") is None:
        pytest.skip("istioctl is not installed")
    return run(("istioctl", *arguments), stdin=stdin)


def analyze(objects: Sequence[Object], *arguments: str) -> dict[str, str]:
    """Return the messages of an analysis, by their codes."""
    text = istioctl(
        *("analyze", "--output", "json", "--color=false", *arguments, *(["-"] if objects else [])),
        stdin="\n---\n".join(json.dumps(each) for each in objects),
    )
    # Both streams are in it; the messages are a list that stands alone.
    found = re.search(r"^\[.*^\]", text, re.DOTALL | re.MULTILINE)
    return {each["code"]: each["message"] for each in json.loads(found[0])} if found else {}


def answered(canary: Canary, pod: str, route: str) -> int:
    """Return how many requests for a route a pod of Messenger says that it has answered."""
    _, text = wait_for(
        f"the metrics of {pod}",
        lambda: canary.ask_pod(pod, "/metrics"),
        # A rate limit of the mesh counts this question as well.
        until=lambda answer: answer[0] == HTTPStatus.OK,
        within_seconds=10,
    )
    return round(
        sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "messenger_requests_total" and sample.labels["route"] == route
        )
    )


def states(canary: Canary) -> dict[str, set[str]]:
    """Return how far each proxy of a namespace is with what istiod has sent it, by pod."""
    text = istioctl(
        *("--context", canary.cluster.context, "-n", canary.name, "proxy-status", "-o", "json")
    )
    return {
        each["node"]["id"].split(".")[0]: {
            part.get("configStatus", "UNKNOWN") for part in each["genericXdsConfigs"]
        }
        for each in json.loads(text[text.index("{") :]).get("resources", ())
    }
