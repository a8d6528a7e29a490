from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

import pytest

from function.shared.facts import Growth, Usage
from function.shared.prometheus import Prometheus, Sample
from function.worldmodel import usage
from function.worldmodel.found import Found
from function.worldmodel.reader import SECONDS
from function.worldmodel.serve import PROMETHEUS
from function.worldmodel.usage import GIB, HOUR, MAX_USAGES, VOLUME
from tests.harness.fakes import NOW
from tests.harness.prometheus import Reply, Told, stub, vector
from tests.worldmodel.cluster import Cluster, Series, kinds, look, told


def test_a_query_ends_before_the_reading_that_sent_it() -> None:
    assert PROMETHEUS.connect_seconds < PROMETHEUS.seconds < SECONDS


OF = {"namespace": "f3iai", "persistentvolumeclaim": "typedb-data"}
INCIDENT = {
    "used_bytes": str(15 * GIB),
    "capacity_bytes": str(20 * GIB),
    "inodes": "1000",
    "inodes_used": "25",
}


def metrics(values: Mapping[str, str], **labels: str) -> list[Told]:
    return [({"__name__": VOLUME + name, **OF, **labels}, value) for name, value in values.items()]


def kubelet(
    now: Sequence[Told],
    *,
    at: str = str(NOW.timestamp() - 30),
    over_6h: str | None = None,
    over_24h: str | None = None,
) -> Callable[[str], Reply]:
    """What Prometheus says of a claim: its metrics, when they were scraped, and GiB per hour."""

    def answer(expression: str) -> Reply:
        if expression.startswith("timestamp("):
            return vector(({}, at))
        slope = over_6h if "[6h:" in expression else over_24h
        if expression.startswith("deriv("):
            return vector() if slope is None else vector(({}, repr(float(slope) * GIB / HOUR)))
        return vector(*now)

    return answer


def volume(answer: Callable[[str], Reply]) -> tuple[Found, set[str]]:
    """What is told of the claim, and the gaps."""
    with stub(answer) as server:
        looking = look(Cluster(), Prometheus(server.url, PROMETHEUS, "the test"))
        facts = usage.volume(looking, "f3iai", "typedb-data")()
    return Found(facts=facts), looking.gaps


def test_a_volume_is_told_by_how_full_it_is() -> None:
    found, gaps = volume(kubelet(metrics(INCIDENT)))
    assert told(found, Usage) == Usage("volume", 15.0, 20.0, 75.0, 2.5)
    assert [(fact.source, fact.age_seconds) for fact in found.facts] == [("prometheus", 30)] * 2
    assert gaps == set()


@pytest.mark.parametrize(
    ("over_6h", "over_24h", "growth"),
    [
        ("0.05", "0.1", Growth(0.05, 0.1, 50.0, "2026-03-31T05:10Z")),
        ("0.1", "0.05", Growth(0.1, 0.05, 50.0, "2026-03-31T05:10Z")),
        ("0.05", None, Growth(0.05, None, 100.0, "2026-04-02T07:10Z")),
        (None, "0.05", Growth(None, 0.05, 100.0, "2026-04-02T07:10Z")),
        ("-0.1", "0.05", Growth(-0.1, 0.05, 100.0, "2026-04-02T07:10Z")),
        ("-0.1", "-0.05", Growth(-0.1, -0.05, None, None)),
        ("0", "0", Growth(0.0, 0.0, None, None)),
        (None, None, Growth(None, None, None, None)),
        ("NaN", "0.05", Growth(None, 0.05, 100.0, "2026-04-02T07:10Z")),
        ("0.0001", "0", Growth(0.0001, 0.0, 50_000.0, "2031-12-11T11:10Z")),
        ("0.00001", "0", Growth(0.00001, 0.0, None, None)),
    ],
)
def test_the_steeper_slope_says_when_a_volume_is_full(
    over_6h: str | None, over_24h: str | None, growth: Growth
) -> None:
    found, _ = volume(kubelet(metrics(INCIDENT), over_6h=over_6h, over_24h=over_24h))
    assert told(found, Growth) == growth


def test_a_volume_that_is_full_is_full_now() -> None:
    full = {**INCIDENT, "used_bytes": str(21 * GIB)}
    found, _ = volume(kubelet(metrics(full), over_6h="0.1"))
    assert told(found, Usage).used_percent == 105.0
    assert told(found, Growth) == Growth(0.1, None, 0.0, "2026-03-29T03:10Z")


