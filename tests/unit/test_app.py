"""The wiring: the application as a whole, in front of real mocks."""

import asyncio
import logging
import random
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from prometheus_client.parser import text_string_to_metric_families

from messenger import logs
from messenger.app import routes
from messenger.health import Status
from messenger.settings import Settings
from messenger.spans import Recording
from messenger.twelve import TABLE
from tests.unit.inprocess import DRAFT, Service

SETTINGS = Settings(pod="pod-1")
LIVE = {"consent", "presence", "translation", "spam", "links", "delivery", "audit"}
"""The downstreams that each message calls, while the snapshots answer for the others."""


async def warm(service: Service) -> None:
    """Load the snapshots, as the warm-up does."""
    for gate in service.health.warm_up.gates:
        await gate.run(gate)


def samples(text: str) -> dict[tuple[str, frozenset[str]], float]:
    """Return the samples of a scrape by name and label values; fails where it does not parse."""
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_message_is_accepted() -> None:
    """Directory, downstreams, renderer and service are given each other rightly."""
    service = Service(SETTINGS)
    async with service.client() as client:
        await warm(service)
        response = await client.post("/v1/messages", json=DRAFT)

    assert response.status_code == 202
    assert (response.json()["status"], response.json()["degraded"]) == ("accepted", [])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/version", 200, id="an answer made once"),
        pytest.param("HEAD", "/version", 200, id="its head"),
        pytest.param("GET", "/nowhere", 404, id="an unknown path"),
        pytest.param("GET", "/version/", 404, id="a slash too many"),
        pytest.param("GET", "/version%0A", 404, id="a newline too many"),
        pytest.param("DELETE", "/v1/messages", 405, id="a wrong verb"),
        pytest.param("POST", "/v1/messages", 415, id="a bad request"),
    ],
)
async def test_every_answer_says_who_gave_it(method: str, path: str, status: int) -> None:
    """Also an error's, since that is when one asks."""
    async with Service(SETTINGS).client() as client:
        response = await client.request(method, path, headers={"x-request-id": "mine"})

    assert response.status_code == status
    told = {name: response.headers[name] for name in response.headers if name.startswith("x-")}
    assert told == {
        "x-messenger-version": "1.0",
        "x-messenger-pod": "pod-1",
        "x-messenger-downstreams": "embedded",
        "x-request-id": "mine",
    }


async def test_real_downstreams_are_not_called_embedded() -> None:
    """The header is a warning, and only where one is due."""
    settings = Settings(pod="pod-1", downstream_url="http://{service}")
    async with Service(settings).client() as client:
        response = await client.get("/version")

    assert "x-messenger-downstreams" not in response.headers


async def test_a_wrong_verb_is_told_the_right_ones() -> None:
    """RFC 9110, section 15.5.6."""
    async with Service(SETTINGS).client() as client:
        response = await client.delete("/v1/messages/7")

    assert sorted(response.headers["allow"].split(", ")) == ["GET", "HEAD"]
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_message_is_one_trace() -> None:
    """One server span, one client span per live call below it, each told to its downstream."""
    exporter = InMemorySpanExporter()
    tracer = Recording(
        SimpleSpanProcessor(exporter), version="1.0", pod="pod-1", bits=random.getrandbits
    )
    service = Service(SETTINGS, tracer=tracer)
    caller = f"00-{'a' * 32}-{'b' * 16}-01"
    async with service.client() as client:
        await warm(service)
        exporter.clear()
        await client.post("/v1/messages", json=DRAFT, headers={"traceparent": caller})
        seen = {name: (await service.mocks.get(f"/debug/seen/{name}")).json() for name in LIVE}

    spans = exporter.get_finished_spans()
    (server,) = (span for span in spans if span.kind is SpanKind.SERVER)
    calls = {span.name.split()[1]: span for span in spans if span.kind is SpanKind.CLIENT}
    assert server.name == "POST /v1/messages"
    assert (server.parent and server.parent.span_id) == int("b" * 16, 16)
    assert set(calls) == LIVE
    assert len(spans) == 1 + len(LIVE)
    assert {call.parent and call.parent.span_id for call in calls.values()} == {span_id(server)}
    assert {name: told["traceparents"] for name, told in seen.items()} == {
        name: [f"00-{'a' * 32}-{span_id(call):016x}-01"] for name, call in calls.items()
    }


