from __future__ import annotations

from function.shared.symptoms import Scaling, ScalingMetric
from function.worldmodel.scaling import scales, scaling
from tests.worldmodel.cluster import autoscaler, manifest


def test_an_autoscaler_is_told_with_its_limits_metrics_and_bad_conditions() -> None:
    assert scaling(autoscaler()) == Scaling(
        "web",
        "Deployment/web",
        minimum=2,
        maximum=5,
        current=5,
        desired=5,
        limited=True,
        metrics=(
            ScalingMetric("cpu", "143 %", "80 %", 143, 80),
            ScalingMetric("requests", "unknown", "10"),
        ),
        conditions=("ScalingLimited=True TooManyReplicas",),
    )


def test_an_autoscaler_scales_the_workload_that_it_names() -> None:
    assert scales(autoscaler(), manifest("Deployment", "web"))
    assert not scales(autoscaler(), manifest("StatefulSet", "web"))
    assert not scales(autoscaler(), manifest("Deployment", "shop"))
