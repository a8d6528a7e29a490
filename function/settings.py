"""The settings: read once, from one mapping; every error names the variable and what it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from function.errors import Misconfigured
from function.subject import VOLATILE_LABELS, is_name

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
ROOT = Path(__file__).resolve().parent.parent
MAX_TOKENS = 2
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
    16 bytes; read anew for each request, so that a rotation needs no restart."""
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
            policy=_one_of(environment, "SRE_DISPATCH_POLICY", "opa", "embedded"),
            opa_url=_url(environment, "OPA_URL"),
            opa_token_file=Path(get("OPA_TOKEN_FILE", "")) if get("OPA_TOKEN_FILE") else None,
            policies=Path(get("SRE_DISPATCH_POLICIES", str(root / "policies"))),
            jobs=_one_of(environment, "SRE_DISPATCH_JOBS", "kubernetes", "folder"),
            jobs_folder=Path(get("SRE_DISPATCH_JOBS_FOLDER", ".dispatched")),
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
        return settings


def _check_authentication(settings: Settings, *, behind_knative: bool) -> None:
    if settings.auth == "none":
        if behind_knative or settings.host not in LOOPBACK:
            raise Misconfigured(
                "SRE_DISPATCH_AUTH=none is for loopback only, and never under Knative, whose proxy dials "
                "loopback for everybody: set SRE_DISPATCH_TOKEN_FILES"
            )
        return
    if not 1 <= len(settings.token_files) <= MAX_TOKENS:
        raise Misconfigured(
            "SRE_DISPATCH_TOKEN_FILES is not one or two files: name the files with the accepted tokens "
            "(on a laptop: SRE_DISPATCH_AUTH=none)"
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
