"""Traces of real processes, as a collector gets them: each request one, and the last one too."""

import json
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.binomial import interval
from tests.integration import clients
from tests.integration.altered import altered
from tests.integration.collector import Collector, Seen, collecting
from tests.integration.process import REPOSITORY
from tests.integration.service import Pair, in_front_of, mocks, pair, spoil, until, until_ready

LIVE = ("consent", "presence", "translation", "spam", "links", "delivery", "audit")
"""The downstreams that each message calls."""

SPANS = 1 + len(LIVE)
"""What one message is recorded as: the request, and each call."""

TRACE = "a" * 32
CALLER = "b" * 16
SAMPLED = f"00-{TRACE}-{CALLER}-01"
OTHER = "c" * 32

PATIENT = {"MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": "30"}
"""A deadline that no load of the machine meets: each message makes all of its calls."""

SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
"""Milliseconds between two batches: a test need not wait for the default's 5 s."""

LATE = {"OTEL_BSP_SCHEDULE_DELAY": "600000"}
"""Ten minutes: no span is sent while a test lasts, unless somebody flushes."""

REQUESTS = 500
"""Of which a tenth is 50, give or take 22."""

FLUSH = "    health.on_flush(recording.flush)\n"
"""The line by which the drain takes the last spans along."""


def telling(collector: Collector, **more: str) -> dict[str, str]:
    """Return the environment of a Messenger that tells this collector."""
    return PATIENT | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "HOSTNAME": "pod-1"} | more


def send(service: Pair, traceparent: str | None) -> httpx.Response:
    """Send a message from a place in a trace."""
    headers = {"traceparent": traceparent} if traceparent else {}
    with clients.client(headers=headers, timeout=30) as client:
        response = service.send(client)
    assert response.status_code == 202, response.text
    return response


def told(service: Pair, name: str) -> list[str]:
    """Return the places in a trace that a downstream was called from."""
    seen: list[str] = service.get(f"{service.downstream.url}/debug/seen/{name}")["traceparents"]
    return seen


def kept(service: Pair) -> Mapping[str, object]:
    """Return the line of the log by which an audit record was kept."""
    line = service.messenger.wait_for("a kept record", lambda line: "audit record kept" in line)
    record: Mapping[str, object] = json.loads(line)
    return record


def test_one_trace_leads_from_the_caller_to_every_downstream() -> None:
    """The request is the caller's child, each call the request's, each mock is told its own call.

    The service, its release, its pod and what else is to be said of it stand in every span.
    """
    node = {"OTEL_RESOURCE_ATTRIBUTES": "k8s.node.name=n-1"}
    with collecting() as collector, pair(messenger=telling(collector, **SOON, **node)) as service:
        until_ready(service)
        send(service, SAMPLED)
        spans = {span.name: span for span in collector.wait_for(SPANS, TRACE)}
        calls = {name: told(service, name) for name in LIVE}

    ours = {
        "service.name": "messenger",
        "service.version": "1.0",
        "service.instance.id": "pod-1",
        "k8s.node.name": "n-1",
    }
    resources = [span.resource for span in spans.values()]
    request = spans.pop("POST /v1/messages")
    assert request.parent_id == CALLER
    assert {span.parent_id for span in spans.values()} == {request.span_id}
    assert calls == {
        name.split()[1]: [f"00-{TRACE}-{span.span_id}-01"] for name, span in spans.items()
    }
    assert all(ours.items() <= resource.items() for resource in resources), resources


def test_a_line_of_the_log_leads_to_its_trace() -> None:
    """What is logged while a request is in work has the ids of that request's span."""
    with collecting() as collector, pair(messenger=telling(collector, **SOON)) as service:
        until_ready(service)
        spoil(service.downstream, "audit", "error:100%")
        send(service, SAMPLED)
        spans = {span.name: span for span in collector.wait_for(SPANS, TRACE)}
        record = kept(service)

    assert record["trace_id"] == TRACE
    assert record["span_id"] == spans["POST /v1/messages"].span_id


