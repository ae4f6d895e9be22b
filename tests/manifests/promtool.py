"""promtool, which knows the language of Prometheus, on a copy of the rules."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.rendering import K8S, load

FOLDER = K8S / "components" / "observability" / "prometheus"
RULES = FOLDER / "rules.yaml"

SECONDS = 30.0
"""How long promtool may take: a tenth of a second, and a busy machine."""


def rules(kind: str) -> dict[str, dict[str, Any]]:
    """Return the rules that are of a kind, "alert" or "record", by name."""
    groups = load(RULES)["groups"]
    return {rule[kind]: rule for group in groups for rule in group["rules"] if kind in rule}


def promtool(*arguments: str, folder: Path) -> tuple[int, str]:
    """Run promtool in a folder, and return its exit status and what it said."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed; `apt-get install prometheus`")
    done = subprocess.run(  # noqa: S603 - a tool with arguments of our own
        ["promtool", *arguments],  # noqa: S607 - the one on PATH is the user's
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def copy_rules(folder: Path, changes: dict[str, str] | None = None) -> None:
    """Copy the rules to a folder, with other expressions for the alerts in `changes`."""
    said = load(RULES)
    for group in said["groups"]:
        for rule in group["rules"]:
            rule["expr"] = (changes or {}).get(rule.get("alert", ""), rule["expr"])
    (folder / "rules.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
