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


def compose(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file with its variables as in this environment, and only the services of its profiles."""
    values = environment or {}
    text = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: values.get(found[1], found[2]), FILE.read_text())
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
    lines = [line for line in THREE_NODES.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)
