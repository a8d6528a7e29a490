"""The settings of the function. Every error names the variable and the values that it accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from function.shared.auth import MAX_FILES
from function.shared.environment import (
    choice,
    comma_separated,
    http_url,
    namespace_name,
    number,
    optional_file,
    refuse_old_names,
    tcp_port,
)
from function.shared.errors import Misconfigured

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
OLD_NAMES = {
    "ALERTMANAGER_URL": "SRE_DISPATCH_ALERTMANAGER_URL",
    "FFO_BYTES": "SRE_DISPATCH_WORLD_MODEL_MAX_BYTES",
    "FFO_SECONDS": "SRE_DISPATCH_WORLD_MODEL_TIMEOUT_SECONDS",
    "FFO_TOKEN_FILE": "SRE_DISPATCH_WORLD_MODEL_TOKEN_FILE",
    "FFO_TOOL": "SRE_DISPATCH_WORLD_MODEL_TOOL",
    "FFO_URL": "SRE_DISPATCH_WORLD_MODEL_URL",
    "OPA_TOKEN_FILE": "SRE_DISPATCH_OPA_TOKEN_FILE",
    "OPA_URL": "SRE_DISPATCH_OPA_URL",
    "SRE_DISPATCH_NAMESPACE": "SRE_DISPATCH_AGENTS_NAMESPACE",
    "SRE_DISPATCH_VOLATILE_LABELS": "SRE_DISPATCH_LABELS",
}
"""The old names of settings, and the names that replace them."""
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    host: str
    """HOST. The address to listen on. The default of `sre-dispatch serve` is 127.0.0.1. This address works
    under Knative too, because Knative's proxy connects over loopback. The default of functions-framework is
    all addresses."""
    port: int
    """PORT. The TCP port, 1 to 65535. Knative sets it."""
    auth: str
    """SRE_DISPATCH_AUTH. `token` or `none`. `none` is accepted only on loopback and outside Knative."""
    token_files: tuple[Path, ...]
    """SRE_DISPATCH_TOKEN_FILES. One or two files, separated by a comma, each with an accepted token of at
    least 16 bytes. The files are read for each request, so a rotation needs no restart. They are optional if
    the API server reviews tokens."""
    tokenreview_audience: str
    """SRE_DISPATCH_TOKENREVIEW_AUDIENCE. The audience for which a ServiceAccount token must be issued. If it
    is set, the API server reviews each JWT that is in no token file. If it is empty, no token is reviewed."""
    tokenreview_subject: str
    """SRE_DISPATCH_TOKENREVIEW_SUBJECT. The only account whose reviewed token is accepted:
    system:serviceaccount:NAMESPACE:NAME. Required with the audience."""
    policy: str
    """SRE_DISPATCH_POLICY. The policy engine: `opa`, or `embedded` (needs the extra `embedded`)."""
    opa_url: str
    """SRE_DISPATCH_OPA_URL. The base URL of the OPA server. Required with `opa`."""
    opa_token_file: Path | None
    """SRE_DISPATCH_OPA_TOKEN_FILE. The file with the bearer token for OPA, read for each request. If it is
    empty, no token is sent."""
    policies: Path
    """SRE_DISPATCH_POLICIES. The policy folder for `embedded`, `explain` and `check`. The default is
    policies/ in the root. It can also be a bundle, which includes your overlay."""
    jobs: str
    """SRE_DISPATCH_JOBS. `kubernetes` creates Jobs, `folder` writes their manifests to files."""
    jobs_folder: Path
    """SRE_DISPATCH_JOBS_FOLDER. The folder that `folder` writes to."""
    context: str
    """SRE_DISPATCH_CONTEXT. The source of context: `none`, `world-model` (SRE_DISPATCH_WORLD_MODEL_URL), or
    `file`, a world model's SQLite file on this machine."""
    context_file: Path
    """SRE_DISPATCH_CONTEXT_FILE. The file that `file` reads."""
    world_model_url: str
    """SRE_DISPATCH_WORLD_MODEL_URL. The world model's MCP endpoint. Required with `world-model`. The path
    /jsonrpc selects plain JSON-RPC, which FFO uses. Any other path, such as /mcp, selects MCP's streamable
    HTTP."""
    world_model_token_file: Path | None
    """SRE_DISPATCH_WORLD_MODEL_TOKEN_FILE. The file with the world model's reader token, read for each
    request. If it is empty, no token is sent."""
    world_model_tool: str
    """SRE_DISPATCH_WORLD_MODEL_TOOL. The name of the MCP tool that returns context."""
    world_model_timeout_seconds: float
    """SRE_DISPATCH_WORLD_MODEL_TIMEOUT_SECONDS. The time limit for the whole answer, 0.1 to 2 seconds. A
    longer time could exceed the time limit of the delivery."""
    world_model_max_bytes: int
    """SRE_DISPATCH_WORLD_MODEL_MAX_BYTES. The size limit of an answer, 1024 to 1048576 bytes."""
    agents_namespace: str
    """SRE_DISPATCH_AGENTS_NAMESPACE. The namespace of the tiers' CronJobs and of the agents' Jobs."""
    own_namespace: str
    """SRE_DISPATCH_OWN_NAMESPACE. The namespace in which the function runs and writes Kubernetes Events."""
    cluster: str
    """SRE_DISPATCH_CLUSTER. The cluster's name. It applies to alerts without a label that names a cluster,
    and to alerts of exporters, whose label `cluster` names something else."""
    cluster_label: str
    """SRE_DISPATCH_CLUSTER_LABEL. The only label that names the cluster of an alert. If it is empty,
    function/dispatch/labels.yaml lists these labels."""
    labels: Path | None
    """SRE_DISPATCH_LABELS. Your file over function/dispatch/labels.yaml, which says what labels mean. If it
    is empty, ours applies alone."""
    root: Path
    """SRE_DISPATCH_ROOT. The folder that contains prompts/, policies/ and knative/."""
    sink_url: str
    """K_SINK. The URL that receives notices as CloudEvents. Knative's SinkBinding sets it. If it is empty,
    no CloudEvents are sent."""
    alertmanager_url: str
    """SRE_DISPATCH_ALERTMANAGER_URL. The Alertmanager that receives notices as alerts. If it is empty, no
    such alerts are sent."""

    @staticmethod
    def read(environment: Mapping[str, str]) -> Settings:
        """Returns the settings in `environment`. Raises Misconfigured with the name of a wrong variable."""
        refuse_old_names(environment, OLD_NAMES)
        get = environment.get
        root = Path(get("SRE_DISPATCH_ROOT", str(ROOT)))
        settings = Settings(
            host=get("HOST", "0.0.0.0"),  # noqa: S104  the default of functions-framework
            port=tcp_port(get("PORT", "8080")),
            auth=choice(environment, "SRE_DISPATCH_AUTH", "token", "none"),
            token_files=tuple(Path(name) for name in comma_separated(get("SRE_DISPATCH_TOKEN_FILES", ""))),
            tokenreview_audience=get("SRE_DISPATCH_TOKENREVIEW_AUDIENCE", ""),
            tokenreview_subject=get("SRE_DISPATCH_TOKENREVIEW_SUBJECT", ""),
            policy=choice(environment, "SRE_DISPATCH_POLICY", "opa", "embedded"),
            opa_url=http_url(environment, "SRE_DISPATCH_OPA_URL"),
            opa_token_file=optional_file(environment, "SRE_DISPATCH_OPA_TOKEN_FILE"),
            policies=Path(get("SRE_DISPATCH_POLICIES", str(root / "policies"))),
            jobs=choice(environment, "SRE_DISPATCH_JOBS", "kubernetes", "folder"),
            jobs_folder=Path(get("SRE_DISPATCH_JOBS_FOLDER", ".dispatched")),
            context=choice(environment, "SRE_DISPATCH_CONTEXT", "none", "world-model", "file"),
            context_file=Path(get("SRE_DISPATCH_CONTEXT_FILE", ".worldmodel.db")),
            world_model_url=http_url(environment, "SRE_DISPATCH_WORLD_MODEL_URL"),
            world_model_token_file=optional_file(environment, "SRE_DISPATCH_WORLD_MODEL_TOKEN_FILE"),
            world_model_tool=get("SRE_DISPATCH_WORLD_MODEL_TOOL", "get_resource_context"),
            world_model_timeout_seconds=number(
                environment, "SRE_DISPATCH_WORLD_MODEL_TIMEOUT_SECONDS", 2.0, 0.1, 2.0
            ),
            world_model_max_bytes=int(
                number(environment, "SRE_DISPATCH_WORLD_MODEL_MAX_BYTES", 262_144, 1024, 1_048_576)
            ),
            agents_namespace=namespace_name(environment, "SRE_DISPATCH_AGENTS_NAMESPACE", "sre-agents"),
            own_namespace=namespace_name(environment, "SRE_DISPATCH_OWN_NAMESPACE", "f3iai"),
            cluster=get("SRE_DISPATCH_CLUSTER", ""),
            cluster_label=get("SRE_DISPATCH_CLUSTER_LABEL", ""),
            labels=optional_file(environment, "SRE_DISPATCH_LABELS"),
            root=root,
            sink_url=http_url(environment, "K_SINK"),
            alertmanager_url=http_url(environment, "SRE_DISPATCH_ALERTMANAGER_URL"),
        )
        _check(settings, behind_knative="K_SERVICE" in environment)
        return settings


