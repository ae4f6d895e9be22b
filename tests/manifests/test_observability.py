"""Rules and dashboard: every metric that they speak of is one that the service exports."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.manifests.rendering import K8S, ROOT, load

FOLDER = K8S / "components" / "observability"

WORDS = re.compile(r"[a-z_][a-z0-9_:]*(?=[\s{\[)]|$)")
"""What may be the name of a metric in an expression of Prometheus."""

LANGUAGE = {
    *("by", "or", "sum", "max", "rate", "increase", "changes", "absent"),
    *("histogram_quantile", "scalar", "le"),
}
LABELS = {
    *("version", "route", "code", "pod", "cause", "kind", "snapshot", "downstream", "outcome"),
    "job",
}

OTHERS = {"up", "process_start_time_seconds"}
"""What Prometheus itself, and its client library, say of every process."""


def expressions() -> Iterator[tuple[str, str]]:
    """Yield each expression, with the name of what it is for."""
    for group in load(FOLDER / "prometheus" / "rules.yaml")["groups"]:
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]
    dashboard = json.loads((FOLDER / "dashboard" / "messenger.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def recorded() -> set[str]:
    """Return the names that the rules themselves make."""
    groups = load(FOLDER / "prometheus" / "rules.yaml")["groups"]
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


def exported() -> set[str]:
    """Return what the sources say is exported: any text that looks like a metric."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "messenger").rglob("*metrics.py")]
    names = set(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', " ".join(texts)))
    directory = re.findall(r'_(?:gauge|counter)\(\s*"(\w+)"', " ".join(texts))
    names |= {f"messenger_directory_{name}" for name in directory}
    return names | {f"{name}{suffix}" for name in names for suffix in ("_total", "_bucket")}


def unknown(expression: str) -> set[str]:
    """Return the metrics of an expression that nobody exports."""
    bare = re.sub(r'"[^"]*"|\[[^]]*\]', " ", expression)
    return set(WORDS.findall(bare)) - LANGUAGE - LABELS - recorded() - exported() - OTHERS


@pytest.mark.parametrize(("purpose", "expression"), list(expressions()))
def test_every_metric_of_the_expression_is_exported(purpose: str, expression: str) -> None:
    """A rule over a metric that does not exist never fires, and nobody notices."""
    assert unknown(expression) == set(), purpose


def test_a_metric_that_nobody_exports_is_found() -> None:
    """The control."""
    assert unknown("sum by (pod) (rate(messenger_request_total[1m]))") == {
        "messenger_request_total"
    }


def test_every_alert_says_what_to_do() -> None:
    """An alert is for a person, at night."""
    groups = load(FOLDER / "prometheus" / "rules.yaml")["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]

    assert all({"summary", "action"} <= alert["annotations"].keys() for alert in alerts)