def test_without_a_collector_a_line_of_the_log_has_the_callers_trace() -> None:
    """Logs can be joined with those of the caller, whether anything is recorded or not."""
    with pair(messenger=PATIENT) as service:
        until_ready(service)
        spoil(service.downstream, "audit", "error:100%")
        send(service, SAMPLED)
        record = kept(service)

    assert (record["trace_id"], record["span_id"]) == (TRACE, CALLER)


def test_whether_a_trace_is_recorded_was_decided_where_it_began() -> None:
    """Of traces that begin here none is sampled, by OpenTelemetry's own variables.

    A caller's decision is obeyed all the same, either way.
    """
    own = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    with collecting() as collector, pair(messenger=telling(collector, **SOON, **own)) as service:
        until_ready(service)
        send(service, None)
        send(service, f"00-{OTHER}-{CALLER}-00")
        send(service, SAMPLED)
        collector.wait_for(SPANS, TRACE)
        begun_here, unsampled, sampled = told(service, "consent")
        traces = {place.split("-")[1] for place in (begun_here, unsampled)}
        recorded = [span for trace in traces for span in collector.spans(trace)]

    assert recorded == []
    assert [int(place[-1]) & 1 for place in (begun_here, unsampled, sampled)] == [0, 0, 1]
    assert OTHER in unsampled


def test_the_line_of_readme_records_a_tenth() -> None:
    """As its variables stand there, but for the address of the collector."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (line,) = (line for line in readme.splitlines() if line.endswith("ARG=0.1 uv run messenger"))
    told = dict(word.split("=") for word in line.split() if "=" in word)
    with collecting() as collector:
        with pair(messenger=told | telling(collector)) as service, clients.client() as client:
            until_ready(service)
            for _ in range(REQUESTS):
                client.get(f"{service.messenger.url}/version")
            service.messenger.signal(signal.SIGTERM)
            service.messenger.wait()
        recorded = len(collector.traces("GET /version"))
    least, greatest = interval(REQUESTS, 0.1)

    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in told
    assert least <= recorded <= greatest


def spans_after(
    sent: signal.Signals, collector: Collector, root: Path = REPOSITORY
) -> tuple[list[Seen], list[Seen], int]:
    """End a Messenger right after a message.

    Returns:
        The message's spans that had arrived before the signal, those that had when the process was
        gone, and its exit status.
    """
    with (
        mocks() as behind,
        in_front_of(behind, telling(collector, **LATE), root=root) as service,
    ):
        until_ready(service)
        send(service, SAMPLED)
        before = collector.spans(TRACE)
        service.messenger.signal(sent)
        status = service.messenger.wait()
        return before, collector.spans(TRACE), status


def test_the_last_spans_leave_with_the_drain() -> None:
    """None had been sent when SIGTERM came; all have when the process is gone."""
    with collecting() as collector:
        before, after, status = spans_after(signal.SIGTERM, collector)

    assert (len(before), len(after), status) == (0, SPANS, 0)


def test_without_a_drain_the_last_spans_are_lost() -> None:
    """The control: SIGKILL leaves no time, and what waits for its batch is gone."""
    with collecting() as collector:
        before, after, _ = spans_after(signal.SIGKILL, collector)

    assert (before, after) == ([], [])


def test_a_drain_that_does_not_flush_loses_the_last_spans(tmp_path: Path) -> None:
    """The control of the one line: without it SIGTERM ends as well, and nothing arrives."""
    root = altered(tmp_path, "messenger/process.py", FLUSH, "")
    with collecting() as collector:
        before, after, status = spans_after(signal.SIGTERM, collector, root=root)

    assert (before, after, status) == ([], [], 0)


def test_a_request_in_work_at_the_signal_is_recorded_too() -> None:
    """It is answered, and its spans leave after it."""
    with (
        collecting() as collector,
        mocks({"DOWNSTREAM_FAULTS": "consent=latency:1s"}) as behind,
        in_front_of(behind, telling(collector, **LATE)) as service,
    ):
        until_ready(service)
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(send, service, SAMPLED)
            until(lambda: len(told(service, "consent")) == 1, "in work", service.messenger)
            service.messenger.signal(signal.SIGTERM)
            response = answer.result()
        status = service.messenger.wait()
        spans = collector.spans(TRACE)

    assert (response.status_code, status) == (202, 0)
    assert len(spans) == SPANS
