from __future__ import annotations

from typing import Any

from function.shared.control_plane import Etcd, Verb
from function.shared.facts import Fact
from function.shared.prometheus import Sample
from function.shared.symptoms import Cpu, FileSystem, PodDisk, Target
from function.worldmodel.metrics import (
    MAX_FILE_SYSTEMS,
    MAX_TARGETS,
    PART,
    control_plane,
    control_plane_service,
    cpu,
    filesystems,
    targets,
    whole_control_plane,
)
from tests.worldmodel.cluster import Cluster, Series, look, manifest, pod_spec

LIMITS = {"resources": {"limits": {"cpu": "500m"}, "requests": {"cpu": "100m"}}}
GIB = 2.0**30


def web() -> Any:
    spec = pod_spec()
    spec["containers"] = [{"name": "main", **LIMITS}, {"name": "proxy"}]
    return manifest("Pod", "web-1", spec=spec)


def measured(container: str, **values: float) -> list[Sample]:
    return [Sample({"container": container, PART: part}, value) for part, value in values.items()]


def test_cpu_is_told_now_and_before_with_the_throttled_share() -> None:
    samples = measured("proxy", used=0.01) + measured(
        "main", used=0.5, used_an_hour_ago=0.1, throttled=0.75, throttled_an_hour_ago=0
    )
    series = Series({"cfs_throttled": samples})
    main, proxy = cpu(look(Cluster(), series), web())()
    assert main.data == vars(Cpu("main", 0.5, 0.1, 0.5, 0.1, None, 75.0, 0.0))
    assert (main.source, proxy.data["container"]) == ("prometheus", "proxy")
    assert len(series.asked) == 1


def node() -> Any:
    addresses = [{"type": "InternalIP", "address": "10.0.0.5"}, {"type": "Hostname", "address": "w2"}]
    return manifest("Node", "w2", "", status={"addresses": addresses})


def disk(mountpoint: str, free: float, **more: float) -> list[Sample]:
    labels = {"mountpoint": mountpoint, "device": "sda"}
    values = {"size_bytes": 100 * GIB, "avail_bytes": free * GIB, **more}
    return [Sample({**labels, "__name__": f"node_filesystem_{of}"}, value) for of, value in values.items()]


def read_disks(now: list[Sample], before: list[Sample]) -> tuple[list[Fact], Series]:
    pods = [Sample({"namespace": "shop", "pod": "big"}, 7 * GIB)]
    # The fake answers with the first text that stands in a query, so the narrower one comes first.
    series = Series({"offset 1d": before, "container_fs": pods, "node_filesystem": now})
    return filesystems(look(Cluster(), series), node())(), series


def test_file_systems_are_told_now_and_a_day_ago_the_fullest_first() -> None:
    now = disk("/", 50) + disk("/var", 5, files=100, files_free=25)
    ((told,), series) = read_disks(now, disk("/var", 60))
    assert told.data["filesystems"] == (
        vars(FileSystem("/var", "sda", 100.0, 95.0, 40.0, 75.0)),
        vars(FileSystem("/", "sda", 100.0, 50.0)),
    )
    assert told.data["biggest_pods"] == (vars(PodDisk("shop", "big", 7.0)),)
    assert 'instance=~"(w2|10\\\\.0\\\\.0\\\\.5)(:[0-9]+)?"' in series.asked[0]


def test_of_many_file_systems_the_fullest_are_told_and_the_others_counted() -> None:
    now = [each for number in range(13) for each in disk(f"/{number}", number)]
    ((told,), _) = read_disks(now, [])
    assert (len(told.data["filesystems"]), told.data["more"]) == (MAX_FILE_SYSTEMS, 3)


def test_a_size_of_nought_and_half_a_file_system_are_left_out() -> None:
    labels = {"mountpoint": "/", "device": "sda", "__name__": "node_filesystem_size_bytes"}
    assert read_disks([Sample(labels, 0.0)], [])[0] == []
    assert read_disks([Sample(labels, 1.0)], [])[0] == []


def test_targets_that_are_down_are_told_first() -> None:
    up = [Sample({"instance": f"10.0.0.{n}:80", "job": "web"}, float(n != 3)) for n in range(14)]
    series = Series({'up{namespace="shop",service="web"}': up})
    (told,) = targets(look(Cluster(), series), "shop", "web")()
    assert (told.data["up"], told.data["down"], len(told.data["targets"])) == (13, 1, MAX_TARGETS)
    assert told.data["targets"][0] == vars(Target("10.0.0.3:80", "web", False))


def component(name: str) -> Any:
    return {**web(), "metadata": {**web()["metadata"], "labels": {"component": name}}}


def test_a_member_of_etcd_is_told_with_its_leader_and_its_disk() -> None:
    values = {"leader": 0.0, "changes": 3.0, "fsync": 1.25, "fsync_before": 0.004, "size": 7.9}
    series = Series({"etcd_server": [Sample({PART: part}, value) for part, value in values.items()]})
    (told,) = control_plane(look(Cluster(), series), component("etcd"))()
    assert told.data == vars(Etcd(False, 3.0, 1.25, 0.004, None, 7.9, None))


def test_an_api_server_is_told_with_its_errors_by_verb() -> None:
    values = {("GET", "requests"): 90.0, ("LIST", "requests"): 9.0, ("LIST", "errors"): 3.0}
    samples = [Sample({"verb": verb, PART: part}, value) for (verb, part), value in values.items()]
    series = Series({"apiserver_request_total": samples})
    (told,) = control_plane(look(Cluster(), series), component("kube-apiserver"))()
    assert told.data["verbs"] == (vars(Verb("LIST", 9.0, 3.0)), vars(Verb("GET", 90.0, 0.0)))


def selecting(**selector: str) -> Any:
    return manifest("Service", "kube-etcd", spec={"selector": selector})


def test_a_service_that_selects_etcd_is_told_with_its_worst_member() -> None:
    series = Series({"etcd_server": [Sample({PART: "leader"}, 0.0)]})
    (told,) = control_plane_service(look(Cluster(), series), selecting(component="etcd"))()
    assert told.data["has_leader"] is False
    (asked,) = series.asked
    assert 'service="kube-etcd"' in asked and "min(etcd_server_has_leader" in asked


def test_another_service_is_not_asked_for_the_control_plane() -> None:
    series = Series({})
    for service in (selecting(component="web"), selecting(), manifest("Service", "headless", spec={})):
        assert control_plane_service(look(Cluster(), series), service)() == [] == series.asked


def test_the_whole_control_plane_is_told_by_the_names_of_its_jobs() -> None:
    requests = [Sample({"verb": "GET", PART: "errors"}, 2.0)]
    series = Series({"apiserver_request_total": requests, "etcd_server": [Sample({PART: "leader"}, 1.0)]})
    api, etcd = whole_control_plane(look(Cluster(), series))()
    assert (api.kind, etcd.kind) == ("api_server", "etcd")
    assert all("job=~" in asked for asked in series.asked)


def test_another_pod_is_not_asked_for_the_control_plane() -> None:
    series = Series({})
    assert control_plane(look(Cluster(), series), component("web"))() == [] == series.asked
    assert control_plane(look(Cluster(), series), component("etcd"))() == []


def test_a_cluster_without_these_series_or_without_prometheus_has_no_gap() -> None:
    for prometheus in (None, Series({})):
        looking = look(Cluster(), prometheus)
        found = [cpu(looking, web())(), filesystems(looking, node())(), targets(looking, "shop", "web")()]
        assert (found, looking.gaps) == ([[], [], []], set())