def test_figures_are_told_to_four_digits() -> None:
    values = {"used_bytes": "16148084326", "capacity_bytes": "21474836480"}
    found, _ = volume(kubelet(metrics(values), over_6h="0.0503719"))
    assert told(found, Usage) == Usage("volume", 15.04, 20.0, 75.2, None)
    assert told(found, Growth).gib_per_hour_over_6h == 0.05037


@pytest.mark.parametrize("inodes", ["0", "NaN"])
def test_a_volume_without_inodes_has_none_used(inodes: str) -> None:
    found, gaps = volume(kubelet(metrics({**INCIDENT, "inodes": inodes})))
    assert told(found, Usage).inodes_used_percent is None
    assert gaps == set()


def test_where_two_kubelets_tell_of_a_volume_the_fuller_counts() -> None:
    there = {**INCIDENT, "used_bytes": str(16 * GIB), "inodes_used": "50"}
    for first, second in ((INCIDENT, there), (there, INCIDENT)):
        found, _ = volume(kubelet([*metrics(first, node="w1"), *metrics(second, node="w2")]))
        assert told(found, Usage) == Usage("volume", 16.0, 20.0, 80.0, 5.0)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"capacity_bytes": "1"},
        {"used_bytes": "1"},
        {"used_bytes": "1", "capacity_bytes": "0"},
        {"used_bytes": "NaN", "capacity_bytes": "1"},
        {"used_bytes": "1", "capacity_bytes": "+Inf"},
    ],
)
def test_a_volume_of_which_there_is_no_series_is_a_gap(values: Mapping[str, str]) -> None:
    found, gaps = volume(kubelet(metrics(values), over_6h="0.1"))
    assert (kinds(found), gaps) == (set(), {"prometheus_no_series"})


def test_an_empty_volume_is_told() -> None:
    found, gaps = volume(kubelet(metrics({**INCIDENT, "used_bytes": "0"})))
    assert (told(found, Usage).used_percent, gaps) == (0.0, set())


def test_a_series_whose_age_is_not_known_or_that_is_ahead_of_us_is_told_as_new() -> None:
    for at in ("NaN", str(NOW.timestamp() + 5)):
        found, _ = volume(kubelet(metrics(INCIDENT), at=at))
        assert [fact.age_seconds for fact in found.facts] == [0, 0]


def test_a_prometheus_that_fails_is_one_gap_and_not_said_to_have_no_series() -> None:
    found, gaps = volume(lambda _: (503, b""))
    assert (kinds(found), gaps) == (set(), {"prometheus_status"})


def test_without_a_prometheus_nothing_is_told_of_a_volume() -> None:
    looking = look(Cluster())
    assert usage.volume(looking, "f3iai", "typedb-data")() == []
    assert looking.gaps == {"prometheus_none"}


STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def expressions(namespace: str, claim: str) -> list[str]:
    series = Series({})
    usage.volume(look(Cluster(), series), namespace, claim)
    return series.asked


@pytest.mark.parametrize(
    "name", ['x"} or vector(1) #', "{}", "\\", '\\"', "a\nb", '"', "{{ .x }}", "a'b`c", "x[6h]", "$1"]
)
def test_no_name_leaves_its_string_in_a_query(name: str) -> None:
    plain = expressions("f3iai", "typedb-data")
    for namespace, claim in ((name, "typedb-data"), ("f3iai", name), (name, name)):
        asked = expressions(namespace, claim)
        assert [STRING.sub("", each) for each in asked] == [STRING.sub("", each) for each in plain]
        for each in asked:
            assert json.dumps(name) in STRING.findall(each)


def test_what_is_asked_of_a_volume() -> None:
    of = '{job="kubelet",namespace="f3iai",persistentvolumeclaim="typedb-data"}'
    used = f"kubelet_volume_stats_used_bytes{of}"
    names = "used_bytes|available_bytes|capacity_bytes|inodes|inodes_used"
    several = f'__name__=~"kubelet_volume_stats_({names})"'
    assert expressions("f3iai", "typedb-data") == [
        f"{{{several},{of[1:]}",
        f"timestamp({used})",
        f"deriv((max by (persistentvolumeclaim) ({used}))[6h:2m])",
        f"deriv((max by (persistentvolumeclaim) ({used}))[24h:8m])",
    ]


