"""Debian's Prometheus, with the configuration of the cluster, in front of processes of a test."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
import pytest
import yaml

from tests.integration import clients
from tests.integration.process import REPOSITORY, Process

FOLDER = REPOSITORY / "k8s" / "components" / "observability"

SCRAPE = {"scrape_interval": "1s", "evaluation_interval": "1s"}
"""So often that a test need not wait for the cluster's 15 s."""

META = "__meta_kubernetes_pod_"


class Pod(NamedTuple):
    """A process in the place of a pod, as Kubernetes would have Prometheus find it."""

    name: str
    version: str
    port: int
    phase: str = "Running"

    @property
    def target(self) -> dict[str, Any]:
        """What the configuration names it by."""
        return {
            "targets": [f"127.0.0.1:{self.port}"],
            "labels": {
                f"{META}name": self.name,
                f"{META}phase": self.phase,
                f"{META}label_app": "messenger",
                f"{META}label_version": self.version,
                f"{META}container_port_name": "http",
            },
        }


class Prometheus:
    """A Prometheus that runs.

    Args:
        client: Asks it.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def query(self, expression: str) -> list[dict[str, str]]:
        """Return the labels of each series that an expression has a number for."""
        result = self._get(f"query?{urlencode({'query': expression})}")["result"]
        return [each["metric"] for each in result if each["value"][1] != "NaN"]

    def wait_for(self, queries: Mapping[str, str], within_seconds: float) -> None:
        """Wait until every query has had something to show.

        Args:
            queries: What is asked, by what it is for.
            within_seconds: How long that may take.

        Raises:
            AssertionError: Some have not; with their names.
        """
        deadline = time.monotonic() + within_seconds
        left = dict(queries)
        while left := {name: query for name, query in left.items() if not self.query(query)}:
            assert time.monotonic() < deadline, f"no data within {within_seconds} s: {left}"
            time.sleep(0.5)

    def pods(self) -> tuple[set[str], int]:
        """Return the pods that are asked, by name, and how many others were found."""
        targets = self._get("targets")
        asked = {each["labels"]["pod"] for each in targets["activeTargets"]}
        return asked, len(targets["droppedTargets"])

    def alerts(self) -> set[tuple[str, str, str]]:
        """Return name, pod and state of each alert that is not quiet."""
        return {
            (each["labels"]["alertname"], each["labels"].get("pod", ""), each["state"])
            for each in self._get("alerts")["alerts"]
        }

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        answer = self._client.get(f"/api/v1/{path}").json()
        assert answer["status"] == "success", answer
        return answer["data"]


@contextmanager
def scraping(pods: Sequence[Pod], folder: Path) -> Iterator[Prometheus]:
    """Run Prometheus on these pods until the block ends; skip where it is not installed.

    Args:
        pods: What it finds. Debian's Prometheus is built without Kubernetes, so that they are
            listed; everything else is the cluster's.
        folder: Where it keeps what it knows.
    """
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed; `apt-get install prometheus`")
    said = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yaml").read_text(encoding="utf-8"))
    said["global"] = SCRAPE
    said["rule_files"] = [str(FOLDER / "prometheus" / "rules.yaml")]
    (job,) = said["scrape_configs"]
    del job["kubernetes_sd_configs"]
    job["static_configs"] = [pod.target for pod in pods]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    arguments = ["--config.file=prometheus.yaml", "--web.listen-address=127.0.0.1:0"]
    process = Process(
        subprocess.Popen(  # noqa: S603 - a tool with arguments of our own
            ["prometheus", *arguments, "--storage.tsdb.path=data", "--log.format=json"],  # noqa: S607
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    try:
        line = process.wait_for("an address", lambda line: '"Listening on"' in line)
        address = yaml.safe_load(line)["address"]
        process.wait_for("a start", lambda line: "ready to receive web requests" in line)
        with clients.client(f"http://{address}") as client:
            yield Prometheus(client)
    finally:
        process.end()
