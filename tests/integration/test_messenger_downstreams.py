"""Each downstream failing in each way, with real processes on both sides."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.integration.service import Pair, code, pair, until, until_ready

DEADLINE_SECONDS = 3.0
"""Messenger's own, for one request."""

WARM_UP = {"MESSENGER_WARMUP_BUDGET_SECONDS": "1"}
"""A short budget: a downstream that is gone from the start must not hold the test up."""

REQUIRED = ("accounts", "contacts", "consent", "delivery")
CACHED = ("profiles", "preferences", "templates")
LIVE = ("presence", "translation", "spam", "links", "audit")
WAYS = {"down": "error:100%", "slow": "latency:10s", "hanging": "hang:100%", "reset": "reset:100%"}


def failing(service: str, way: str) -> dict[str, str]:
    """Return the mocks' settings with one of them failing from the start."""
    return {"DOWNSTREAM_FAULTS": f"{service}={WAYS[way]}"}


def timed_send(service: Pair) -> tuple[httpx.Response, float]:
    """Send a message and return the answer and its seconds."""
    with httpx.Client(timeout=10) as client:
        began = time.monotonic()
        response = service.send(client, body="see https://example.com/a/long/one")
        return response, time.monotonic() - began


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_downstream_down_means_503_and_nothing_handed_over(name: str) -> None:
    """The answer is problem+json with Retry-After, and `delivery` has not got the message."""
    with pair(messenger=WARM_UP, downstream=failing(name, "down")) as service:
        until_ready(service)
        response, _ = timed_send(service)
        service.spoil("delivery", "")
        stats = service.stats()

    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert int(response.headers["retry-after"]) >= 1
    assert stats["deliveries"] == 0


@pytest.mark.parametrize("name", CACHED)
def test_an_optional_snapshot_that_never_came_is_named_as_degraded(name: str) -> None:
    """The message goes out with a default in its place."""
    with pair(messenger=WARM_UP, downstream=failing(name, "down")) as service:
        until_ready(service)
        response, seconds = timed_send(service)

    assert response.status_code == 202
    assert response.json()["degraded"] == [name]
    assert seconds < DEADLINE_SECONDS


def test_an_optional_live_call_that_fails_in_any_way_is_named_as_degraded() -> None:
    """Each of the five, in each of the four ways: 202 within the deadline, its name alone."""
    seen: dict[tuple[str, str], tuple[int, list[str], bool]] = {}
    with pair() as service:
        until_ready(service)
        for name in LIVE:
            for way, faults in WAYS.items():
                service.spoil(name, faults)
                response, seconds = timed_send(service)
                late = seconds >= DEADLINE_SECONDS
                seen[name, way] = (response.status_code, response.json()["degraded"], late)
            service.spoil(name, "")

    assert seen == {(name, way): (202, [name], False) for name in LIVE for way in WAYS}


def test_with_every_downstream_well_nothing_is_degraded() -> None:
    """The control of all others."""
    with pair() as service:
        until_ready(service)
        response, _ = timed_send(service)

    assert (response.status_code, response.json()["degraded"]) == (202, [])


def test_dead_downstreams_restart_nobody_and_take_nobody_away() -> None:
    """With the mocks killed, readiness and liveness stay 200 and people see what is wrong."""
    with pair() as service:
        until_ready(service)
        service.downstream.end()
        url = service.messenger.url
        answers = [timed_send(service)[0].status_code for _ in range(5)]
        until(lambda: "warn" in httpx.get(f"{url}/health").text, "warn", service.messenger)
        probes = [code(f"{url}/health/ready"), code(f"{url}/health/alive")]
        checks = httpx.get(f"{url}/health/ready?verbose").json()["checks"]
        metrics = httpx.get(f"{url}/metrics").text

    assert answers == [503] * 5
    assert probes == [200, 200]
    assert checks["downstream:consent"][0]["output"] == "recent-calls-failing"
    assert checks["downstream:consent"][0]["affectsReadiness"] is False
    assert 'health_status{check="downstream:consent",probe="none"} 0.5' in metrics


