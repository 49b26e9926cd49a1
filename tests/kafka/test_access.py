"""Who may do what, cell by cell, on a Kafka that asks for names: what the table below grants works, all else is refused.

The table is written by hand, not from the catalogue, so that a wrong catalogue or a wrong reading of it is found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from deploy.cli.cluster import specs
from deploy.kafka.admin import Acl, acl, administrating, allow, delete_users, set_passwords, users, withdraw
from deploy.kafka.apply import Access, apply_access, apply_topics, passwords_in
from deploy.kafka.compare import deviations, look
from deploy.kafka.ownership import PREFIXED, own_group
from deploy.kafka.wanted import Grant, Kind, Operation, grants, principals
from deploy.local.secured import secured
from deploy.local.system import MUENSTER
from shared.city import load_city
from tests.kafka.clusters import kafka_of
from tests.kafka.probes import Cells, probe, settled_in
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(300)

CITY = load_city(MUENSTER)
SECRET = "for this run alone"
MEMBERS = {
    "partner": [each["id"] for each in json.loads((MUENSTER / "partners.json").read_text())],
    "team": [each["id"] for each in json.loads((MUENSTER / "teams.json").read_text())],
    "provider": [
        each["bleibe"]["provider_id"] for each in json.loads((MUENSTER / "providers.json").read_text())["organizations"]
    ],
}
ANYONE = "anyone"
# Topic, who writes it, who reads it. Services read back what they write, to tell whether the cluster forgot it.
TABLE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("notices.{partner}", "partner.{partner}", ("intake",)),
    ("field-reports.{team}", "team.{team}", ("outreach",)),
    ("replies.{provider}", "provider.{provider}", ("referral",)),
    ("receipts.{partner}", "intake", ("intake", "partner.{partner}")),
    ("receipts.{team}", "outreach", ("outreach", "team.{team}")),
    ("receipts.{provider}", "referral", ("referral", "provider.{provider}")),
    ("assignments.{team}", "outreach", ("outreach", "team.{team}")),
    ("offers.{provider}", "referral", ("referral", "provider.{provider}")),
    ("handovers.{provider}", "referral", ("referral", "provider.{provider}")),
    ("households", "intake", ("intake", "outreach", "referral")),
    ("cases", "intake", ("intake", "outreach", "referral", "reporting")),
    ("visits", "outreach", ("outreach", "intake", "referral", "reporting")),
    ("assessments", "outreach", ("outreach", "referral", "reporting")),
    ("referrals", "referral", ("referral", "intake", "outreach", "reporting")),
    ("outcomes", "outreach", ("outreach", "intake", "referral", "reporting", "consumer.sozialplanung")),
    ("figures", "reporting", (ANYONE,)),
)
PRINCIPALS = [
    "intake", "outreach", "referral", "reporting", "consumer.sozialplanung",
    *(f"{family}.{member}" for family, members in MEMBERS.items() for member in members),
]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A line of the table, for one topic."""

    topic: str
    writer: str
    readers: tuple[str, ...]


def rows() -> Iterator[Row]:
    for topic, writer, readers in TABLE:
        family = next((each for each in MEMBERS if f"{{{each}}}" in topic), None)
        for member in MEMBERS[family] if family else [""]:
            name = {family or "": member}
            yield Row(topic.format(**name), writer.format(**name), tuple(each.format(**name) for each in readers))


ROWS = list(rows())
TOPICS = [row.topic for row in ROWS]


def clients_of(bootstrap: str | None, user: str, password: str) -> dict[str, Any]:
    return {
        "bootstrap_servers": bootstrap,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": user,
        "sasl_plain_password": password,
    }


@dataclass(frozen=True)
class Guarded:
    """A cluster that asks for names, set up as for Münster."""

    bootstrap: str | None
    passwords: dict[str, str]

    def clients(self, user: str) -> dict[str, Any]:
        return clients_of(self.bootstrap, user, SECRET if user == "admin" else self.passwords[user])


