"""docker-compose.yml as Compose reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
THREE_NODES = ROOT / "deploy" / "compose" / "three-nodes.env"
SCALED = ROOT / "deploy" / "compose" / "scaled.env"


def compose(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file with its variables as in this environment, and only the services of its profiles."""
    values = environment or {}

    def value(found: re.Match[str]) -> str:
        given, default = values.get(found["name"]), found["default"]
        return default if given is None or (found["empty_too"] and not given) else given

    text = re.sub(r"\$\{(?P<name>\w+)(?P<empty_too>:?)-(?P<default>[^}]*)\}", value, FILE.read_text())
    whole: dict[str, Any] = yaml.safe_load(text)
    wanted = {"", *values.get("COMPOSE_PROFILES", "").split(",")}
    whole["services"] = {
        name: service | {"environment": {key: str(value) for key, value in service.get("environment", {}).items()}}
        for name, service in whole["services"].items()
        if wanted & set(service.get("profiles", [""]))
    }
    return whole


def three_nodes() -> dict[str, str]:
    """The environment that makes one Kafka node three."""
    return _variables(THREE_NODES)


def scaled() -> dict[str, str]:
    """The environment in which a service may have several processes."""
    return _variables(SCALED)


def _variables(file: Path) -> dict[str, str]:
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