def span_id(span: ReadableSpan) -> int:
    """Return the id of a finished span."""
    assert span.context is not None
    return int(span.context.span_id)


async def test_a_trace_is_passed_on_where_nobody_records_it() -> None:
    """Without an exporter each downstream is told the caller's own place."""
    service = Service(SETTINGS)
    caller = f"00-{'a' * 32}-{'b' * 16}-01"
    async with service.client() as client:
        await warm(service)
        await client.post("/v1/messages", json=DRAFT, headers={"traceparent": caller})
        seen = [(await service.mocks.get(f"/debug/seen/{name}")).json() for name in LIVE]

    assert [told["traceparents"] for told in seen] == [[caller]] * len(LIVE)


async def test_metrics_can_be_parsed_and_their_labels_are_bounded() -> None:
    """No id and no path is a label, however many there are of them."""
    service = Service(SETTINGS)
    async with service.client() as client:
        await warm(service)
        for number in range(3):
            await client.post("/v1/messages", json=DRAFT)
            await client.get(f"/v1/messages/{number}")
            await client.get(f"/nowhere/{number}")
        response = await client.get("/metrics")

    found = samples(response.text)
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert found["messenger_requests_total", frozenset({"POST", "/v1/messages", "202"})] == 3
    assert found["messenger_requests_total", frozenset({"GET", "/v1/messages/{id}", "404"})] == 3
    assert found["messenger_requests_total", frozenset({"GET", "unmatched", "404"})] == 3
    assert found["messenger_downstream_calls_total", frozenset({"consent", "ok"})] == 3
    assert found["messenger_directory_entries", frozenset({"accounts"})] == 8
    assert found["messenger_in_flight", frozenset()] == 0


async def test_beyond_the_concurrency_limit_messages_are_shed_and_the_rest_is_not() -> None:
    """503 with Retry-After for the one too many; the operator still sees why."""
    service = Service(
        Settings(pod="pod-1", concurrency_limit=1), faults={"consent": "latency:200ms"}
    )
    async with service.client() as client:
        await warm(service)
        first, second = await asyncio.gather(
            client.post("/v1/messages", json=DRAFT), client.post("/v1/messages", json=DRAFT)
        )
        metrics = samples((await client.get("/metrics")).text)

    assert sorted([first.status_code, second.status_code]) == [202, 503]
    shed = next(response for response in (first, second) if response.status_code == 503)
    assert int(shed.headers["retry-after"]) > 0
    assert shed.headers["content-type"] == "application/problem+json"
    assert metrics["messenger_shed_total", frozenset()] == 1
    assert metrics["messenger_requests_total", frozenset({"POST", "/v1/messages", "503"})] == 1


async def test_faults_are_set_and_cleared_at_run_time() -> None:
    """PUT, GET and DELETE agree, and a fault strikes business routes only."""
    settings = Settings(pod="pod-1", faults_enabled=True)
    service = Service(settings)
    async with service.client() as client:
        await warm(service)
        put = await client.put("/debug/faults", json={"faults": "error:100%", "ttl_seconds": 60})
        struck = await client.post("/v1/messages", json=DRAFT)
        spared = await client.get("/version")
        cleared = await client.delete("/debug/faults")
        after = await client.post("/v1/messages", json=DRAFT)

    assert put.json()["faults"] == "error:100%"
    assert (struck.status_code, spared.status_code) == (503, 200)
    assert cleared.json() == {"faults": "", "ttl_seconds": None, "process": []}
    assert after.status_code == 202


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(b'{"faults": "errr:1%"}', "faults", id="a bad fault"),
        pytest.param(b'{"faults": "error:1%", "ttl_seconds": -1}', "ttl_seconds", id="a bad time"),
        pytest.param(b'{"faults": "leak", "ttl_seconds": 0}', "ttl_seconds", id="no time"),
        pytest.param(b'{"faults": "never-ready"}', "faults", id="too late"),
        pytest.param(b'{"faults": "", "ttl": 1}', "ttl", id="a misspelt field"),
        pytest.param(b"{}", "faults", id="a missing field"),
        pytest.param(b"error:1%", "$", id="no JSON"),
    ],
)
async def test_a_bad_list_of_faults_changes_nothing(body: bytes, field: str) -> None:
    """422 naming what is wrong, as for any other bad input."""
    async with Service(Settings(pod="pod-1", faults_enabled=True)).client() as client:
        response = await client.put("/debug/faults", content=body)
        in_force = await client.get("/debug/faults")

    assert (response.status_code, response.json()["field"]) == (422, field)
    assert in_force.json()["faults"] == ""