@pytest.fixture(scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401  pytest takes an asynchronous generator
    with kafka_of("who may do what on Kafka", settings=secured(SECRET), administrator=SECRET) as local:
        made = Guarded(local.running.bootstrap, passwords_in(tmp_path_factory.mktemp("secrets") / "kafka", principals(CITY)))
        await eventually(lambda: signs_in(made.clients("admin")), within_s=30)
        small = {name: replace(spec, partitions=1) for name, spec in specs(CITY).items()}
        await apply_topics(made.clients("admin"), small)
        await apply_access(made.clients("admin"), grants(CITY), made.passwords)
        await eventually(lambda: as_wanted(made), within_s=30)
        await eventually(lambda: settled_in(made.clients("admin"), PRINCIPALS), within_s=30)
        yield made


async def signs_in(clients: dict[str, Any]) -> bool:
    """Whether the cluster lets this user in; it may still be starting."""
    try:
        async with administrating(clients):
            return True
    except Exception:  # noqa: BLE001  not there yet, in whatever way
        return False


async def as_wanted(guarded: Guarded) -> bool:
    return await deviating(guarded) == []


async def deviating(guarded: Guarded) -> list[str]:
    """What the comparison names of users and grants."""
    async with administrating(guarded.clients("admin")) as admin:
        cluster = await look(admin)
    return [each.what for each in deviations(replace(cluster, topics={}), {}, grants(CITY), principals(CITY))]


@pytest.fixture(scope="module")
async def cells(guarded: Guarded) -> dict[str, Cells]:
    """All that each principal may do."""
    return {each: await probe(guarded.clients(each), TOPICS, PRINCIPALS) for each in PRINCIPALS}


def may(row: Row, operation: str, principal: str) -> bool:
    """As the table has it."""
    writes, reads = row.writer == principal, bool({principal, ANYONE} & set(row.readers))
    return {"write": writes, "read": reads, "describe": writes or reads}.get(operation, False)


@pytest.mark.parametrize("operation", ["describe", "read", "write", "delete", "alter", "alter settings"])
async def test_on_each_topic_each_may_what_the_table_says_and_no_more(cells: dict[str, Cells], operation: str) -> None:
    wanted = {(principal, row.topic): may(row, operation, principal) for principal in PRINCIPALS for row in ROWS}
    found = {
        (principal, topic): let for principal, each in cells.items() for (what, topic), let in each.items() if what == operation
    }
    assert len(found) == len(PRINCIPALS) * len(TOPICS)
    assert {cell: found[cell] for cell in wanted if wanted[cell] is not found[cell]} == {}


async def test_each_uses_the_consumer_group_of_its_own_name_alone(cells: dict[str, Cells]) -> None:
    tried = [(principal, *cell) for principal, each in cells.items() for cell in each.items()]
    used = {(principal, group) for principal, (what, group), let_through in tried if what == "use group" and let_through}
    assert used == {(principal, principal) for principal in PRINCIPALS}


async def test_who_writes_may_be_idempotent_and_nobody_uses_transactions_or_makes_topics(
    cells: dict[str, Cells],
) -> None:
    writers = {row.writer for row in ROWS}
    assert {principal for principal, each in cells.items() if each["produce", ""]} == writers
    assert not [principal for principal, each in cells.items() if each["transact", ""] or each["create", "new"]]


async def test_the_table_names_every_topic_and_everybody_who_signs_in(guarded: Guarded) -> None:
    assert sorted(TOPICS) == sorted(specs(CITY))
    assert sorted(PRINCIPALS) == sorted(guarded.passwords)


@pytest.mark.parametrize(("user", "password"), [("intake", "wrong"), ("stranger", SECRET), ("partner.jobcenter", "")])
async def test_nobody_signs_in_by_another_name_or_password(
    guarded: Guarded, user: str, password: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KafkaConnectionError):  # aiokafka says why only in its log
        async with administrating(clients_of(guarded.bootstrap, user, password)):
            pass
    assert "SaslAuthenticationFailed" in caplog.text


async def test_what_somebody_changed_is_named_and_put_right(guarded: Guarded) -> None:
    ours = Grant("outreach", Kind.TOPIC, "cases", Operation.READ)
    stray = Grant("partner.jobcenter", Kind.TOPIC, "households", Operation.READ)
    async with administrating(guarded.clients("admin")) as admin:
        await withdraw(admin, [acl(ours)])
        await allow(admin, [acl(stray)])
    found = await eventually(lambda: both_named(guarded))
    assert found[0] == "not granted: outreach may read topic cases"
    assert found[1].startswith("granted, and not in the catalogue: User:partner.jobcenter")
    done = await apply_access(guarded.clients("admin"), grants(CITY), guarded.passwords)
    assert done == Access({acl(ours)}, {acl(stray)}, set(), set())
    await eventually(lambda: as_wanted(guarded))


async def both_named(guarded: Guarded) -> list[str] | None:
    found = await deviating(guarded)
    return found if len(found) == 2 else None


async def test_what_others_have_on_the_cluster_stays_and_who_left_the_catalogue_loses_all(guarded: Guarded) -> None:
    tenant, theirs = Grant("billing", Kind.TOPIC, "invoices", Operation.READ), "consumer.of-theirs"
    former = own_group("team.old"), Grant("team.old", Kind.TOPIC, "assignments.old", Operation.READ)
    guest = Grant("billing", Kind.TOPIC, "cases", Operation.READ)
    prefixed: Acl = (*acl(Grant("billing", Kind.TOPIC, "c", Operation.READ))[:2], PREFIXED, *acl(tenant)[3:])
    async with administrating(guarded.clients("admin")) as admin:
        await set_passwords(admin, {"team.old": SECRET, theirs: SECRET, "billing": SECRET})
        await allow(admin, [acl(tenant), prefixed, acl(guest), *map(acl, former)])
    found = await eventually(lambda: six_named(guarded))
    assert found[:2] == [f"user {each} can sign in and is not in the catalogue" for each in (theirs, "team.old")]
    assert found[5].startswith("somebody else's, and it reaches what is ours: User:billing")

    done = await apply_access(guarded.clients("admin"), grants(CITY), guarded.passwords)
    assert done == Access(set(), {acl(guest), *map(acl, former)}, {"team.old"}, {acl(tenant), prefixed})
    found = await eventually(lambda: only_theirs_named(guarded))
    assert found[0] == f"user {theirs} can sign in and is not in the catalogue"
    async with administrating(guarded.clients("admin")) as admin:
        assert await users(admin) == {"admin", "billing", theirs, *PRINCIPALS}
        await withdraw(admin, [acl(tenant), prefixed])
        await delete_users(admin, ["billing", theirs])
    await eventually(lambda: as_wanted(guarded))


async def six_named(guarded: Guarded) -> list[str] | None:
    found = await deviating(guarded)
    return found if len(found) == 6 else None


async def only_theirs_named(guarded: Guarded) -> list[str] | None:
    found = await deviating(guarded)
    return found if len(found) == 2 else None


async def test_a_user_who_cannot_sign_in_is_named(guarded: Guarded) -> None:
    async with administrating(guarded.clients("admin")) as admin:
        cluster = await look(admin)
    found = deviations(replace(cluster, topics={}), {}, grants(CITY), [*principals(CITY), "team.new"])
    assert [each.what for each in found] == ["user team.new cannot sign in"]


def test_passwords_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "kafka"
    made = passwords_in(folder, ["intake", "team.mitte"])
    assert made["intake"] != made["team.mitte"]
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert passwords_in(folder, ["intake", "team.mitte"]) == made
