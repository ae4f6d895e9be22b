"""A collector of traces, as small as can be: it takes OTLP over HTTP and remembers the spans."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PATH = "/v1/traces"
"""Where OTLP over HTTP sends spans, below the endpoint (OTLP specification 1.9, section "OTLP/HTTP
Request")."""


class Seen(NamedTuple):
    """What a collector was told of one span."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty where a trace begins."""

    resource: Mapping[str, str]
    """What was said of the process that it comes from."""


class Collector:
    """Remembers every span that it was sent.

    Args:
        url: What OTEL_EXPORTER_OTLP_ENDPOINT has to be for it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._spans: list[Seen] = []

    def take(self, body: bytes) -> None:
        """Take one request to export, as it came."""
        for part in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = {each.key: each.value.string_value for each in part.resource.attributes}
            self._spans += [
                Seen(
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    resource,
                )
                for scope in part.scope_spans
                for span in scope.spans
            ]

    def spans(self, trace_id: str) -> list[Seen]:
        """Return the spans of one trace that have arrived by now."""
        return [span for span in list(self._spans) if span.trace_id == trace_id]

    def traces(self, name: str) -> set[str]:
        """Return the traces that have a span of this name."""
        return {span.trace_id for span in list(self._spans) if span.name == name}

    def wait_for(self, count: int, trace_id: str, timeout: float = 30.0) -> list[Seen]:
        """Wait until so many spans of one trace have arrived, and return them.

        Raises:
            AssertionError: They did not within `timeout` seconds; with those that did.
        """
        deadline = time.monotonic() + timeout
        while len(spans := self.spans(trace_id)) < count:
            assert time.monotonic() < deadline, f"{len(spans)} of {count} spans: {spans}"
            time.sleep(0.02)
        return spans


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert (self.path, self.headers["content-type"]) == (PATH, "application/x-protobuf")
            collector.take(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
