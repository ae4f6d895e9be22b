"""Downstreams that answer what is no HTTP, or none that anybody expects."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import cast

import pytest

from tests.integration import clients
from tests.integration.process import running
from tests.integration.service import code, until

HEAD = b"HTTP/1.1 200 OK\r\n"
JSON = b"Content-Length: 16\r\n\r\n" + b'{"allowed":true}'

ODD = {
    "nothing": b"",
    "prose": b"no such thing\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 fine\r\n\r\n",
    "a status that does not exist": b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
    "a reason that is no text": b"HTTP/1.1 200 \xff\xfe\r\n" + JSON,
    "a header that is none": HEAD + b"no colon\r\n\r\n",
    "a header without end": HEAD + b"X: " + b"x" * 100_000,
    "a length that is none": HEAD + b"Content-Length: many\r\n\r\n{}",
    "less than announced": HEAD + b"Content-Length: 99\r\n\r\n{",
    "a chunk that is none": HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n",
    "chunks that end too soon": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    "a compression that it has not": HEAD + b"Content-Encoding: gzip\r\n" + JSON,
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: odd\r\n\r\n",
    "continue without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
    "a redirect to nowhere": b"HTTP/1.1 302 Found\r\nLocation: ::\r\nContent-Length: 0\r\n\r\n",
    "depth without end": HEAD + b"Content-Length: 20005\r\n\r\n" + b'{"x":' + b"[" * 20_000,
}


class Answerer(ThreadingTCPServer):
    """Answers every request with the same bytes, and hangs up."""

    daemon_threads = True
    answer = b""


class Answering(StreamRequestHandler):
    """One connection to an Answerer."""

    def handle(self) -> None:
        """Read a request's head, and answer."""
        while self.rfile.readline().strip():
            pass
        self.wfile.write(cast("Answerer", self.server).answer)


@contextmanager
def answerer() -> Iterator[Answerer]:
    """Run an Answerer until the block ends."""
    with Answerer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_no_answer_is_odd_enough_for_a_500() -> None:
    """Whatever the downstreams answer: 503, no traceback, and every line of the log is JSON."""
    statuses = {}
    draft = {"sender": "alice", "recipient": "bob", "channel": "push", "body": "Hello"}
    with answerer() as downstreams:
        port = downstreams.server_address[1]
        env = {
            "MESSENGER_PORT": "0",
            "MESSENGER_WARMUP_BUDGET_SECONDS": "0",
            "MESSENGER_DOWNSTREAM_URL": f"http://127.0.0.1:{port}/{{service}}",
            "MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": "1",
        }
        with running("messenger", env=env) as service:
            until(lambda: code(f"{service.url}/health/ready") == 200, "ready", service)
            for name, odd in ODD.items():
                downstreams.answer = odd
                sent = clients.post(f"{service.url}/v1/messages", json=draft)
                found = clients.get(f"{service.url}/v1/messages/m1")
                statuses[name] = (sent.status_code, found.status_code)
            alive = code(f"{service.url}/health/alive")

    records = [json.loads(line) for line in service.stderr]
    assert statuses == dict.fromkeys(ODD, (503, 503))
    assert [record for record in records if "exc_info" in record] == []
    assert alive == 200


@pytest.mark.parametrize("way", ["reset:100%", "garbage:100%", "error=500:100%"])
def test_a_fault_of_our_own_leaves_json_lines_behind(way: str) -> None:
    """Also of uvicorn's errors about answers that were cut off."""
    env = {
        "MESSENGER_PORT": "0",
        "MESSENGER_FAULTS_ENABLED": "true",
        "MESSENGER_FAULTS": way,
        "MESSENGER_DOWNSTREAM_URL": "http://127.0.0.1:9/{service}",
        "MESSENGER_WARMUP_BUDGET_SECONDS": "0",
    }
    with running("messenger", env=env) as service:
        until(lambda: code(f"{service.url}/health/ready") == 200, "ready", service)
        code(f"{service.url}/v1/messages/m1")
        version = code(f"{service.url}/version")

    assert version == 200
    assert all(isinstance(json.loads(line), dict) for line in service.stderr)
