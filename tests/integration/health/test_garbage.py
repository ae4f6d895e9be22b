"""A directory service that answers garbage is no reason to restart whoever reads it."""

import re
import time

import httpx
import pytest

from tests.integration.service import Pair, pair, until, until_ready

from .figures import note

REFRESH = {"MESSENGER_DIRECTORY_REFRESH_SECONDS": "0.2"}


def metric(service: Pair, name: str) -> float:
    """Return a metric of Messenger."""
    text = httpx.get(f"{service.messenger.url}/metrics", timeout=10).text
    (value,) = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(value)


def check(seconds: float) -> None:
    """Have `accounts` serve garbage for some seconds, and check what that costs."""
    with pair(messenger=REFRESH) as service:
        until_ready(service)
        stale = 'messenger_directory_stale{snapshot="accounts"}'
        fresh_before = metric(service, stale)
        service.spoil("accounts", "garbage:100%")
        until(lambda: metric(service, stale) == 1, "stale", service.messenger, timeout=30)
        probes = []
        until_time = time.monotonic() + seconds
        while time.monotonic() < until_time:
            for probe in ("alive", "ready"):
                url = f"{service.messenger.url}/health/{probe}"
                probes.append(httpx.get(url, timeout=10).status_code)
            time.sleep(0.2)
        with httpx.Client(timeout=10) as client:
            sent = service.send(client)
        restarts = metric(service, 'worker_restarts_total{worker="directory-refresh"}')
        service.spoil("accounts", "")
        until(lambda: metric(service, stale) == 0, "fresh", service.messenger, timeout=60)
    note(f"accounts served garbage for {seconds:g} s: restarts of the refresher", restarts)

    assert fresh_before == 0
    assert set(probes) == {200}
    assert restarts == 0
    assert sent.status_code == 202
    assert "accounts" in sent.json()["degraded"]


@pytest.mark.together
def test_garbage_leaves_the_snapshot_stale_and_restarts_nobody() -> None:
    """The old snapshot stays in service, marked; the refresher lives; it heals by itself."""
    check(4.0)


@pytest.mark.together(seconds=75)
def test_garbage_for_five_minutes_restarts_nobody(full: bool) -> None:  # noqa: FBT001 - a fixture
    """The same for half a minute, for five in full: longer than any window of restarts."""
    check(300.0 if full else 70.0)
