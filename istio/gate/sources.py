"""Where the evidence comes from: proxies that called both versions, and the pods themselves.

Both count for ever, so what is judged is what has been added between two looks. Who is seen for the
first time, or has begun to count anew, only says where it stands.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise
from typing import NamedTuple

from prometheus_client.samples import Sample

from istio.gate import weights
from istio.gate.api import Api
from istio.gate.exposition import samples
from istio.gate.mesh import SERVICE, IstioMesh
from istio.gate.windows import Answers, Window

CALLER_BOUNDS = (0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Envoy's buckets of latency, in seconds; what takes longer has been given up by the route."""

POD_BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
"""Messenger's own."""

FIRST_ERROR = 500
"""The first status that is the service's fault; what is refused is the caller's."""

PROXY_PORT = 15090
"""Where a proxy of Istio's shows Envoy's counters, outside of the mesh's own rules."""

POD_PORT = 8080

CODES = tuple(f"envoy_cluster_{kind}upstream_rq" for kind in ("", "external_", "internal_"))
TIMES = tuple(f"envoy_cluster_{kind}upstream_rq_time_bucket" for kind in ("", "external_"))
ENVOY = frozenset((*CODES, *TIMES))
OWN = frozenset(("messenger_requests_total", "messenger_request_seconds_bucket"))

Read = Callable[[], Iterator[tuple[str, Answers]]]
"""Returns all that has been counted, by who counts and for which version ("pod/v2")."""


class Caller(NamedTuple):
    """Pods whose proxies call Messenger."""

    namespace: str
    selector: str


class Place(NamedTuple):
    """A pod that counts."""

    namespace: str
    pod: str


class Source:
    """Turns counters into windows.

    Args:
        read: Returns what has been counted so far.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._last: dict[str, Answers] = {}

    def look(self) -> Window:
        """Return what has been added since the last look."""
        window = Window()
        for name, now in self._read():
            added = difference(now, self._last.get(name, now))
            self._last[name] = now
            is_new = name.endswith(f"/{weights.NEW}")
            window += Window(new=added) if is_new else Window(old=added)
        return window


def difference(now: Answers, before: Answers) -> Answers:
    """Return what has been added; nothing where the counting has begun anew."""
    if now.total < before.total:
        return Answers()
    pairs = zip(now.latencies, before.latencies or [0] * len(now.latencies), strict=True)
    return Answers(
        now.total - before.total,
        max(0, now.errors - before.errors),
        tuple(max(0, a - b) for a, b in pairs),
    )


def callers(api: Api, who: Sequence[Caller]) -> Read:
    """Return what reads the proxies of those who call, by the subset that they called."""

    def read() -> Iterator[tuple[str, Answers]]:
        found = [(one.namespace, pod) for one in who for pod in api.pods(*one)]
        places = [Place(space, pod["metadata"]["name"]) for space, pod in found]
        for place, text in _texts(api, places, PROXY_PORT, "/stats/prometheus"):
            for subset, counted in by_subset(text, api.namespace).items():
                yield f"{place.pod}/{subset}", counted

    return read


def pods(api: Api, mesh: IstioMesh) -> Read:
    """Return what reads the pods' own metrics. A pod that does not answer says nothing."""

    def read() -> Iterator[tuple[str, Answers]]:
        for subset in (weights.OLD, weights.NEW):
            places = [Place(api.namespace, p["metadata"]["name"]) for p in mesh.pods(subset)]
            for place, text in _texts(api, places, POD_PORT, "/metrics"):
                if text:
                    yield f"{place.pod}/{subset}", own(text)

    return read


def _texts(api: Api, places: Sequence[Place], port: int, path: str) -> Iterator[tuple[Place, str]]:
    """Yield what pods have counted, all asked at the same time."""
    with ThreadPoolExecutor(max_workers=max(1, len(places))) as pool:
        texts = pool.map(lambda each: api.counters(each.namespace, each.pod, port, path), places)
        yield from zip(places, texts, strict=True)


def by_subset(text: str, namespace: str) -> dict[str, Answers]:
    """Return what a proxy got from each subset of Messenger."""
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples(text, ENVOY):
        parts = sample.labels.get("cluster_name", "").split("|")
        if parts[0] == "outbound" and parts[3:] == [f"{SERVICE}.{namespace}.svc.cluster.local"]:
            found[parts[2]].append(sample)
    return {
        subset: answers(_first(each, CODES), "response_code", _first(each, TIMES), CALLER_BOUNDS)
        for subset, each in found.items()
        if subset in {weights.OLD, weights.NEW}
    }


def own(text: str) -> Answers:
    """Return what a pod says that it has answered, for the routes of the interface alone."""
    mine = [s for s in samples(text, OWN) if s.labels.get("route", "").startswith("/v1/")]
    codes = [each for each in mine if each.name.endswith("_total")]
    times = [each for each in mine if each.name.endswith("_bucket")]
    return answers(codes, "code", times, POD_BOUNDS)


def answers(
    codes: Iterable[Sample], label: str, times: Iterable[Sample], bounds: Sequence[float]
) -> Answers:
    """Return counters by status and by time as one."""
    # Envoy counts by classes such as 2xx as well, under the same name: what has no code is those.
    by_code = [(each.labels[label], int(each.value)) for each in codes if label in each.labels]
    is_in_ms = bounds is CALLER_BOUNDS
    reached = [0] * (len(bounds) + 1)
    for each in times:
        bound = float(each.labels["le"]) / (1000 if is_in_ms else 1)
        place = len(bounds) if bound == float("inf") else _place(bounds, bound)
        if place is not None:
            reached[place] += int(each.value)
    return Answers(
        sum(count for _, count in by_code),
        sum(count for code, count in by_code if not code.isdigit() or int(code) >= FIRST_ERROR),
        tuple(b - a for a, b in pairwise([0, *accumulate(reached, max)])),
    )


def _place(bounds: Sequence[float], bound: float) -> int | None:
    """Return the bucket with this bound; None for a finer one, which a coarser one includes."""
    return next((n for n, each in enumerate(bounds) if abs(each - bound) < each * 1e-6), None)


def _first(found: Sequence[Sample], names: Sequence[str]) -> list[Sample]:
    """Return the samples of the first name of which there are any: the others count again."""
    for name in names:
        chosen = [each for each in found if each.name == name]
        if chosen:
            return chosen
    return []
