"""The settings: read once, from one mapping; every error names the variable and what it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from function.errors import Misconfigured
from function.subject import VOLATILE_LABELS, is_name
from function.tokens import MAX_FILES

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
ROOT = Path(__file__).resolve().parent.parent
MAX_DNS_LABEL = 63


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
    """OPA_URL. Base URL of the OPA server; needed with `opa`."""
    opa_token_file: Path | None
    """OPA_TOKEN_FILE. File with the token that OPA asks for, read anew at each question. Empty: none is
    sent."""
    policies: Path
    """SRE_DISPATCH_POLICIES. The folder with the policy that `embedded`, `explain` and `check` use: policies/
    in the root, or a bundle made of that and an organisation's overlay."""
    jobs: str
    """SRE_DISPATCH_JOBS. `kubernetes`, or `folder`, which writes manifests instead of creating Jobs."""
    jobs_folder: Path
    """SRE_DISPATCH_JOBS_FOLDER. Where `folder` writes."""
    context: str
    """SRE_DISPATCH_CONTEXT. Where context comes from: `none`, `ffo` (FFO_URL), or `file`, which is a world
    model's SQLite file on this machine."""
    context_file: Path
    """SRE_DISPATCH_CONTEXT_FILE. The file of `file`."""
    ffo_url: str
    """FFO_URL. The world model's MCP endpoint, needed with `ffo`: with the path /jsonrpc it is asked by bare
    JSON-RPC, as FFO is; with any other, such as /mcp, by MCP's streamable HTTP."""
    ffo_token_file: Path | None
    """FFO_TOKEN_FILE. File with the world model's token for readers, read anew at each question. Empty: none
    is sent."""
    ffo_tool: str
    """FFO_TOOL. The tool that is called for context."""
    ffo_seconds: float
    """FFO_SECONDS. Seconds for the whole answer, 0.1 to 2: whoever waits for longer misses the delivery's
    own time limit."""
    ffo_bytes: int
    """FFO_BYTES. Bytes of an answer, 1024 to 1048576."""
    namespace: str
    """SRE_DISPATCH_NAMESPACE. The agents' namespace, where the tiers' CronJobs are and Jobs go."""
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
    """ALERTMANAGER_URL. Alertmanager that is told, as an alert, what people must see. Empty: none."""

    @staticmethod
    def read(environment: Mapping[str, str]) -> Settings:
        """The settings in `environment`. Raises Misconfigured, naming the variable, for what is unusable."""
        get = environment.get
        root = Path(get("SRE_DISPATCH_ROOT", str(ROOT)))
        settings = Settings(
            host=get("HOST", "0.0.0.0"),  # noqa: S104  what functions-framework binds when it is not told
            port=_port(get("PORT", "8080")),
            auth=_one_of(environment, "SRE_DISPATCH_AUTH", "token", "none"),
            token_files=tuple(Path(name) for name in _list(get("SRE_DISPATCH_TOKEN_FILES", ""))),
            tokenreview_audience=get("SRE_DISPATCH_TOKENREVIEW_AUDIENCE", ""),
            tokenreview_subject=get("SRE_DISPATCH_TOKENREVIEW_SUBJECT", ""),
            policy=_one_of(environment, "SRE_DISPATCH_POLICY", "opa", "embedded"),
            opa_url=_url(environment, "OPA_URL"),
            opa_token_file=_file(environment, "OPA_TOKEN_FILE"),
            policies=Path(get("SRE_DISPATCH_POLICIES", str(root / "policies"))),
            jobs=_one_of(environment, "SRE_DISPATCH_JOBS", "kubernetes", "folder"),
            jobs_folder=Path(get("SRE_DISPATCH_JOBS_FOLDER", ".dispatched")),
            context=_one_of(environment, "SRE_DISPATCH_CONTEXT", "none", "ffo", "file"),
            context_file=Path(get("SRE_DISPATCH_CONTEXT_FILE", ".worldmodel.db")),
            ffo_url=_url(environment, "FFO_URL"),
            ffo_token_file=_file(environment, "FFO_TOKEN_FILE"),
            ffo_tool=get("FFO_TOOL", "get_resource_context"),
            ffo_seconds=_number(environment, "FFO_SECONDS", 2.0, 0.1, 2.0),
            ffo_bytes=int(_number(environment, "FFO_BYTES", 262_144, 1024, 1_048_576)),
            namespace=_namespace(environment, "SRE_DISPATCH_NAMESPACE", "sre-agents"),
            own_namespace=_namespace(environment, "SRE_DISPATCH_OWN_NAMESPACE", "f3iai"),
            cluster=get("SRE_DISPATCH_CLUSTER", ""),
            volatile_labels=frozenset(
                _list(get("SRE_DISPATCH_VOLATILE_LABELS", ",".join(sorted(VOLATILE_LABELS))))
            ),
            root=root,
            sink_url=_url(environment, "K_SINK"),
            alertmanager_url=_url(environment, "ALERTMANAGER_URL"),
        )
        _check_authentication(settings, behind_knative="K_SERVICE" in environment)
        if settings.policy == "opa" and not settings.opa_url:
            raise Misconfigured("OPA_URL is not set: give OPA's URL, or set SRE_DISPATCH_POLICY=embedded")
        if settings.context == "ffo" and not settings.ffo_url:
            raise Misconfigured("FFO_URL is not set: give the world model's URL, or no SRE_DISPATCH_CONTEXT")
        return settings


