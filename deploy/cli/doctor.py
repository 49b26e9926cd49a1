"""`bleibe doctor`: does every part of the system answer, and if not, what to do."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from dataclasses import dataclass

from asyncpg import UndefinedTableError

from deploy.cli.cluster import specs
from deploy.cli.databases import database
from deploy.cli.flow import behind, unsent
from deploy.cli.output import run, table
from deploy.cli.target import SERVICES, Target, target, target_city
from deploy.kafka.admin import administrating
from deploy.kafka.compare import Deviation, deviations, look
from deploy.kafka.wanted import grants, principals


@dataclass(frozen=True, slots=True)
class Finding:
    """One part, whether it is well, and what to do if not."""

    part: str
    well: bool
    word: str


def doctor() -> None:
    """Look at databases, broker, topics, services and the flow between them.

    Example: bleibe doctor
    """
    findings = run(_look(target()))
    table(("", "part", "finding"), [("ok" if finding.well else "NOT OK", finding.part, finding.word) for finding in findings])
    if not all(finding.well for finding in findings):
        raise SystemExit(1)


async def _look(system: Target) -> list[Finding]:
    findings = [await _database(system, service) for service in SERVICES]
    findings += await _broker(system)
    findings += [
        await asyncio.to_thread(_service, service, system.pages[service]) for service in SERVICES if service in system.pages
    ]
    if all(finding.well for finding in findings):
        findings += await _flow(system)
    return findings


async def _database(system: Target, service: str) -> Finding:
    try:
        async with database(system, service) as connection:
            count = await connection.fetchval("select count(*) from migrations")
    except UndefinedTableError:
        return Finding(f"database {service}", well=False, word=f"no tables yet: {service} makes them when it first starts")
    except Exception as error:  # noqa: BLE001  whatever keeps it from answering is the finding
        return Finding(
            f"database {service}", well=False, word=f"{type(error).__name__}: is PostgreSQL running, is the address right?"
        )
    return Finding(f"database {service}", well=True, word=f"{count} migrations applied")


async def _broker(system: Target) -> list[Finding]:
    """The cluster held against the catalogue, each deviation a finding."""
    city = target_city()
    try:
        async with asyncio.timeout(30), administrating(system.clients) as admin:
            cluster = await look(admin, embedded=system.embedded)
    except Exception as error:  # noqa: BLE001  whatever keeps it from answering is the finding
        word = f"{type(error).__name__}: is it running at {system.bootstrap}, may we sign in and ask?"
        return [Finding("broker", well=False, word=word)]
    found = deviations(cluster, specs(city), grants(city), principals(city))
    if cluster.grants is None and system.security:
        found.append(Deviation("the cluster grants everything to everybody", "set authorizer.class.name on its brokers"))
    named = "" if cluster.grants is None else f", {len(cluster.grants)} grants to {len(cluster.users or ())} users"
    whole = Finding("broker", well=True, word=f"{len(cluster.topics)} topics{named}")
    return [Finding("broker", well=False, word=f"{each.what}: {each.advice}") for each in found] or [whole]


def _service(service: str, address: str) -> Finding:
    try:
        with urllib.request.urlopen(f"{address}/health/ready", timeout=5) as answer:  # noqa: S310  our own address
            return Finding(service, well=True, word=str(json.load(answer)))
    except urllib.error.HTTPError as error:
        return Finding(service, well=False, word=f"not ready: {error.read().decode(errors='replace')}")
    except OSError as error:
        return Finding(service, well=False, word=f"{type(error).__name__}: its log is under logs/ in the data folder")


async def _flow(system: Target) -> list[Finding]:
    findings = []
    for service, count in (await unsent(system)).items():
        findings.append(Finding(f"outbox {service}", well=count == 0, word=f"{count} events to send" if count else "empty"))
    for service in SERVICES:
        async with database(system, service) as connection:
            count = await connection.fetchval("select count(*) from parked")
        word = f"{count} parked; see `bleibe parked list {service}`" if count else "nothing parked"
        findings.append(Finding(f"parked {service}", well=not count, word=word))
    pairs, late = await behind(system)
    word = (
        f"{len(late)} of {pairs} readers behind, first: {late[0].reader} on {late[0].topic}" if late else f"{pairs} readers level"
    )
    return [*findings, Finding("flow", well=not late, word=word)]
