"""Meshes that wait too long, try too often, or eject the last replica."""

from tests.manifests.breaking import MESH, Case, drop, put
from tests.manifests.relations import patience
from tests.manifests.rendering import Rendering

MIRROR = Rendering("overlays/canary", ("mirror",))

FIRST = ("spec", "http", 0)
"""Leads from a VirtualService to its first rule."""

SECOND = ("spec", "http", 1)

DETECTION = ("spec", "trafficPolicy", "outlierDetection")
"""Leads from a DestinationRule to whom it leaves alone."""

CASES = {
    "one try too many": Case(
        patience.tries_fit_the_time_out,
        put(3, *FIRST, "retries", "attempts", kind="VirtualService", name="delivery"),
        "VirtualService delivery, rule keyed: 4 tries take 3.775 s of 2800ms",
        MESH,
    ),
    "no time for the pauses": Case(
        patience.tries_fit_the_time_out,
        put("900ms", *FIRST, "retries", "perTryTimeout", kind="VirtualService", name="consent"),
        "VirtualService consent, rule read: 2 tries take 1.825 s of 1800ms",
        MESH,
    ),
    "a downstream that outlasts the app": Case(
        patience.time_outs_are_a_chain,
        put("3500ms", *FIRST, "timeout", kind="VirtualService", name="accounts"),
        "VirtualService accounts, rule read waits 3500ms, longer than the app's 3 s",
        MESH,
    ),
    "a route that gives up before the app": Case(
        patience.time_outs_are_a_chain,
        put("3s", *SECOND, "timeout", kind="VirtualService"),
        "VirtualService messenger, rule primary waits 3s, no longer than the app's 3 s",
        MESH,
    ),
    "a route without a time-out": Case(
        patience.time_outs_are_a_chain,
        drop(*FIRST, "timeout", kind="VirtualService", name="audit"),
        "VirtualService audit, rule once waits for ever",
        MESH,
    ),
    "a first try that takes it all": Case(
        patience.tries_that_time_out_are_bounded,
        drop(*FIRST, "retries", "perTryTimeout", kind="VirtualService", name="presence"),
        "VirtualService presence, rule read: one try may take it all",
        MESH,
    ),
    "a POST that is tried twice": Case(
        patience.only_what_is_harmless_is_repeated,
        put(1, *FIRST, "retries", "attempts", kind="VirtualService", name="links"),
        "VirtualService links, rule once: a POST without a key may be sent twice",
        MESH,
    ),
    "a message that is tried twice by default": Case(
        patience.only_what_is_harmless_is_repeated,
        drop(*SECOND, "retries", kind="VirtualService"),
        "VirtualService messenger, rule primary: a POST without a key may be sent twice",
        MESH,
    ),
    "a copy of a message without a key": Case(
        patience.only_what_is_harmless_is_repeated,
        put({"host": "messenger", "subset": "v2"}, *SECOND, "mirror", kind="VirtualService"),
        "VirtualService messenger, rule primary: a POST without a key may be sent twice",
        MIRROR,
    ),
    "ejection of messenger": Case(
        patience.messenger_is_not_ejected,
        put({"maxEjectionPercent": 10}, *DETECTION, kind="DestinationRule"),
        "DestinationRule messenger ejects pods of messenger",
        MESH,
    ),
    "ejection of the only replica": Case(
        patience.ejection_leaves_somebody,
        put({"maxEjectionPercent": 100}, *DETECTION, kind="DestinationRule", name="delivery"),
        "DestinationRule delivery ejects 1 of 1 replicas",
        MESH,
    ),
    "ejection of none of three": Case(
        patience.ejection_leaves_somebody,
        put(33, *DETECTION, "maxEjectionPercent", kind="DestinationRule", name="consent"),
        "DestinationRule consent ejects 0 of 3 replicas",
        MESH,
    ),
    "ejection of two of three": Case(
        patience.ejection_leaves_somebody,
        put(67, *DETECTION, "maxEjectionPercent", kind="DestinationRule", name="consent"),
        "DestinationRule consent ejects 2 of 3 replicas",
        MESH,
    ),
    "outlier detection that gives up": Case(
        patience.ejection_leaves_somebody,
        put(50, *DETECTION, "minHealthPercent", kind="DestinationRule", name="consent"),
        "DestinationRule consent gives outlier detection up",
        MESH,
    ),
}
