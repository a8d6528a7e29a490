"""The settings of `sre-dispatch worldmodel`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from function.shared.environment import http_url, optional_file, refuse_old_names, tcp_port, token_files

OLD_NAMES = {
    "PROMETHEUS_TOKEN_FILE": "SRE_DISPATCH_PROMETHEUS_TOKEN_FILE",
    "PROMETHEUS_URL": "SRE_DISPATCH_PROMETHEUS_URL",
    "WORLDMODEL_FILE": "SRE_DISPATCH_WORLD_MODEL_FILE",
    "WORLDMODEL_GOVERNANCE_FILE": "SRE_DISPATCH_WORLD_MODEL_GOVERNANCE_FILE",
    "WORLDMODEL_READER_TOKEN_FILES": "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES",
    "WORLDMODEL_WRITER_TOKEN_FILES": "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES",
}
"""Settings as they were called up to 0.1.0, and as they are called now."""


@dataclass(frozen=True)
class WorldModelSettings:
    """Those of `sre-dispatch worldmodel`."""

    host: str
    """HOST. Address that is listened on, 127.0.0.1 where it is not set."""
    port: int
    """PORT. TCP port, 1 to 65535; FFO's 50060 where it is not set."""
    file: Path
    """SRE_DISPATCH_WORLD_MODEL_FILE. The SQLite file with the memory, made where there is none."""
    reader_token_files: tuple[Path, ...]
    """SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES. One or two files, joined by a comma, with tokens of those
    who ask."""
    writer_token_files: tuple[Path, ...]
    """SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES. The same for those who record outcomes; no model may come
    near them."""
    governance_file: Path | None
    """SRE_DISPATCH_WORLD_MODEL_GOVERNANCE_FILE. YAML with classification and scope by namespace, in place of
    the namespaces' labels. Empty: labels alone."""
    prometheus_url: str
    """SRE_DISPATCH_PROMETHEUS_URL. Prometheus, for usage and growth. Empty: none, which is a gap."""
    prometheus_token_file: Path | None
    """SRE_DISPATCH_PROMETHEUS_TOKEN_FILE. File with the token that Prometheus asks for. Empty: none is
    sent."""
    cluster: str
    """SRE_DISPATCH_CLUSTER. Name of the cluster that is read, the same as the function's."""

    @staticmethod
    def read(environment: Mapping[str, str]) -> WorldModelSettings:
        """The settings in `environment`. Raises Misconfigured, naming the variable, for what is unusable."""
        refuse_old_names(environment, OLD_NAMES)
        return WorldModelSettings(
            host=environment.get("HOST", "127.0.0.1"),
            port=tcp_port(environment.get("PORT", "50060")),
            file=Path(environment.get("SRE_DISPATCH_WORLD_MODEL_FILE", ".worldmodel.db")),
            reader_token_files=token_files(environment, "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES"),
            writer_token_files=token_files(environment, "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES"),
            governance_file=optional_file(environment, "SRE_DISPATCH_WORLD_MODEL_GOVERNANCE_FILE"),
            prometheus_url=http_url(environment, "SRE_DISPATCH_PROMETHEUS_URL"),
            prometheus_token_file=optional_file(environment, "SRE_DISPATCH_PROMETHEUS_TOKEN_FILE"),
            cluster=environment.get("SRE_DISPATCH_CLUSTER", ""),
        )
