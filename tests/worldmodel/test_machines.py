from __future__ import annotations

from function.shared.facts import Fact
from function.shared.prometheus import Sample
from function.shared.surroundings import Machine, PodUse
from function.worldmodel.machines import MAX_PODS, machine
from function.worldmodel.metrics import PART
from tests.worldmodel.cluster import Cluster, Series, look


def read(usual: list[Sample], used: list[Sample]) -> tuple[list[Fact], Series]:
    series = Series({"node_cpu_seconds_total": usual, "container_cpu": used})
    looking = look(Cluster(), series)
    found = machine(looking, "w1", ["10.0.0.5"])()
    assert looking.gaps == set()
    return found, series


def test_a_machine_tells_what_is_scarce_and_what_failed_on_it() -> None:
    values = {"cpu": 91.04, "memory": 50, "memory offset 1h": 20, "disk": 99, "errors": 3, "synchronised": 0}
    usual = [Sample({PART: part}, value) for part, value in values.items()]
    usual.append(Sample({PART: "failed", "name": "chrony.service"}, 1))
    ((fact,), series) = read(usual, [])
    assert fact.data == vars(Machine(91.04, None, 50, 20, 99, None, 3, False, None, ("chrony.service",)))
    assert len(series.asked) == 2
    assert all('"(w1|10\\\\.0\\\\.0\\\\.5)(:[0-9]+)?"' in each for each in series.asked[:1])


def test_the_pods_that_use_the_most_are_told_with_their_limit_of_memory() -> None:
    def use(part: str, pod: str, value: float) -> Sample:
        return Sample({PART: part, "namespace": "data", "pod": pod}, value)

    used = [use("memory", "notebook", 9), use("memory", "api", 1), use("disk_writes", "audit", 180)]
    used += [use("memory", f"small-{number}", 0.1) for number in range(MAX_PODS)]
    ((fact,), _) = read([], [*used, use("limit", "api", 2)])
    assert [PodUse(**each) for each in fact.data["pods"]] == [
        PodUse("memory", "data", "notebook", 9),
        PodUse("memory", "data", "api", 1, 2),
        PodUse("memory", "data", "small-0", 0.1),
        PodUse("disk_writes", "data", "audit", 180),
    ]


def test_a_machine_without_series_has_no_such_fact_and_no_gap() -> None:
    assert read([], [])[0] == []
