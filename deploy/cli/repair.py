"""`bleibe republish` and `bleibe rebuild`: what brings lost messages and read models back."""

from __future__ import annotations

from typing import Literal

from deploy.cli.databases import database
from deploy.cli.output import fail, run
from deploy.cli.target import target
from services.reporting.rebuild import rebuild as rebuild_reporting
from shared.messaging import journal


def republish(service: Literal["intake", "outreach", "referral", "reporting"]) -> None:
    """Send all that a service ever wrote once more, in order. Readers pass over what they know, and gaps close.

    Example: bleibe republish intake
    """
    run(_republish(service))


async def _republish(service: str) -> None:
    async with database(target(), service) as connection, connection.transaction():
        count = await journal.republish(connection)
    print(f"{service}: {count} events queued")


def rebuild(service: Literal["reporting"]) -> None:
    """Build reporting's read model anew from its log, beside the live one, compare, and put it in its place.

    Example: bleibe rebuild reporting
    """
    report = run(rebuild_reporting(target().databases[service]))
    print(report)
    if not report.equal:
        fail("The rebuilt read model differs from the live one; it was swapped in, the log is the truth.")
