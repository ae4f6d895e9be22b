"""Probes, drains and roll-outs whose numbers do not fit."""

from tests.manifests.breaking import CONTAINER, DEV, SPEC, Case, drop, put, tell
from tests.manifests.relations import lifetimes

CASES = {
    "a probe of nothing": Case(
        lifetimes.probe_paths_exist,
        put("/healthz", *CONTAINER, "livenessProbe", "httpGet", "path"),
        "Deployment messenger: livenessProbe asks /healthz, not /health/alive",
    ),
    "liveness that asks for readiness": Case(
        lifetimes.probe_paths_exist,
        put("/health/ready", *CONTAINER, "livenessProbe", "httpGet", "path"),
        "Deployment messenger: livenessProbe asks /health/ready, not /health/alive",
    ),
    "no liveness": Case(
        lifetimes.every_container_is_probed,
        drop(*CONTAINER, "livenessProbe"),
        "Deployment messenger: messenger-app has no livenessProbe",
    ),
    "liveness that gives up before a stall is told": Case(
        lifetimes.liveness_outlasts_a_stall,
        put(1, *CONTAINER, "livenessProbe", "failureThreshold"),
        "Deployment messenger: liveness gives up after 10 s, a stall at 10",
    ),
    "a stall told after liveness gives up": Case(
        lifetimes.liveness_outlasts_a_stall,
        tell("MESSENGER_STALL_BROKEN_SECONDS", "60"),
        "Deployment messenger: liveness gives up after 30 s, a stall at 60",
    ),
    "a longer drain": Case(
        lifetimes.drain_fits_the_grace_period,
        tell("MESSENGER_DRAIN_MAX_SECONDS", "21"),
        "Deployment messenger: a drain takes 31 s of 30 s",
    ),
    "a shorter grace period": Case(
        lifetimes.drain_fits_the_grace_period,
        put(24, *SPEC, "terminationGracePeriodSeconds"),
        "Deployment messenger: a drain takes 25 s of 24 s",
    ),
    "a shorter grace period in dev": Case(
        lifetimes.drain_fits_the_grace_period,
        put(6, *SPEC, "terminationGracePeriodSeconds", name="downstream"),
        "Deployment downstream: a drain takes 7 s of 6 s",
        DEV,
    ),
    "a roll-out that takes a pod first": Case(
        lifetimes.roll_outs_lose_no_pod,
        put("25%", "spec", "strategy", "rollingUpdate", "maxUnavailable"),
        "Deployment messenger: a roll-out may take pods away",
    ),
    "a limit of CPU": Case(
        lifetimes.processor_is_not_throttled,
        put("1", *CONTAINER, "resources", "limits", "cpu"),
        "Deployment messenger: messenger-app has a limit of CPU",
    ),
    "no request of CPU": Case(
        lifetimes.processor_is_not_throttled,
        drop(*CONTAINER, "resources", "requests", "cpu"),
        "Deployment messenger: messenger-app requests no CPU",
    ),
    "more at once than a pod can answer": Case(
        lifetimes.what_is_let_in_is_answered_in_time,
        tell("MESSENGER_CONCURRENCY_LIMIT", "61"),
        "Deployment messenger: 61 requests at once, of which 0.1 CPU answers 60 in time",
    ),
    "less CPU for as many at once": Case(
        lifetimes.what_is_let_in_is_answered_in_time,
        put("50m", *CONTAINER, "resources", "requests", "cpu"),
        "Deployment messenger: 60 requests at once, of which 0.05 CPU answers 30 in time",
    ),
}
