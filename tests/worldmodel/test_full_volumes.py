from __future__ import annotations

from function.shared.prometheus import Sample
from function.worldmodel.full_volumes import MAX_VOLUMES, full_volumes
from function.worldmodel.metrics import PART
from tests.worldmodel.cluster import Cluster, Series, look


def full(claim: str, percent: float, of: str = "bytes") -> Sample:
    return Sample({PART: of, "persistentvolumeclaim": claim}, percent)


def read(*samples: Sample) -> list[dict[str, object]]:
    series = Series({"kubelet_volume_stats_used_bytes": samples})
    looking = look(Cluster(), series)
    found = full_volumes(looking, "shop")()
    assert looking.gaps == set()
    assert all('namespace="shop"' in each for each in series.asked)
    return [each for fact in found for each in fact.data["volumes"]]


def test_where_no_volume_is_nearly_full_there_is_no_such_fact() -> None:
    assert read() == []
    assert full_volumes(look(Cluster()), "shop")() == []


def test_the_fullest_volume_comes_first() -> None:
    assert read(full("data-db-0", 91.5), full("spool", 100, "inodes")) == [
        {"claim": "spool", "of": "inodes", "used_percent": 100},
        {"claim": "data-db-0", "of": "bytes", "used_percent": 91.5},
    ]


def test_of_many_full_volumes_only_some_are_told() -> None:
    assert len(read(*(full(f"data-{number}", 99) for number in range(9)))) == MAX_VOLUMES