@dataclass(frozen=True)
class WorldModelSettings:
    """Those of `sre-dispatch worldmodel`."""

    host: str
    """HOST. Address that is listened on, 127.0.0.1 where it is not set."""
    port: int
    """PORT. TCP port, 1 to 65535; FFO's 50060 where it is not set."""
    file: Path
    """WORLDMODEL_FILE. The SQLite file with the memory, made where there is none."""
    reader_token_files: tuple[Path, ...]
    """WORLDMODEL_READER_TOKEN_FILES. One or two files, joined by a comma, with tokens of those who ask."""
    writer_token_files: tuple[Path, ...]
    """WORLDMODEL_WRITER_TOKEN_FILES. The same for those who record outcomes; no model may come near them."""
    governance_file: Path | None
    """WORLDMODEL_GOVERNANCE_FILE. YAML with classification and scope by namespace, in place of the
    namespaces' labels. Empty: labels alone."""
    prometheus_url: str
    """PROMETHEUS_URL. Prometheus, for usage and growth. Empty: none, which is a gap."""
    prometheus_token_file: Path | None
    """PROMETHEUS_TOKEN_FILE. File with the token that Prometheus asks for. Empty: none is sent."""
    cluster: str
    """SRE_DISPATCH_CLUSTER. Name of the cluster that is read, the same as the function's."""

    @staticmethod
    def read(environment: Mapping[str, str]) -> WorldModelSettings:
        """The settings in `environment`. Raises Misconfigured, naming the variable, for what is unusable."""
        return WorldModelSettings(
            host=environment.get("HOST", "127.0.0.1"),
            port=_port(environment.get("PORT", "50060")),
            file=Path(environment.get("WORLDMODEL_FILE", ".worldmodel.db")),
            reader_token_files=_token_files(environment, "WORLDMODEL_READER_TOKEN_FILES"),
            writer_token_files=_token_files(environment, "WORLDMODEL_WRITER_TOKEN_FILES"),
            governance_file=_file(environment, "WORLDMODEL_GOVERNANCE_FILE"),
            prometheus_url=_url(environment, "PROMETHEUS_URL"),
            prometheus_token_file=_file(environment, "PROMETHEUS_TOKEN_FILE"),
            cluster=environment.get("SRE_DISPATCH_CLUSTER", ""),
        )


def _token_files(environment: Mapping[str, str], name: str) -> tuple[Path, ...]:
    files = tuple(Path(file) for file in _list(environment.get(name, "")))
    if not 1 <= len(files) <= MAX_FILES:
        raise Misconfigured(f"{name} is not one or two files: name the files with the accepted tokens")
    return files


def _file(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]) if environment.get(name) else None


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


def _one_of(environment: Mapping[str, str], name: str, *choices: str) -> str:
    """The setting's value; the first of the choices where it is not set."""
    value = environment.get(name, choices[0])
    if value not in choices:
        raise Misconfigured(f"{name} is neither {' nor '.join(choices)}")
    return value


def _port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < int(value[:6]) < 65536):
        raise Misconfigured("PORT is no TCP port: give a number from 1 to 65535")
    return int(value)


def _number(environment: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    try:
        value = float(environment.get(name, default))
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise Misconfigured(f"{name} is no number from {least:g} to {most:g}")
    return value


def _namespace(environment: Mapping[str, str], name: str, default: str) -> str:
    value = environment.get(name, default)
    if not is_name(value):
        raise Misconfigured(f"{name} is no name of a namespace")
    return value


def _url(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if value and not _is_url(value):
        raise Misconfigured(f"{name} is no http or https URL of a host")
    return value.rstrip("/")


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        named = all(0 < len(label) <= MAX_DNS_LABEL for label in (parts.hostname or "").split("."))
        return parts.scheme in ("http", "https") and named and parts.port != 0 and value.isprintable()
    except ValueError:  # a port or an IPv6 address that is none
        return False


def _list(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]