def memory(samples: Sequence[Sample], **capacities: float) -> tuple[Found, set[str]]:
    looking = look(Cluster(), Series({"memory": samples}))
    return Found(facts=usage.memory(looking, "memory", capacities)()), looking.gaps


def test_memory_is_told_of_each_container_the_fullest_first() -> None:
    samples = [Sample({"container": name}, size * GIB) for name, size in {"app": 1.0, "proxy": 3.0}.items()]
    found, gaps = memory(samples, app=4.0 * GIB, proxy=4.0 * GIB)
    assert [Usage(**fact.data) for fact in found.facts] == [
        Usage("memory of proxy", 3.0, 4.0, 75.0),
        Usage("memory of app", 1.0, 4.0, 25.0),
    ]
    assert ({fact.source for fact in found.facts}, gaps) == ({"prometheus"}, set())


def test_where_nothing_has_a_limit_nobody_is_asked() -> None:
    series = Series({"memory": [Sample({}, 1.0)]})
    looking = look(Cluster(), series)
    assert usage.memory(looking, "memory", {})() == []
    assert (series.asked, looking.gaps) == ([], set())


def test_one_container_near_its_limit_is_not_hidden_by_another_far_from_its_own() -> None:
    samples = [Sample({"container": name}, size) for name, size in {"app": 510.0, "sidecar": 0.0}.items()]
    found, _ = memory(samples, app=512.0, sidecar=4096.0)
    assert found.facts[0].data["used_percent"] == 99.61


def test_a_container_without_a_limit_or_without_a_series_is_left_out() -> None:
    found, gaps = memory(
        [Sample({"container": "free"}, 1.0), Sample({"container": "app"}, 1.0)], app=2.0, new=2.0
    )
    assert [fact.data["subject"] for fact in found.facts] == ["memory of app"]
    assert gaps == set()


@pytest.mark.parametrize(("samples", "capacity"), [([], 1.0), ([Sample({"container": "app"}, 1.0)], 0.0)])
def test_memory_without_a_series_or_a_capacity_is_a_gap(samples: Sequence[Sample], capacity: float) -> None:
    found, gaps = memory(samples, app=capacity)
    assert (kinds(found), gaps) == (set(), {"prometheus_no_series"})


def test_of_many_containers_the_fullest_few_are_told() -> None:
    names = [f"c{number}" for number in range(MAX_USAGES + 2)]
    samples = [Sample({"container": name}, float(number)) for number, name in enumerate(names)]
    found, _ = memory(samples, **dict.fromkeys(names, 100.0))
    assert [fact.data["subject"] for fact in found.facts] == [f"memory of {name}" for name in names[:1:-1]]


def test_what_is_left_is_what_the_kubelet_says_is_available() -> None:
    """Some file systems keep blocks back, which are neither used nor to be had."""
    found, _ = volume(kubelet(metrics({**INCIDENT, "available_bytes": str(4 * GIB)}), over_6h="0.1"))
    assert told(found, Growth).full_in_hours == 40.0


@pytest.mark.parametrize(
    ("number", "told"), [(None, None), (0.0, 0.0), (75.19999, 75.2), (123456.0, 123500.0), (1e-9, 1e-9)]
)
def test_a_figure_is_shortened_to_four_digits(number: float | None, told: float | None) -> None:
    assert usage.short(number) == told


def test_of_two_that_tell_of_one_volume_the_fuller_counts_also_for_what_is_left() -> None:
    def both(expression: str) -> Reply:
        if "__name__" not in expression:
            return kubelet(metrics(INCIDENT), over_6h="0.1")(expression)
        sizes = {"used_bytes": (15, 19), "available_bytes": (5, 1), "capacity_bytes": (20, 20)}
        return vector(
            *(
                ({"__name__": f"kubelet_volume_stats_{name}", "node": f"w{number}"}, str(size * GIB))
                for name, pair in sizes.items()
                for number, size in enumerate(pair)
            )
        )

    found, _ = volume(both)
    assert (told(found, Usage).used_percent, told(found, Growth).full_in_hours) == (95.0, 10.0)


def test_a_volume_whose_used_inodes_are_not_told_is_told_without() -> None:
    found, _ = volume(kubelet(metrics({"used_bytes": "1", "capacity_bytes": "2", "inodes": "5"})))
    assert told(found, Usage).inodes_used_percent is None
