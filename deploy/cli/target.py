"""Which system a command speaks to: the one running from the data folder, or the one the environment names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from deploy.local.folder import default_folder, read_running

SERVICES = ("intake", "outreach", "referral", "reporting")


class NoSystem(RuntimeError):
    """No system runs here and none is named."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where databases, broker and pages are. `data` is None for a system that does not run from a data folder here."""

    databases: dict[str, str]
    bootstrap: str
    pages: dict[str, str]
    data: Path | None


def target() -> Target:
    """The system to speak to.

    Raises:
        NoSystem: start one, or name one by BLEIBE_BOOTSTRAP_SERVERS and BLEIBE_<SERVICE>_DSN.
    """
    running = read_running(default_folder())
    if running is not None and running.bootstrap is not None:
        return Target(running.databases, running.bootstrap, running.pages, Path(running.data))
    named = {service: os.environ.get(f"BLEIBE_{service.upper()}_DSN") for service in SERVICES}
    bootstrap = os.environ.get("BLEIBE_BOOTSTRAP_SERVERS")
    if bootstrap and all(named.values()):
        return Target({service: dsn for service, dsn in named.items() if dsn}, bootstrap, {}, None)
    raise NoSystem(
        f"No system runs from {default_folder()}. Start one with `bleibe up`, or name one by BLEIBE_BOOTSTRAP_SERVERS "
        "and BLEIBE_INTAKE_DSN, BLEIBE_OUTREACH_DSN, BLEIBE_REFERRAL_DSN, BLEIBE_REPORTING_DSN."
    )
