from __future__ import annotations

import pytest

from function.dispatch.settings import OLD_NAMES, Settings
from function.runner import paths
from function.runner.paths import Paths
from function.shared.environment import refuse_old_names
from function.shared.errors import Misconfigured
from function.worldmodel import settings as worldmodel
from function.worldmodel.settings import WorldModelSettings

LAPTOP = {"SRE_DISPATCH_AUTH": "none", "HOST": "127.0.0.1", "SRE_DISPATCH_POLICY": "embedded"}
TOKENS = {
    "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES": "/a",
    "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES": "/b",
}


def test_a_setting_by_its_old_name_is_refused_with_its_new_name() -> None:
    with pytest.raises(Misconfigured, match="OLD is now NEW: use that"):
        refuse_old_names({"OLD": ""}, {"OLD": "NEW"})


def test_another_programs_variable_is_left_alone() -> None:
    refuse_old_names({"OLDER": "x"}, {"OLD": "NEW"})


@pytest.mark.parametrize("old", OLD_NAMES)
def test_the_function_refuses_each_old_name(old: str) -> None:
    with pytest.raises(Misconfigured, match=f"{old} is now {OLD_NAMES[old]}"):
        Settings.read({**LAPTOP, old: "x"})


@pytest.mark.parametrize("old", worldmodel.OLD_NAMES)
def test_the_world_model_refuses_each_old_name(old: str) -> None:
    with pytest.raises(Misconfigured, match=f"{old} is now {worldmodel.OLD_NAMES[old]}"):
        WorldModelSettings.read({**TOKENS, old: "x"})


@pytest.mark.parametrize("old", paths.OLD_NAMES)
def test_the_runner_refuses_each_old_name(old: str) -> None:
    with pytest.raises(Misconfigured, match=f"{old} is now {paths.OLD_NAMES[old]}"):
        Paths.read({old: "x"})
