from __future__ import annotations

from pathlib import Path

import pytest

from function.dispatch.settings import Settings
from function.shared.errors import Misconfigured

LAPTOP = {"HOST": "127.0.0.1", "SRE_DISPATCH_AUTH": "none", "SRE_DISPATCH_POLICY": "embedded"}

REVIEW = {
    "SRE_DISPATCH_TOKENREVIEW_AUDIENCE": "sre-dispatch",
    "SRE_DISPATCH_TOKENREVIEW_SUBJECT": "system:serviceaccount:monitoring:alertmanager",
}


def test_a_laptop_needs_three_settings() -> None:
    settings = Settings.read(LAPTOP)
    assert (settings.port, settings.agents_namespace, settings.jobs) == (8080, "sre-agents", "kubernetes")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "SRE_DISPATCH_TOKEN_FILES"),
        ({"SRE_DISPATCH_TOKEN_FILES": "a,b,c"}, "SRE_DISPATCH_TOKEN_FILES"),
        ({"SRE_DISPATCH_TOKEN_FILES": "a"}, "SRE_DISPATCH_OPA_URL"),
        ({**LAPTOP, "SRE_DISPATCH_AUTH": "None"}, "SRE_DISPATCH_AUTH"),
        ({**LAPTOP, "HOST": "0.0.0.0"}, "SRE_DISPATCH_AUTH"),
        ({**LAPTOP, "K_SERVICE": "sre-dispatch"}, "SRE_DISPATCH_AUTH"),
        ({"SRE_DISPATCH_AUTH": "none", "SRE_DISPATCH_POLICY": "embedded"}, "SRE_DISPATCH_AUTH"),
        ({**LAPTOP, "SRE_DISPATCH_POLICY": "both"}, "SRE_DISPATCH_POLICY"),
        ({**LAPTOP, "SRE_DISPATCH_JOBS": "maybe"}, "SRE_DISPATCH_JOBS"),
        ({**LAPTOP, "SRE_DISPATCH_AGENTS_NAMESPACE": ""}, "SRE_DISPATCH_AGENTS_NAMESPACE"),
        ({**LAPTOP, "SRE_DISPATCH_OWN_NAMESPACE": "a/b"}, "SRE_DISPATCH_OWN_NAMESPACE"),
        ({**LAPTOP, **REVIEW, "SRE_DISPATCH_TOKENREVIEW_SUBJECT": ""}, "TOKENREVIEW_AUDIENCE and .*_SUBJECT"),
        (
            {**LAPTOP, **REVIEW, "SRE_DISPATCH_TOKENREVIEW_AUDIENCE": ""},
            "TOKENREVIEW_AUDIENCE and .*_SUBJECT",
        ),
        ({**LAPTOP, **REVIEW, "SRE_DISPATCH_JOBS": "folder"}, "TOKENREVIEW_AUDIENCE .* SRE_DISPATCH_JOBS"),
        ({**REVIEW, "SRE_DISPATCH_TOKEN_FILES": "a,b,c"}, "SRE_DISPATCH_TOKEN_FILES"),
        ({**LAPTOP, "PORT": "0"}, "PORT"),
        ({**LAPTOP, "PORT": "x"}, "PORT"),
        ({**LAPTOP, "PORT": "999999"}, "PORT"),
        ({**LAPTOP, "SRE_DISPATCH_OPA_URL": "localhost:8181"}, "SRE_DISPATCH_OPA_URL"),
        ({**LAPTOP, "SRE_DISPATCH_CONTEXT": "maybe"}, "SRE_DISPATCH_CONTEXT"),
        ({**LAPTOP, "SRE_DISPATCH_CONTEXT": "world-model"}, "SRE_DISPATCH_WORLD_MODEL_URL"),
        ({**LAPTOP, "SRE_DISPATCH_WORLD_MODEL_URL": "ffo:50060"}, "SRE_DISPATCH_WORLD_MODEL_URL"),
        (
            {**LAPTOP, "SRE_DISPATCH_WORLD_MODEL_TIMEOUT_SECONDS": "2.1"},
            "SRE_DISPATCH_WORLD_MODEL_TIMEOUT_SECONDS",
        ),
        (
            {**LAPTOP, "SRE_DISPATCH_WORLD_MODEL_TIMEOUT_SECONDS": "nan"},
            "SRE_DISPATCH_WORLD_MODEL_TIMEOUT_SECONDS",
        ),
        (
            {**LAPTOP, "SRE_DISPATCH_WORLD_MODEL_TIMEOUT_SECONDS": "soon"},
            "SRE_DISPATCH_WORLD_MODEL_TIMEOUT_SECONDS",
        ),
        ({**LAPTOP, "SRE_DISPATCH_WORLD_MODEL_MAX_BYTES": "1023"}, "SRE_DISPATCH_WORLD_MODEL_MAX_BYTES"),
        ({**LAPTOP, "SRE_DISPATCH_OPA_URL": "http://opa:81x1"}, "SRE_DISPATCH_OPA_URL"),
        ({**LAPTOP, "SRE_DISPATCH_OPA_URL": "http://[::1"}, "SRE_DISPATCH_OPA_URL"),
        ({**LAPTOP, "SRE_DISPATCH_OPA_URL": "http://o\tpa"}, "SRE_DISPATCH_OPA_URL"),
        ({**LAPTOP, "SRE_DISPATCH_OPA_URL": "http://opa..svc"}, "SRE_DISPATCH_OPA_URL"),
        ({**LAPTOP, "SRE_DISPATCH_OPA_URL": "http://"}, "SRE_DISPATCH_OPA_URL"),
        ({**LAPTOP, "SRE_DISPATCH_OPA_URL": "http://" + "a" * 64}, "SRE_DISPATCH_OPA_URL"),
        ({**LAPTOP, "K_SINK": "ftp://x"}, "K_SINK"),
        ({**LAPTOP, "SRE_DISPATCH_ALERTMANAGER_URL": "x"}, "SRE_DISPATCH_ALERTMANAGER_URL"),
    ],
)
def test_what_is_unusable_is_refused_by_name(settings: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        Settings.read(settings)


@pytest.mark.parametrize("files", ["", "a", "a,b"])
def test_where_tokens_are_reviewed_token_files_may_stand_beside_or_be_absent(files: str) -> None:
    one = {"SRE_DISPATCH_POLICY": "embedded", "SRE_DISPATCH_TOKEN_FILES": files}
    settings = Settings.read(one | REVIEW)
    assert len(settings.token_files) == len(files.replace(",", ""))
    assert (settings.tokenreview_audience, settings.tokenreview_subject) == tuple(REVIEW.values())


def test_lists_are_joined_by_commas() -> None:
    settings = Settings.read(
        {"SRE_DISPATCH_POLICY": "embedded", "SRE_DISPATCH_TOKEN_FILES": " /run/a , ,/run/b"}
    )
    assert settings.token_files == (Path("/run/a"), Path("/run/b"))
