"""The settings: read once, from one mapping; every error names the variable and what it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from function.dispatch.subject import VOLATILE_LABELS
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
}
"""Settings as they were called up to 0.1.0, and as they are called now."""
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    host: str
    """HOST. Address that is listened on. `sre-dispatch serve` takes 127.0.0.1 where it is not set, which is
    right under Knative as well (its proxy dials loopback); plain functions-framework takes all addresses."""
    port: int
    """PORT. TCP port, 1 to 65535; Knative sets it."""
    auth: str
    """SRE_DISPATCH_AUTH. `token`, or `none`, which is accepted on loopback and outside Knative only."""
    token_files: tuple[Path, ...]
    """SRE_DISPATCH_TOKEN_FILES. One or two files, joined by a comma, each with an accepted token of at least
    16 bytes; read anew for each request, so that a rotation needs no restart. Not needed where tokens are
    reviewed."""
    tokenreview_audience: str
    """SRE_DISPATCH_TOKENREVIEW_AUDIENCE. With it a bearer token that is in no file, and has the form of a
    ServiceAccount's, is reviewed by the API server; this is the audience it must be made for. Empty: none is
    reviewed."""
    tokenreview_subject: str
    """SRE_DISPATCH_TOKENREVIEW_SUBJECT. The one whose token is then accepted, as the API server names it:
    system:serviceaccount:NAMESPACE:NAME. Goes with the audience."""
    policy: str
    """SRE_DISPATCH_POLICY. `opa`, or `embedded` (extra `embedded`)."""
    opa_url: str
    """SRE_DISPATCH_OPA_URL. Base URL of the OPA server; needed with `opa`."""
    opa_token_file: Path | None
    """SRE_DISPATCH_OPA_TOKEN_FILE. File with the token that OPA asks for, read anew at each question. Empty:
    none is sent."""
    policies: Path
    """SRE_DISPATCH_POLICIES. The folder with the policy that `embedded`, `explain` and `check` use:
    policies/ in the root, or a bundle made of that and an organisation's overlay."""
    jobs: str
    """SRE_DISPATCH_JOBS. `kubernetes`, or `folder`, which writes manifests instead of creating Jobs."""
    jobs_folder: Path
    """SRE_DISPATCH_JOBS_FOLDER. Where `folder` writes."""
    context: str
    """SRE_DISPATCH_CONTEXT. Where context comes from: `none`, `world-model` (SRE_DISPATCH_WORLD_MODEL_URL),
    or `file`, which is a world model's SQLite file on this machine."""
    context_file: Path
    """SRE_DISPATCH_CONTEXT_FILE. The file of `file`."""
    world_model_url: str
    """SRE_DISPATCH_WORLD_MODEL_URL. The world model's MCP endpoint, needed with `world-model`: with the path
    /jsonrpc it is asked by bare JSON-RPC, as FFO is; with any other, such as /mcp, by MCP's streamable
    HTTP."""
    world_model_token_file: Path | None
    """SRE_DISPATCH_WORLD_MODEL_TOKEN_FILE. File with the world model's token for readers, read anew at each
    question. Empty: none is sent."""
    world_model_tool: str
    """SRE_DISPATCH_WORLD_MODEL_TOOL. The tool that is called for context."""
    world_model_timeout_seconds: float
    """SRE_DISPATCH_WORLD_MODEL_TIMEOUT_SECONDS. Seconds for the whole answer, 0.1 to 2: whoever waits for
    longer misses the delivery's own time limit."""
    world_model_max_bytes: int
    """SRE_DISPATCH_WORLD_MODEL_MAX_BYTES. Bytes of an answer, 1024 to 1048576."""
    agents_namespace: str
    """SRE_DISPATCH_AGENTS_NAMESPACE. The agents' namespace, where the tiers' CronJobs are and Jobs go."""
    own_namespace: str
    """SRE_DISPATCH_OWN_NAMESPACE. Where the function runs and writes Kubernetes Events."""
    cluster: str
    """SRE_DISPATCH_CLUSTER. Name of the cluster, for alerts that carry no label `cluster`."""
    volatile_labels: frozenset[str]
    """SRE_DISPATCH_VOLATILE_LABELS. Labels, joined by commas, that stay out of the identity of an alert
    without a resource."""
    root: Path
    """SRE_DISPATCH_ROOT. The folder that holds prompts/, policies/ and knative/."""
    sink_url: str
    """K_SINK. Where notices go as CloudEvents; Knative's SinkBinding sets it. Empty: nowhere."""
    alertmanager_url: str
    """SRE_DISPATCH_ALERTMANAGER_URL. Alertmanager that is told, as an alert, what people must see. Empty:
    none."""

    @staticmethod
    def read(environment: Mapping[str, str]) -> Settings:
        """The settings in `environment`. Raises Misconfigured, naming the variable, for what is unusable."""
        refuse_old_names(environment, OLD_NAMES)
        get = environment.get
        root = Path(get("SRE_DISPATCH_ROOT", str(ROOT)))
        settings = Settings(
            host=get("HOST", "0.0.0.0"),  # noqa: S104  what functions-framework binds when it is not told
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
            volatile_labels=_volatile_labels(environment),
            root=root,
            sink_url=http_url(environment, "K_SINK"),
            alertmanager_url=http_url(environment, "SRE_DISPATCH_ALERTMANAGER_URL"),
        )
        _check(settings, behind_knative="K_SERVICE" in environment)
        return settings


