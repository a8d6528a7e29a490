"""Reads settings from environment variables. Each error names the variable and its valid values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from function.shared.auth import MAX_FILES
from function.shared.errors import Misconfigured
from function.shared.resource import is_name

MAX_DNS_LABEL = 63


def refuse_old_names(environment: Mapping[str, str], new_names: Mapping[str, str]) -> None:
    """Raises Misconfigured if a setting has its old name. If the old name were ignored, the operator would
    think that the setting is active. `new_names` maps old names to new names."""
    for old, new in new_names.items():
        if old in environment:
            raise Misconfigured(f"{old} is now {new}: use that")


def token_files(environment: Mapping[str, str], name: str) -> tuple[Path, ...]:
    files = tuple(Path(file) for file in comma_separated(environment.get(name, "")))
    if not 1 <= len(files) <= MAX_FILES:
        raise Misconfigured(f"{name} has to name one or two files with accepted tokens, separated by a comma")
    return files


def optional_file(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(environment[name]) if environment.get(name) else None


def choice(environment: Mapping[str, str], name: str, *choices: str) -> str:
    """Returns the value of the setting. The default is the first choice."""
    value = environment.get(name, choices[0])
    if value not in choices:
        raise Misconfigured(f"{name} has to be {' or '.join(choices)}")
    return value


def tcp_port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < int(value[:6]) < 65536):
        raise Misconfigured("PORT has to be a number from 1 to 65535")
    return int(value)


def number(environment: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    try:
        value = float(environment.get(name, default))
    except ValueError:
        value = -1.0
    if not least <= value <= most:
        raise Misconfigured(f"{name} has to be a number from {least:g} to {most:g}")
    return value


def namespace_name(environment: Mapping[str, str], name: str, default: str) -> str:
    value = environment.get(name, default)
    if not is_name(value):
        raise Misconfigured(f"{name} has to be the name of a namespace (RFC 1123)")
    return value


def http_url(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if value and not is_url(value):
        raise Misconfigured(f"{name} has to be an http or https URL with a host")
    return value.rstrip("/")


def is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        named = all(0 < len(label) <= MAX_DNS_LABEL for label in (parts.hostname or "").split("."))
        return parts.scheme in ("http", "https") and named and parts.port != 0 and value.isprintable()
    except ValueError:  # an invalid port or IPv6 address
        return False


def comma_separated(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]
