"""Merged and split cases on a real database: aliases found before locking and after, by two processes, in as many statements."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest

from services.referral.app import build
from services.referral.casefile import CaseFile
from services.referral.jobs import Watch
from services.referral.room import ReferralRoom
from shared.city import load_city
from shared.contracts.catalogue import ASSESSMENTS, CASES, HANDOVERS, OFFERS
from shared.contracts.codes import Need
from shared.contracts.topics.cases import CaseErased, Replaced
from shared.contracts.topics.handovers import HandoverMade
from shared.contracts.topics.offers import OfferMade
from shared.contracts.topics.replies import OfferAccepted
from shared.messaging.journal import Entry, append
from shared.messaging.model import Heard, Said
from shared.runtime.clock import FixedClock
from shared.runtime.metrics import Metrics, Name
from shared.runtime.service import Context
from shared.runtime.settings import MUENSTER
from tests.service.test_referral import DEBTS, REFERRAL, Letters, Pool, deliver, pool, referral_id, room, statements_of  # noqa: F401  fixtures
from tests.unit.referral_story import NEW_ANNA, case, consent, merged, split, talk, withdrawn
from tests.unit.referral_town import ANNA, BEN, MONDAY, Town, at

pytestmark = pytest.mark.service


def three(n: int) -> tuple[UUID, UUID, UUID]:
    """The surviving case, the absorbed one and the one split off, of a household of its own."""
    return Town.case_id(10 * n), Town.case_id(10 * n + 1), Town.case_id(10 * n + 2)


def known(town: Letters, case_id: UUID, n: int, *needs: Need) -> None:
    town.hear(CASES.name, case_id, case(case_id))
    town.hear(ASSESSMENTS.name, case_id, consent(case_id, n, ANNA))
    town.hear(ASSESSMENTS.name, case_id, talk(case_id, n, *needs))


async def files(pool: Pool) -> dict[UUID, CaseFile]:  # noqa: F811  a fixture's value
    rows = await pool.fetch("select state from case_files")
    return {file.case_id: file for file in (CaseFile.model_validate_json(row["state"]) for row in rows)}


async def test_a_merge_on_one_side_and_what_names_the_absorbed_case_on_the_other(pool: Pool, room: ReferralRoom) -> None:  # noqa: F811  fixtures
    """An answer, a consent and a second merge meet the first merge: whoever comes second finds the alias."""
    town = Letters()
    town.household()
    await deliver(pool, room, town.take())
    for n in range(12):
        survivor, absorbed, third = three(n)
        known(town, absorbed, 1000 + 10 * n, DEBTS)
        offered = await deliver(pool, room, town.take())
        [provider] = [each.topic.removeprefix(f"{OFFERS.name}.") for each in offered if isinstance(each.data, OfferMade)]
        town.hear(CASES.name, absorbed, merged(absorbed, survivor))
        town.hear(CASES.name, survivor, case(survivor, absorbed=(absorbed, third)))
        first = town.take()
        town.reply(provider, OfferAccepted, referral_id(offered))
        town.hear(ASSESSMENTS.name, absorbed, consent(absorbed, 1001 + 10 * n, BEN))
        town.hear(CASES.name, third, merged(third, absorbed))
        second = town.take()
        said = await asyncio.gather(_until_done(pool, room, first), _until_done(pool, room, second))
        handed = [each.data for side in said for each in side if isinstance(each.data, HandoverMade)]
        assert {person.person_id for person in handed[-1].persons} == {ANNA, BEN}, n
        kept = await files(pool)
        assert (kept[absorbed].merged_into, kept[third].merged_into) == (survivor, absorbed)
        assert kept[survivor].ready
        assert await pool.fetchval("select case_id from referrals where referral_id = $1", referral_id(offered)) == survivor
        town.hear(CASES.name, survivor, CaseErased(case_id=survivor, household_id=Town.household_id()))
        town.hear(CASES.name, absorbed, CaseErased(case_id=absorbed, household_id=Town.household_id()))
        said_last = await deliver(pool, room, town.take())
        assert [each.topic for each in said_last] == [HANDOVERS.of(provider)]
    assert await pool.fetchval("select count(*) from referrals") == 0


async def _until_done(pool: Pool, room: ReferralRoom, heard: Sequence[Heard]) -> list[Said]:  # noqa: F811  as deliver's
    """As the pipeline: a transaction that met another is tried again."""
    for _ in range(20):
        try:
            return await deliver(pool, room, heard)
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
            continue
    raise AssertionError("met somebody twenty times")


async def test_a_batch_of_moves_takes_the_same_statements_for_one_pair_and_for_twenty(pool: Pool, room: ReferralRoom) -> None:  # noqa: F811  fixtures
    town = Letters()
    counts = []
    async with pool.acquire() as connection:
        for pairs in (range(1), range(1, 2), range(2, 22)):
            for n in pairs:
                survivor, absorbed, new = three(n)
                known(town, absorbed, 1000 + n, DEBTS)
                town.hear(CASES.name, absorbed, merged(absorbed, survivor))
                names = (Replaced(was=ANNA, now=NEW_ANNA),)
                town.hear(CASES.name, new, split(new, survivor, absorbed, persons=(NEW_ANNA,), replaced=names))
                town.hear(CASES.name, survivor, case(survivor, absorbed=(absorbed,), split_off=(new,)))
            counts.append(await statements_of(connection, room, town.take()))
        town.known(500, household=False)
        town.assess(DEBTS, n=500)
        counts.append(await statements_of(connection, room, town.take()))
    assert counts[1] == counts[2] == counts[3], "the first one also learns the database's types"
    kept = await files(pool)
    for n in range(22):
        survivor, absorbed, new = three(n)
        assert kept[absorbed].merged_into == new
        assert kept[new].ready
        assert [each.person_id for each in kept[new].consents] == [NEW_ANNA]


async def test_a_consent_withdrawn_under_one_key_counts_on_the_other_side_of_a_split(pool: Pool, room: ReferralRoom) -> None:  # noqa: F811  fixtures
    survivor, absorbed, new = three(0)
    town = Letters()
    known(town, absorbed, 1000, DEBTS)
    town.hear(CASES.name, absorbed, merged(absorbed, survivor))
    town.hear(CASES.name, survivor, case(survivor, absorbed=(absorbed,)))
    town.hear(CASES.name, new, split(new, survivor, absorbed, persons=(ANNA,)))
    await deliver(pool, room, town.take())
    assert await pool.fetchval("select case_id from referrals where held") == new
    town.hear(ASSESSMENTS.name, survivor, withdrawn(survivor, 1000, ANNA))
    await deliver(pool, room, town.take())
    assert await pool.fetchval("select state from referrals") == "RECALLED"


async def test_the_job_times_out_what_came_with_a_merge(pool: Pool, room: ReferralRoom) -> None:  # noqa: F811  fixtures
    survivor, absorbed, _ = three(0)
    town = Letters()
    known(town, absorbed, 1000, DEBTS)
    town.hear(CASES.name, absorbed, merged(absorbed, survivor))
    await deliver(pool, room, town.take())
    async with pool.acquire() as connection, connection.transaction():
        told = await room.time_out(connection, at(date(2026, 11, 26)))
    assert OFFERS.of("debts2") not in {each.topic for each in told}, "nobody is asked before the other key has come"
    town.hear(CASES.name, survivor, case(survivor, absorbed=(absorbed,)))
    said = await deliver(pool, room, town.take(), MONDAY)
    assert OFFERS.of("debts2") in {each.topic for each in said}


async def test_a_handover_that_named_who_left_is_forgotten_once_it_went_out_without_them(pool: Pool, room: ReferralRoom) -> None:  # noqa: F811  fixtures
    survivor, _, new = three(0)
    town = Letters()
    town.household()
    town.hear(CASES.name, survivor, case(survivor, persons=(ANNA, BEN)))
    town.hear(ASSESSMENTS.name, survivor, talk(survivor, 1, Need.ARREARS_ASSUMPTION))
    town.hear(CASES.name, new, split(new, survivor, persons=(NEW_ANNA,), replaced=(Replaced(was=BEN, now=NEW_ANNA),)))
    town.hear(CASES.name, survivor, case(survivor, persons=(ANNA,), split_off=(new,)))
    said = await deliver(pool, room, town.take())
    of = load_city(MUENSTER)
    context = Context(cast("Any", None), of, FixedClock(at(MONDAY)), Metrics(()))
    (job,) = [each for each in build(context).jobs if each.name == "replaced"]
    async with pool.acquire() as connection, connection.transaction():
        handed = [
            replace(each, topic=HANDOVERS.of(of.providers[0].id)) for each in said if each.topic == HANDOVERS.of("jobcenter")
        ]
        await append(connection, [Entry(each, None, None) for each in handed], at(MONDAY))
        await connection.execute("delete from outbox")
        await job.run(connection, at(MONDAY))
    left = [row["data"] for row in await pool.fetch("select data from journal order by n")]
    assert [str(BEN) in each for each in left] == [False, False, False]
    assert [str(ANNA) in each for each in left] == [False, False, True]


async def test_what_is_said_of_a_case_meanwhile_does_not_park_it(pool: Pool, room: ReferralRoom) -> None:  # noqa: F811  fixtures
    survivor, absorbed, _ = three(0)
    town = Letters()
    known(town, absorbed, 1000, DEBTS)
    for topic, key, event in (
        (CASES.name, survivor, case(survivor, absorbed=(absorbed,))),
        (ASSESSMENTS.name, survivor, consent(survivor, 1001, ANNA)),
        (CASES.name, absorbed, merged(absorbed, survivor)),
    ):
        town.hear(topic, key, event)
        await deliver(pool, room, town.take())
    (file,) = [each for each in (await files(pool)).values() if each.merged_into is None]
    assert len(file.consents) == 2


async def test_a_case_that_waits_for_its_other_half_is_counted_until_it_came(pool: Pool, room: ReferralRoom) -> None:  # noqa: F811  fixtures
    survivor, absorbed, _ = three(0)
    metrics, town = Metrics(()), Letters()
    known(town, absorbed, 1000, DEBTS)
    known(town, survivor, 1001)
    backfill = (REFERRAL / "migrations" / "0003_waits.sql").read_text().split(";")[1]
    for event, key, waiting in (
        (case(survivor, absorbed=(absorbed,)), survivor, 1),
        (merged(absorbed, survivor), absorbed, 0),
    ):
        town.hear(CASES.name, key, event)
        await deliver(pool, room, town.take())
        async with pool.acquire() as connection, connection.transaction():
            await Watch(metrics).run(connection, at(MONDAY))
            assert metrics.registry.get_sample_value(Name.WAITING_MOVES) == waiting
            await connection.execute("update case_files set waits = false")
            await connection.execute(backfill)
            await Watch(metrics).run(connection, at(MONDAY))
            assert metrics.registry.get_sample_value(Name.WAITING_MOVES) == waiting, "a database of before"
