"""The settings of the world model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from function.shared.environment import http_url, optional_file, refuse_old_names, tcp_port, token_files

DEFAULT_FILE = ".worldmodel.db"
OLD_NAMES = {
    "PROMETHEUS_TOKEN_FILE": "SRE_DISPATCH_PROMETHEUS_TOKEN_FILE",
    "PROMETHEUS_URL": "SRE_DISPATCH_PROMETHEUS_URL",
    "WORLDMODEL_FILE": "SRE_DISPATCH_WORLD_MODEL_FILE",
    "WORLDMODEL_GOVERNANCE_FILE": "SRE_DISPATCH_WORLD_MODEL_GOVERNANCE_FILE",
    "WORLDMODEL_READER_TOKEN_FILES": "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES",
    "WORLDMODEL_WRITER_TOKEN_FILES": "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES",
}
"""The names of settings in earlier versions, and the present names."""


@dataclass(frozen=True)
class WorldModelSettings:
    """The settings. README.md in this folder lists their variables too."""

    host: str
    """HOST. The address to listen on. The default is 127.0.0.1."""
    port: int
    """PORT. The TCP port, 1 to 65535. The default is 50060, as in FFO."""
    file: Path
    """SRE_DISPATCH_WORLD_MODEL_FILE. The SQLite file of the memory. If the file does not exist, it is
    created."""
    reader_token_files: tuple[Path, ...]
    """SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES. One or two files, separated by a comma, with the tokens of
    readers."""
    writer_token_files: tuple[Path, ...]
    """SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES. One or two files with the tokens of writers, who record
    outcomes. Never give a model access to these files."""
    governance_file: Path | None
    """SRE_DISPATCH_WORLD_MODEL_GOVERNANCE_FILE. A YAML file with classification and scope of namespaces. It
    overrides the labels of a namespace. If it is empty, only the labels count."""
    prometheus_url: str
    """SRE_DISPATCH_PROMETHEUS_URL. The URL of Prometheus, for usage and growth. If it is empty, every context
    has a gap."""
    prometheus_token_file: Path | None
    """SRE_DISPATCH_PROMETHEUS_TOKEN_FILE. The file with the token for Prometheus. If it is empty, no token is
    sent."""
    cluster: str
    """SRE_DISPATCH_CLUSTER. The name of the cluster that is read. It has to equal the function's setting."""

    @staticmethod
    def read(environment: Mapping[str, str]) -> WorldModelSettings:
        """Reads the settings. Raises Misconfigured for an unusable value. The message names the variable."""
        refuse_old_names(environment, OLD_NAMES)
        return WorldModelSettings(
            host=environment.get("HOST", "127.0.0.1"),
            port=tcp_port(environment.get("PORT", "50060")),
            file=Path(environment.get("SRE_DISPATCH_WORLD_MODEL_FILE", DEFAULT_FILE)),
            reader_token_files=token_files(environment, "SRE_DISPATCH_WORLD_MODEL_READER_TOKEN_FILES"),
            writer_token_files=token_files(environment, "SRE_DISPATCH_WORLD_MODEL_WRITER_TOKEN_FILES"),
            governance_file=optional_file(environment, "SRE_DISPATCH_WORLD_MODEL_GOVERNANCE_FILE"),
            prometheus_url=http_url(environment, "SRE_DISPATCH_PROMETHEUS_URL"),
            prometheus_token_file=optional_file(environment, "SRE_DISPATCH_PROMETHEUS_TOKEN_FILE"),
            cluster=environment.get("SRE_DISPATCH_CLUSTER", ""),
        )
