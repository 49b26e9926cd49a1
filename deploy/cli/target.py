"""Which system a command speaks to: the one running from the data folder, or the one the environment names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deploy.local.folder import default_folder, read_running
from shared.city import City, load_city
from shared.runtime.settings import MUENSTER, KafkaSettings
from shared.runtime.transport import require_verified

SERVICES = ("intake", "outreach", "referral", "reporting")


class NoSystem(RuntimeError):
    """No system runs here and none is named."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where databases, broker and pages are. `data` is None for a system that does not run from a data folder here.

    `security` is how to sign in to Kafka, in aiokafka's words; `embedded`: the broker is not Kafka but stands in for it.
    """

    databases: dict[str, str]
    bootstrap: str
    pages: dict[str, str]
    data: Path | None
    security: Mapping[str, Any] = field(default_factory=dict)
    embedded: bool = False

    @property
    def clients(self) -> dict[str, Any]:
        """Connection settings of every Kafka client."""
        return {"bootstrap_servers": self.bootstrap, **self.security}


def target() -> Target:
    """The system to speak to.

    Raises:
        NoSystem: start one, or name one by BLEIBE_BOOTSTRAP_SERVERS and BLEIBE_<SERVICE>_DSN.
    """
    running = read_running(default_folder())
    if running is not None and running.bootstrap is not None:
        return Target(running.databases, running.bootstrap, running.pages, Path(running.data), embedded=not running.kafka_nodes)
    named = {service: os.environ.get(f"BLEIBE_{service.upper()}_DSN") for service in SERVICES}
    if os.environ.get("BLEIBE_BOOTSTRAP_SERVERS") and all(named.values()):
        kafka = named_kafka()
        databases = {service: dsn for service, dsn in named.items() if dsn}
        for dsn in databases.values():
            require_verified(dsn, kafka.privately())
        return Target(databases, kafka.bootstrap_servers, {}, None, kafka.kafka_security())
    raise NoSystem(
        f"No system runs from {default_folder()}. Start one with `bleibe up`, or name one by BLEIBE_BOOTSTRAP_SERVERS "
        "and BLEIBE_INTAKE_DSN, BLEIBE_OUTREACH_DSN, BLEIBE_REFERRAL_DSN, BLEIBE_REPORTING_DSN."
    )


def target_city() -> City:
    """The city that the environment names (BLEIBE_CITY, a folder), as the services read it; Münster if it names none.

    Raises:
        CityDataError: a file of that folder is missing or wrong.
    """
    return load_city(Path(os.environ.get("BLEIBE_CITY", MUENSTER)))


def named_kafka() -> KafkaSettings:
    """The Kafka that the environment names, and how to sign in there, as a service would read it.

    Raises:
        NoSystem: none is named, or not as it must be; the message names the variables.
    """
    try:
        return KafkaSettings()
    except ValidationError as error:
        wrong = error.errors(include_input=False)[0]
        variable = f"BLEIBE_{str(wrong['loc'][0]).upper()}: " if wrong["loc"] else ""
        raise NoSystem(variable + wrong["msg"].removeprefix("Value error, ")) from None
