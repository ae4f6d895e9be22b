"""The alerts, as promtool sees them: each fires at what it is for, and at nothing like it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.cases.alerts import CASES, SCRAPE_SECONDS, SCRAPES, Case, Series
from tests.manifests.promtool import FOLDER, RULES, copy_rules, promtool, rules
from tests.manifests.rendering import load, table

MINUTES = range(1, SCRAPES * SCRAPE_SECONDS // 60)

ALWAYS, NEVER = "vector(1)", "vector(1) > 1"


def written(text: str, labels: dict[str, str]) -> str:
    """Return an annotation as Prometheus writes it for these labels."""
    return re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels[found[1]], text)


def verdict(folder: Path, alert: str, series: Series, expected: dict[int, list[Any]]) -> str:
    """Return what promtool finds wrong with what is expected of an alert, by minutes; else ""."""
    test = {
        "interval": f"{SCRAPE_SECONDS}s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": alerts}
            for minute, alerts in expected.items()
        ],
    }
    whole = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": f"{SCRAPE_SECONDS}s",
        "tests": [test],
    }
    (folder / "test.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
    status, said = promtool("test", "rules", "test.yaml", folder=folder)
    return said if status else ""


def does_not_fire(folder: Path, name: str, case: Case) -> str:
    """Return "" if an alert does fire at the last minute, else what there was instead."""
    alert = name.partition(",")[0]
    rule = rules("alert")[alert]
    texts = {key: written(text, case.labels) for key, text in rule["annotations"].items()}
    fired = {"exp_labels": rule["labels"] | case.labels, "exp_annotations": texts}
    return verdict(folder, alert, case.fires, {MINUTES[-1]: [fired]})


def is_not_quiet(folder: Path, name: str, case: Case) -> str:
    """Return "" if an alert is quiet in every minute, else what it said."""
    return verdict(folder, name.partition(",")[0], case.quiet, {minute: [] for minute in MINUTES})


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_at_what_it_is_for_and_at_nothing_else(name: str, tmp_path: Path) -> None:
    """With the labels that say where; the other series comes close, and does not do it."""
    copy_rules(tmp_path)

    assert does_not_fire(tmp_path, name, CASES[name]) == ""
    assert is_not_quiet(tmp_path, name, CASES[name]) == ""


@pytest.mark.parametrize("name", CASES)
def test_an_alert_that_is_wrong_is_found(name: str, tmp_path: Path) -> None:
    """The control: one that never fires fails the one half, one that always does the other."""
    alert = name.partition(",")[0]
    copy_rules(tmp_path, {alert: NEVER})
    never = does_not_fire(tmp_path, name, CASES[name])
    copy_rules(tmp_path, {alert: ALWAYS})
    always = is_not_quiet(tmp_path, name, CASES[name])

    assert "FAILED" in never
    assert "FAILED" in always


def test_every_alert_has_a_case_and_a_line_in_the_readme() -> None:
    """And neither is for an alert that is no more."""
    assert {name.partition(",")[0] for name in CASES} == set(rules("alert"))
    assert [row[0].strip("`") for row in table("alert")] == list(rules("alert"))


@pytest.mark.parametrize("phase", range(10))
def test_the_kubelet_never_restarts_what_stalls_again_and_again(phase: int) -> None:
    """A stall of 25 s in every 35 s fails liveness for 15 s: no three probes 10 s apart.

    That is why there is an alert, whenever the first probe comes.
    """
    failed = [10 <= second % 35 < 25 for second in range(phase, 1_800, 10)]
    in_a_row = max(len(run) for run in "".join("x" if each else " " for each in failed).split())

    assert in_a_row < 3


def test_promtool_finds_nothing_wrong(tmp_path: Path) -> None:
    """With the rules, as they are."""
    status, said = promtool("check", "rules", str(RULES), folder=tmp_path)

    assert status == 0, said


def test_the_cases_scrape_as_often_as_prometheus_does() -> None:
    """Which decides how many values a rule over one minute has to look at."""
    interval = load(FOLDER / "prometheus.yaml")["global"]

    assert set(interval.values()) == {f"{SCRAPE_SECONDS}s"}
