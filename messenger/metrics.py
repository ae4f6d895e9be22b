"""What Prometheus is told: rate, errors and duration of requests and of calls to downstreams.

Every label has a closed set of values: methods, route templates, status codes, the twelve names.
No id and no path is ever one, since each new value is a time series that is never forgotten.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge

from messenger.tallies import Family, Tallies

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""Methods that label metrics by name (RFC 9110 and 5789); all others count as "other"."""

REQUEST_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
"""Upper bounds in seconds: fine around what a healthy message takes (5 to 50 ms), one at the
default deadline of 3 s, which nothing should pass, and one beyond to show what does."""


class Metrics:
    """The metrics of one Messenger process.

    Args:
        registry: Where they are registered; one registry takes them once.
        version: The release, told by `messenger_build_info`.
    """

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        self.registry = registry
        self._requests = Tallies(
            Family(
                "messenger_requests_total",
                "Requests answered; code is none where no answer was begun.",
                ("method", "route", "code"),
            ),
            Family(
                "messenger_request_seconds",
                "Time from a request's arrival to the end of its answer.",
                ("route",),
            ),
            REQUEST_BUCKETS,
        )
        registry.register(self._requests)
        self.shed = Counter(
            "messenger_shed_total", "Requests refused at the concurrency limit.", registry=registry
        )
        self._calls = Tallies(
            Family(
                "messenger_downstream_calls_total",
                "Live calls to downstreams, by how they ended.",
                ("downstream", "outcome"),
            ),
            Family(
                "messenger_downstream_seconds",
                "Time that live calls to downstreams took.",
                ("downstream",),
            ),
            REQUEST_BUCKETS,
        )
        registry.register(self._calls)
        self._degraded = Counter(
            "messenger_degraded_total",
            "Messages sent without what a downstream would have added.",
            ("downstream",),
            registry=registry,
        )
        Gauge("messenger_build_info", "The release.", ("version",), registry=registry).labels(
            version
        ).set(1)

    def count_request(self, method: str, route: str, code: int | None, seconds: float) -> None:
        """Count one request.

        Args:
            method: Its method, as sent.
            route: The template of the route that took it.
            code: The status it was answered with, None where no answer was begun.
            seconds: How long it took.
        """
        method = method if method in METHODS else "other"
        self._requests.count((method, route, "none" if code is None else str(code)), seconds)

    def count_call(self, downstream: str, outcome: str, seconds: float) -> None:
        """Count one live call to a downstream, with how it ended and how long it took."""
        self._calls.count((downstream, outcome), seconds)

    def count_degraded(self, downstreams: Iterable[str]) -> None:
        """Count a message that was sent without these downstreams."""
        for name in downstreams:
            self._degraded.labels(name).inc()

    def watch_in_flight(self, read: Callable[[], int]) -> None:
        """Report what `read` returns as the number of requests in work."""
        gauge = Gauge("messenger_in_flight", "Requests in work.", registry=self.registry)
        gauge.set_function(read)