def test_downstreams_dead_at_the_start_delay_readiness_by_the_budget_alone() -> None:
    """Fail-open: ready after the budget, with the gates that gave up shown as warnings."""
    settings = {**WARM_UP, "MESSENGER_DOWNSTREAM_URL": "http://127.0.0.1:9/{service}"}
    began = time.monotonic()
    with pair(messenger=settings) as service:
        until_ready(service)
        seconds = time.monotonic() - began
        checks = httpx.get(f"{service.messenger.url}/health/ready?verbose").json()["checks"]

    assert seconds < 8
    assert checks["warmup:cache:accounts"][0]["output"] == "gave-up"


def test_fail_closed_keeps_the_pod_unready_while_its_downstreams_are_gone() -> None:
    """The other policy: unready for as long as they are, and alive all the time."""
    settings = {
        **WARM_UP,
        "MESSENGER_WARMUP_FAIL": "closed",
        "MESSENGER_DOWNSTREAM_URL": "http://127.0.0.1:9/{service}",
    }
    with pair(messenger=settings) as service:
        url = service.messenger.url
        until(
            lambda: "blocked" in httpx.get(f"{url}/health/ready?verbose").text,
            "a blocked gate",
            service.messenger,
        )
        probes = [code(f"{url}/health/{probe}") for probe in ("started", "ready", "alive")]

    assert probes == [200, 503, 200]


def jitter(seconds: float, *, deadline: str) -> tuple[list[float], list[int], float]:
    """Send messages while `consent` is slow now and then.

    Returns:
        Each message's seconds, each one's status, and the slowest GET meanwhile.
    """
    faults = {"DOWNSTREAM_FAULTS": "consent=latency:lognormal(50ms,p99=4s)"}
    settings = {"MESSENGER_DOWNSTREAM_DEADLINE_SECONDS": deadline}
    took: list[float] = []
    codes: list[int] = []
    slowest_get = 0.0
    with pair(messenger=settings, downstream=faults) as service:
        until_ready(service)
        until_time = time.monotonic() + seconds

        def send_on() -> None:
            while time.monotonic() < until_time:
                response, each = timed_send(service)
                took.append(each)
                codes.append(response.status_code)

        with ThreadPoolExecutor(10) as pool:
            senders = [pool.submit(send_on) for _ in range(10)]
            while time.monotonic() < until_time:
                began = time.monotonic()
                assert code(f"{service.messenger.url}/version") == 200
                slowest_get = max(slowest_get, time.monotonic() - began)
                time.sleep(0.1)
            for sender in senders:
                sender.result()
        until(
            lambda: "messenger_in_flight 0.0" in httpx.get(f"{service.messenger.url}/metrics").text,
            "nothing in flight",
            service.messenger,
        )
    return sorted(took), codes, slowest_get


def test_a_jittering_downstream_keeps_answers_within_the_deadline() -> None:
    """A p99 of 4 s in `consent` becomes 503 before the deadline, and no GET feels it."""
    took, codes, slowest_get = jitter(12, deadline="3")

    assert took[int(len(took) * 0.99)] < DEADLINE_SECONDS
    assert set(codes) <= {202, 503}
    assert slowest_get < 1


@pytest.mark.slow
@pytest.mark.parametrize("deadline", ["3", "60"])
def test_two_minutes_of_jitter_leave_nothing_stuck(deadline: str) -> None:
    """For two minutes p99 stays under the deadline; with the deadline off it does not."""
    took, codes, _ = jitter(120, deadline=deadline)
    p99 = took[int(len(took) * 0.99)]

    assert set(codes) <= {202, 503}
    assert (p99 < DEADLINE_SECONDS) == (deadline == "3")


def test_whoever_comes_too_early_is_told_by_whom_and_under_which_id() -> None:
    """A 503 given in the application's place carries the headers of all other answers."""
    settings = {"MESSENGER_FAULTS_ENABLED": "true", "MESSENGER_FAULTS": "never-ready"}
    with pair(messenger={**settings, "HOSTNAME": "pod-1"}) as service:
        url = f"{service.messenger.url}/version"
        response = httpx.get(url, headers={"X-Request-Id": "my-own"})

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-messenger-version"] == "1.0"
    assert response.headers["x-messenger-pod"] == "pod-1"
    assert response.headers["x-request-id"] == "my-own"