def _volatile_labels(environment: Mapping[str, str]) -> frozenset[str]:
    named = environment.get("SRE_DISPATCH_VOLATILE_LABELS", ",".join(VOLATILE_LABELS))
    return frozenset(comma_separated(named))


def _check(settings: Settings, *, behind_knative: bool) -> None:
    """Raises Misconfigured for settings that do not go together."""
    _check_authentication(settings, behind_knative=behind_knative)
    if settings.policy == "opa" and not settings.opa_url:
        raise Misconfigured(
            "SRE_DISPATCH_OPA_URL is not set: give OPA's URL, or set SRE_DISPATCH_POLICY=embedded"
        )
    if settings.context == "world-model" and not settings.world_model_url:
        raise Misconfigured(
            "SRE_DISPATCH_WORLD_MODEL_URL is not set: give the world model's URL, or set "
            "SRE_DISPATCH_CONTEXT=none"
        )


def _check_authentication(settings: Settings, *, behind_knative: bool) -> None:
    _check_review(settings)
    if settings.auth == "none":
        if behind_knative or settings.host not in LOOPBACK:
            raise Misconfigured(
                "SRE_DISPATCH_AUTH=none is for loopback only, and never under Knative, whose proxy dials "
                "loopback for everybody: set SRE_DISPATCH_TOKEN_FILES"
            )
        return
    least = 0 if settings.tokenreview_audience else 1
    if not least <= len(settings.token_files) <= MAX_FILES:
        raise Misconfigured(
            "SRE_DISPATCH_TOKEN_FILES is not one or two files: name the files with the accepted tokens "
            "(on a laptop: SRE_DISPATCH_AUTH=none)"
        )


def _check_review(settings: Settings) -> None:
    if bool(settings.tokenreview_audience) != bool(settings.tokenreview_subject):
        raise Misconfigured(
            "SRE_DISPATCH_TOKENREVIEW_AUDIENCE and SRE_DISPATCH_TOKENREVIEW_SUBJECT go together: set both, "
            "or neither"
        )
    if settings.tokenreview_audience and settings.jobs != "kubernetes":
        raise Misconfigured(
            "SRE_DISPATCH_TOKENREVIEW_AUDIENCE needs an API server to ask: set SRE_DISPATCH_JOBS=kubernetes"
        )
