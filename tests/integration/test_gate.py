"""The gate over HTTP, and its command: an API that answers as Kubernetes does, and none at all."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from istio.gate.api import JSON_PATCH, Api, ClusterError, proxy

ROOT = Path(__file__).parents[2]


class Kubernetes(BaseHTTPRequestHandler):
    """Knows one list and one object, and refuses a patch."""

    def do_GET(self) -> None:
        """Answer what is there."""
        if self.path.startswith("/api/v1/namespaces/shop/pods?labelSelector=app%3Dmessenger"):
            gone = {"metadata": {"name": "b", "deletionTimestamp": "now"}}
            self._answer(200, {"items": [{"metadata": {"name": "a"}}, gone]})
        elif self.path == "/api/v1/namespaces/shop/pods/a:8080/proxy/metrics":
            self._answer(200, {"counted": 1})
        elif "/b:8080/" in self.path:
            self._answer(503, {"message": "no answer"})
        else:
            self._answer(404, {})

    def do_PATCH(self) -> None:
        """Refuse, as where somebody else was faster."""
        said = json.loads(self.rfile.read(int(self.headers["content-length"])))
        kind = self.headers["content-type"]
        self._answer(422, {"message": f"the test of {said[0]['path']} failed ({kind})"})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


@pytest.fixture
def api() -> Iterator[Api]:
    """Return the API of that Kubernetes."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Kubernetes) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Api(f"http://127.0.0.1:{server.server_port}", "shop")
        server.shutdown()
        thread.join()


def test_pods_are_listed_by_label_but_for_those_that_leave(api: Api) -> None:
    """They have no part in a version any more."""
    assert [each["metadata"]["name"] for each in api.pods("shop", "app=messenger")] == ["a"]


def test_what_the_cluster_does_not_know_is_an_empty_list(api: Api) -> None:
    """As the kinds of an engine that is not installed; an object that is missing is an error."""
    assert api.items("/apis/flagger.app/v1beta1/namespaces/shop/canaries") == []
    with pytest.raises(ClusterError, match="there is no such thing"):
        api.get("/apis/apps/v1/namespaces/shop/deployments/messenger")


def test_a_pod_that_does_not_answer_says_nothing(api: Api) -> None:
    """And the look goes on."""
    assert json.loads(api.counters("shop", "a", 8080, "/metrics")) == {"counted": 1}
    assert api.counters("shop", "b", 8080, "/metrics") == ""


def test_a_patch_that_is_refused_is_an_error_with_the_reason(api: Api) -> None:
    """Somebody else has changed the route since it was read."""
    patch = [{"op": "test", "path": "/metadata/resourceVersion", "value": "1"}]

    with pytest.raises(ClusterError, match="422 the test of /metadata/resourceVersion failed"):
        api.ask("/apis/route", body=patch, kind=JSON_PATCH)


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the gate with nothing but a folder on its PATH."""
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "istio.gate", *arguments],
        cwd=ROOT,
        env={**os.environ, "PATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_without_kubectl_it_ends_with_status_4(tmp_path: Path) -> None:
    """And one line that says why."""
    done = command(tmp_path, "status")

    assert done.returncode == 4
    assert done.stderr.startswith("the cluster cannot be asked: kubectl cannot be run")


def test_a_context_that_kubectl_does_not_know_ends_with_status_4(tmp_path: Path) -> None:
    """In kubectl's own words."""
    script = tmp_path / "kubectl"
    script.write_text("#!/bin/sh\necho 'error: context \"none\" does not exist'\nexit 1\n")
    script.chmod(0o755)

    done = command(tmp_path, "--context=none", "abort")

    assert done.returncode == 4
    assert done.stderr == (
        'the cluster cannot be asked: kubectl proxy: error: context "none" does not exist\n'
    )


def test_the_proxy_ends_with_the_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there while the gate is, and no longer."""
    pid = tmp_path / "pid"
    script = tmp_path / "kubectl"
    script.write_text(
        f"#!/bin/sh\necho $$ > {pid}\necho 'Starting to serve on 127.0.0.1:4711'\nexec sleep 60\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with proxy("any") as address:
        os.kill(int(pid.read_text()), 0)

    assert address == "http://127.0.0.1:4711"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_a_gate_that_is_told_to_end_takes_its_proxy_along(tmp_path: Path) -> None:
    """And says by its status that it was told."""
    pid = tmp_path / "pid"
    script = tmp_path / "kubectl"
    script.write_text(
        f"#!/bin/sh\necho 'Starting to serve on 127.0.0.1:4711'\necho $$ > {pid}\n"
        f"exec {shutil.which('sleep')} 60\n"
    )
    script.chmod(0o755)
    slow = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # accepts, and waits
    script.write_text(script.read_text().replace("4711", str(slow.server_port)))
    gate = subprocess.Popen(
        [sys.executable, "-m", "istio.gate", "status"],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    )
    with slow, gate:
        deadline = time.monotonic() + 20
        while not (pid.exists() and pid.read_text()):
            assert time.monotonic() < deadline, f"no proxy was started; gate: {gate.poll()}"
            time.sleep(0.05)
        gate.terminate()

        assert gate.wait(20) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
