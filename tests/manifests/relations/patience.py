"""How long the mesh waits, how often it tries, and whom it leaves alone."""

import re
from collections.abc import Iterator

from downstream.settings import SERVICES
from messenger.settings import Settings
from tests.manifests.objects import (
    Object,
    Objects,
    find,
    of_kind,
    own_containers,
    pods,
    selects,
    title,
)
from tests.manifests.relations.mesh import destinations, routes
from tests.manifests.relations.settings import read

DEFAULT_ATTEMPTS = 2
"""How often Istio tries again where a rule does not say."""

BACK_OFF_SECONDS = 0.025
"""Envoy's pause before the first further try is shorter than this; it doubles for each after."""

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def seconds(text: str) -> float:
    """Return a duration such as 800ms in seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m)", text)
    assert found, text
    return float(found[1]) * UNITS[found[2]]


def tries_fit_the_time_out(objects: Objects) -> list[str]:
    """The last try has its time, pauses included, before the route gives up."""
    problems = []
    for each, rule in routes(objects):
        attempts, one = _attempts(rule), rule.get("retries", {}).get("perTryTimeout")
        if one is None:
            continue
        pauses = BACK_OFF_SECONDS * (2**attempts - 1)
        needed = seconds(one) * (attempts + 1) + pauses
        if needed > seconds(rule["timeout"]) + 1e-9:
            problems.append(
                f"{title(each)}, rule {rule['name']}: {attempts + 1} tries take {needed:g} s "
                f"of {rule['timeout']}"
            )
    return problems


def time_outs_are_a_chain(objects: Objects) -> list[str]:
    """A downstream's route gives up before the app does, and that before the route to the app."""
    deadlines = [
        settings.downstream_deadline_seconds
        for _, container in own_containers(objects)
        if isinstance(settings := read(container), Settings)
    ]
    problems = []
    for each, rule in routes(objects):
        host, given = destinations(rule)[0]["host"], rule.get("timeout")
        name = f"{title(each)}, rule {rule['name']}"
        if given is None:
            problems.append(f"{name} waits for ever")
        elif host in SERVICES and seconds(given) > min(deadlines):
            problems.append(f"{name} waits {given}, longer than the app's {min(deadlines):g} s")
        elif host == "messenger" and seconds(given) <= max(deadlines):
            problems.append(f"{name} waits {given}, no longer than the app's {max(deadlines):g} s")
    return problems


def tries_that_time_out_are_bounded(objects: Objects) -> list[str]:
    """A downstream's first try leaves time for the second."""
    return [
        f"{title(each)}, rule {rule['name']}: one try may take it all"
        for each, rule in routes(objects)
        if destinations(rule)[0]["host"] in SERVICES
        and _attempts(rule)
        and "perTryTimeout" not in rule["retries"]
    ]


def only_what_is_harmless_is_repeated(objects: Objects) -> list[str]:
    """Reads are tried again, or copied, and what has a key; nothing else is."""
    return [
        f"{title(each)}, rule {rule['name']}: a POST without a key may be sent twice"
        for each, rule in routes(objects)
        if _attempts(rule) or "mirror" in rule
        if not all(_is_harmless(match) for match in rule.get("match", [{}]))
    ]


def messenger_is_not_ejected(objects: Objects) -> list[str]:
    """All its pods say 503 when `consent` is down: the mesh would take healthy ones away."""
    return [
        f"{title(each)} ejects pods of messenger"
        for each, policy in _policies(objects)
        if each["spec"]["host"] == "messenger" and "outlierDetection" in policy
    ]


def ejection_leaves_somebody(objects: Objects) -> list[str]:
    """One replica at a time is left alone, and never the only one."""
    problems = []
    for each, policy in _policies(objects):
        detection = policy.get("outlierDetection")
        if detection is None:
            continue
        selector = find(objects, "Service", each["spec"]["host"])["spec"]["selector"]
        count = sum(
            one.replicas for one in pods(objects) if selects({"matchLabels": selector}, one.labels)
        )
        # Envoy ejects one more if the share of the ejected is then within the limit. It once took
        # the first in any case, and no longer does.
        ejected = count * detection["maxEjectionPercent"] // 100
        if count - ejected < 1 or ejected != 1:
            problems.append(f"{title(each)} ejects {ejected} of {count} replicas")
        if "minHealthPercent" in detection:
            problems.append(f"{title(each)} gives outlier detection up in the middle of an outage")
    return problems


def _attempts(rule: Object) -> int:
    return int(rule.get("retries", {}).get("attempts", DEFAULT_ATTEMPTS))


def _is_harmless(match: Object) -> bool:
    if match.get("method", {}).get("exact") == "GET":
        return True
    key: Object = match.get("headers", {}).get("idempotency-key", {})
    return key.get("regex") == ".+"


def _policies(objects: Objects) -> Iterator[tuple[Object, Object]]:
    """Yield each DestinationRule with its policy, and with that of each of its subsets."""
    for each in of_kind(objects, "DestinationRule"):
        for part in (each["spec"], *each["spec"].get("subsets", ())):
            yield each, part.get("trafficPolicy", {})
