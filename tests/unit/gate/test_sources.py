"""Evidence from counters: read from text, by version, between two looks."""

from collections.abc import Iterator

from istio.gate.sources import Source, by_subset, difference, own
from istio.gate.windows import Answers, Window

CLUSTER = "outbound|80|{}|messenger.shop.svc.cluster.local"

ENVOY = "\n".join(
    line.replace("V1", CLUSTER.format("v1")).replace("V2", CLUSTER.format("v2"))
    for line in (
        "# TYPE envoy_cluster_external_upstream_rq counter",
        'envoy_cluster_external_upstream_rq{response_code="202",cluster_name="V1"} 90',
        'envoy_cluster_external_upstream_rq{response_code="503",cluster_name="V1"} 1',
        'envoy_cluster_external_upstream_rq{response_code_class="2xx",cluster_name="V1"} 90',
        'envoy_cluster_external_upstream_rq{response_code_class="5xx",cluster_name="V1"} 1',
        'envoy_cluster_external_upstream_rq{response_code="202",cluster_name="V2"} 8',
        'envoy_cluster_external_upstream_rq{response_code="404",cluster_name="V2"} 1',
        'envoy_cluster_external_upstream_rq{response_code="504",cluster_name="V2"} 2',
        'envoy_cluster_external_upstream_rq{response_code="200",cluster_name="outbound|80||x"} 5',
        'envoy_cluster_upstream_rq_time_bucket{cluster_name="V2",le="0.5"} 0',
        'envoy_cluster_upstream_rq_time_bucket{cluster_name="V2",le="25"} 4',
        'envoy_cluster_upstream_rq_time_bucket{cluster_name="V2",le="50"} 9',
        'envoy_cluster_upstream_rq_time_bucket{cluster_name="V2",le="+Inf"} 11',
    )
)

POD = """
# HELP messenger_requests_total Requests answered.
messenger_requests_total{code="202",method="POST",route="/v1/things"} 40.0
messenger_requests_total{code="503",method="POST",route="/v1/things"} 3.0
messenger_requests_total{code="none",method="POST",route="/v1/things"} 1.0
messenger_requests_total{code="503",method="GET",route="/version"} 9.0
messenger_request_seconds_bucket{le="0.025",route="/v1/things"} 40.0
messenger_request_seconds_bucket{le="+Inf",route="/v1/things"} 44.0
"""


def test_a_proxy_tells_the_versions_apart_by_subset() -> None:
    """What the service could not do is an error; what it refused is the caller's."""
    found = by_subset(ENVOY, "shop")

    assert {subset: (each.total, each.errors) for subset, each in found.items()} == {
        "v1": (91, 1),
        "v2": (11, 2),
    }


def test_a_proxy_of_another_namespace_says_nothing() -> None:
    """There may be two of Messenger in one cluster."""
    assert by_subset(ENVOY, "other") == {}


def test_answers_are_told_by_bucket() -> None:
    """The differences of what is counted together."""
    latencies = by_subset(ENVOY, "shop")["v2"].latencies

    assert sum(latencies) == 11
    assert sorted(n for n in latencies if n > 0) == [2, 4, 5]


def test_a_pod_tells_of_its_interface_alone() -> None:
    """An answer that was never begun is an error too."""
    answers = own(POD)

    assert (answers.total, answers.errors, sum(answers.latencies)) == (44, 4, 44)


def test_what_counts_is_what_was_added_between_two_looks() -> None:
    """Who is new, or has begun anew, only says where it stands."""
    looks = iter(
        [
            [("a/v1", Answers(100, 5)), ("b/v2", Answers(50, 0))],
            [("a/v1", Answers(110, 6)), ("b/v2", Answers(3, 3)), ("c/v2", Answers(70, 70))],
            [("a/v1", Answers(110, 6)), ("b/v2", Answers(5, 4)), ("c/v2", Answers(71, 70))],
        ]
    )

    def read() -> Iterator[tuple[str, Answers]]:
        return iter(next(looks))

    source = Source(read)

    assert source.look() == Window()
    assert source.look() == Window(Answers(10, 1), Answers())
    assert source.look() == Window(Answers(0, 0), Answers(3, 1))


def test_latencies_are_subtracted_bucket_by_bucket() -> None:
    """As the totals are."""
    assert difference(Answers(9, 1, (4, 5)), Answers(4, 1, (3, 1))) == Answers(5, 0, (1, 4))