async def test_a_list_of_faults_that_is_too_long_is_not_read() -> None:
    """413: what is longer than all that the grammar knows is none."""
    async with Service(Settings(pod="pod-1", faults_enabled=True)).client() as client:
        response = await client.put("/debug/faults", content=b"x" * 5000)

    assert (response.status_code, response.json()["field"]) == (413, "$")


async def test_faults_cannot_be_set_where_they_are_not_enabled() -> None:
    """There is no such route then."""
    async with Service(SETTINGS).client() as client:
        response = await client.put("/debug/faults", json={"faults": "error:15%"})

    assert response.status_code == 404


async def test_faults_of_the_settings_are_in_force_from_the_start() -> None:
    """And their seed decides what they strike."""
    settings = Settings(pod="pod-1", faults="fail-next:1", faults_enabled=True, faults_seed=1)
    service = Service(settings)
    async with service.client() as client:
        await warm(service)
        answers = [await client.post("/v1/messages", json=DRAFT) for _ in range(2)]

    assert [response.status_code for response in answers] == [503, 202]


async def test_a_failing_downstream_is_a_warning_and_nothing_else() -> None:
    """Its check warns by a reason code; no gate and no probe hangs on it."""
    service = Service(SETTINGS, faults={"links": "error:100%"})
    async with service.client() as client:
        await warm(service)
        response = await client.post("/v1/messages", json=DRAFT)
    service.health.sample()

    found = {check.name: check.finding() for check in service.health.readings.sampled}
    assert response.json()["degraded"] == ["links"]
    assert found["downstream:links"].status is Status.WARN
    assert found["downstream:links"].output == "recent-calls-failing"
    assert found["downstream:spam"].status is Status.PASS
    assert {name.removeprefix("downstream:") for name in found} == {each.name for each in TABLE}


async def test_degraded_messages_are_counted_where_prometheus_sees_them() -> None:
    """By the downstream that was missing; a message that lacks nothing counts for none."""
    service = Service(SETTINGS, faults={"links": "fail-next:2", "audit": "fail-next:1"})
    async with service.client() as client:
        await warm(service)
        for _ in range(3):
            await client.post("/v1/messages", json=DRAFT)
        response = await client.get("/metrics")

    found = samples(response.text)
    counted = {
        key[1]: value for key, value in found.items() if key[0] == "messenger_degraded_total"
    }
    assert counted == {frozenset({"links"}): 2, frozenset({"audit"}): 1}


async def test_the_self_check_is_the_only_gate_that_is_required() -> None:
    """What replicas share must not keep all of them from starting."""
    gates = Service(SETTINGS).health.warm_up.gates

    assert [gate.name for gate in gates if gate.required] == ["selfcheck"]
    assert {gate.name for gate in gates if not gate.required} == {
        f"cache:{name}" for name in ("accounts", "contacts", "profiles", "preferences", "templates")
    }


async def test_a_line_logged_during_a_request_carries_its_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The audit record that is kept here can be found by the message's trace."""
    caplog.handler.addFilter(logs.add_identity)
    service = Service(SETTINGS, faults={"audit": "error:100%"})
    async with service.client() as client:
        await warm(service)
        with caplog.at_level(logging.WARNING):
            await client.post(
                "/v1/messages", json=DRAFT, headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
            )

    (record,) = (each for each in caplog.records if each.message == "audit record kept here")
    assert vars(record)["trace_id"] == "a" * 32


def paths(settings: Settings) -> Sequence[str]:
    """Return the templates of all routes."""
    return [row.template for row in routes(settings)]


def test_the_faults_have_a_route_only_where_they_are_enabled() -> None:
    """The table of routes is what is served."""
    assert "/debug/faults" in paths(Settings(pod="p", faults_enabled=True))
    assert "/debug/faults" not in paths(SETTINGS)
