from __future__ import annotations

import pytest

from function.shared.errors import Misconfigured
from function.worldmodel.settings import WorldModelSettings

WORLD = {
    "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES": "reader",
    "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES": "writer",
}


def test_a_world_model_needs_two_settings() -> None:
    settings = WorldModelSettings.read(WORLD)
    assert (settings.host, settings.port, settings.prometheus_url) == ("127.0.0.1", 50060, "")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES"),
        (
            {**WORLD, "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES": "a,b,c"},
            "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES",
        ),
        (
            {**WORLD, "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES": " , "},
            "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES",
        ),
        ({**WORLD, "SRE_DISPATCH_PROMETHEUS_URL": "prometheus"}, "SRE_DISPATCH_PROMETHEUS_URL"),
        ({**WORLD, "PORT": "-1"}, "PORT"),
    ],
)
def test_what_a_world_model_cannot_use_is_refused_by_name(settings: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        WorldModelSettings.read(settings)