def _check(settings: Settings, *, behind_knative: bool) -> None:
    """Raises Misconfigured if two settings contradict each other or a required setting is missing."""
    _check_authentication(settings, behind_knative=behind_knative)
    if settings.policy == "opa" and not settings.opa_url:
        raise Misconfigured(
            "SRE_DISPATCH_OPA_URL is not set: set it to OPA's URL, or set SRE_DISPATCH_POLICY=embedded"
        )
    if settings.context == "world-model" and not settings.world_model_url:
        raise Misconfigured(
            "SRE_DISPATCH_WORLD_MODEL_URL is not set: set it to the world model's URL, or set "
            "SRE_DISPATCH_CONTEXT=none"
        )


def _check_authentication(settings: Settings, *, behind_knative: bool) -> None:
    _check_review(settings)
    if settings.auth == "none":
        if behind_knative or settings.host not in LOOPBACK:
            raise Misconfigured(
                "SRE_DISPATCH_AUTH=none works only on loopback and outside Knative, because every sender "
                "looks local behind Knative's proxy: set SRE_DISPATCH_TOKEN_FILES"
            )
        return
    least = 0 if settings.tokenreview_audience else 1
    if not least <= len(settings.token_files) <= MAX_FILES:
        raise Misconfigured(
            "SRE_DISPATCH_TOKEN_FILES must name one or two files with the accepted tokens (on a laptop: set "
            "SRE_DISPATCH_AUTH=none instead)"
        )


def _check_review(settings: Settings) -> None:
    if bool(settings.tokenreview_audience) != bool(settings.tokenreview_subject):
        raise Misconfigured(
            "SRE_DISPATCH_TOKENREVIEW_AUDIENCE and SRE_DISPATCH_TOKENREVIEW_SUBJECT go together: set both or "
            "neither"
        )
    if settings.tokenreview_audience and settings.jobs != "kubernetes":
        raise Misconfigured(
            "SRE_DISPATCH_TOKENREVIEW_AUDIENCE needs an API server: set SRE_DISPATCH_JOBS=kubernetes"
        )
