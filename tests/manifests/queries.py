"""All that Prometheus is asked: by the dashboard, and by the rules."""

import json
import re

from tests.manifests.promtool import FOLDER, rules

DASHBOARD = FOLDER.parent / "dashboard" / "messenger.json"


def panels() -> dict[str, str]:
    """Return the queries of the dashboard, by the title of their panel."""
    text = DASHBOARD.read_text(encoding="utf-8")
    return {panel["title"]: panel["targets"][0]["expr"] for panel in json.loads(text)["panels"]}


def looked_at(alert: str) -> str:
    """Return what an alert's expression compares, which is there while all is well."""
    inner = re.sub(r"^absent\((.*)\)$", r"\1", alert)
    return re.sub(r" (==|>) [\d.]+", "", inner)


def queries() -> dict[str, str]:
    """Return everything that has to have data, by what it is for."""
    return (
        {f"panel: {title}": expression for title, expression in panels().items()}
        | {name: name for name in rules("record")}
        | {name: looked_at(rule["expr"]) for name, rule in rules("alert").items()}
    )
