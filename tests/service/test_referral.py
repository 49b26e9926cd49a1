"""Referral on a real database: what a batch leaves behind, and what two processes make of one household and one free place."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias, cast
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel

from services.referral import store
from services.referral.app import policy_of
from services.referral.jobs import UndertakingAlarm
from services.referral.room import ReferralRoom
from services.referral.routes import routes
from services.referral.routing import Directory, Wanted
from services.referral.settling import Policy
from shared.calendar import NRW
from shared.city import load_city
from shared.contracts.catalogue import HANDOVERS, HOUSEHOLDS, OFFERS
from shared.contracts.codes import Benefit, Need, ReferralState
from shared.contracts.topics.handovers import HandoverMade
from shared.contracts.topics.offers import OfferMade
from shared.contracts.topics.replies import OfferAccepted, OfferRejected
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Heard, Rejected, Said
from shared.runtime.clock import FixedClock
from shared.runtime.metrics import Metrics
from shared.runtime.pages import Pages
from shared.runtime.persons import Person, Role
from shared.runtime.problems import Problems
from shared.runtime.settings import MUENSTER
from tests.unit.referral_town import MONDAY, POLICY, SERVICES, Town, at

pytestmark = pytest.mark.service

REFERRAL = Path(store.__file__).parent
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
DEBTS, ARREARS = Need.DEBT_COUNSELLING, Need.ARREARS_ASSUMPTION


class Letters(Town):
    """The town's events as messages, not yet delivered."""

    def __init__(self) -> None:
        super().__init__()
        self.box: list[Heard] = []

    def hear(self, topic: str, key: UUID, data: BaseModel | None) -> Sequence[Said]:
        self.box.append(self.message(topic, key, data))
        return ()

    def take(self) -> list[Heard]:
        taken, self.box = self.box, []
        return taken

    def known(self, n: int = 0, *, household: bool = True) -> Letters:
        self.case(n)
        if household:
            self.household(n)
        self.consent(n=n)
        return self


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    await migrate(database, [CORE, REFERRAL / "migrations"])
    pool = await asyncpg.create_pool(database, min_size=4, max_size=8)
    yield pool
    await pool.close()


@pytest.fixture
def room() -> ReferralRoom:
    return ReferralRoom(POLICY, uuid4)


def with_policy(policy: Policy) -> ReferralRoom:
    return ReferralRoom(policy, uuid4)


async def deliver(pool: Pool, room: ReferralRoom, heard: Sequence[Heard], today: date = MONDAY) -> list[Said]:
    said: list[Said] = []
    async with pool.acquire() as connection, connection.transaction():
        batch = await room.load(connection, heard, at(today))
        for each in heard:
            said += room.decide(batch, each).said
        await room.save(connection, batch)
    return said


async def statements_of(connection: Any, room: ReferralRoom, heard: Sequence[Heard]) -> int:  # noqa: ANN401  a pool's connection
    seen: list[object] = []
    async with connection.transaction():
        with connection.query_logger(seen.append):
            batch = await room.load(connection, heard, at(MONDAY))
            for each in heard:
                room.decide(batch, each)
            await room.save(connection, batch)
    return len(seen)


def referral_id(said: Sequence[Said]) -> UUID:
    [offer] = [each.data for each in said if isinstance(each.data, OfferMade)]
    return offer.referral_id


async def test_the_thin_path_over_many_batches(pool: Pool, room: ReferralRoom) -> None:
    town = Letters().known()
    town.assess(DEBTS)
    offered = await deliver(pool, room, town.take())
    town.reply("debts1", OfferAccepted, referral_id(offered))
    accepted = await deliver(pool, room, town.take())
    assert [each.topic for each in accepted] == ["referrals", HANDOVERS.of("debts1")]
    row = await pool.fetchrow("select state, provider, held from referrals")
    assert row is not None
    assert tuple(row) == ("ACCEPTED", "debts1", True)


async def test_case_and_reply_on_one_side_and_the_household_on_the_other_hand_over_exactly_once(
    pool: Pool, room: ReferralRoom
) -> None:
    town = Letters()
    for n in range(16):
        town.known(n, household=False)
        town.assess(ARREARS, n=n)
        first = town.take()
        if n % 2:
            town.household(n, version=0)
            await deliver(pool, room, town.take())
        town.household(n)
        second = town.take()
        said = await asyncio.gather(deliver(pool, room, first), deliver(pool, room, second))
        handed = [each for side in said for each in side if isinstance(each.data, HandoverMade)]
        assert len(handed) == 1, n


async def test_two_processes_never_give_one_free_place_twice(pool: Pool) -> None:
    services = tuple(replace(each, capacity=1) for each in SERVICES)
    room = with_policy(replace(POLICY, directory=Directory(services)))
    town = Letters()
    batches = []
    for n in range(8):
        town.known(n)
        town.assess(DEBTS, n=n)
        batches.append(town.take())
    said = await asyncio.gather(*(deliver(pool, room, each) for each in batches))
    offers = Counter(each.topic for side in said for each in side if isinstance(each.data, OfferMade))
    assert offers == {OFFERS.of(f"debts{k}"): 1 for k in range(1, 6)}
    assert await pool.fetchval("select count(*) from referrals where state = 'ESCALATED'") == 3


async def test_a_batch_takes_the_same_statements_for_one_case_and_for_forty(pool: Pool, room: ReferralRoom) -> None:
    town = Letters()
    counts = []
    async with pool.acquire() as connection:
        for cases in (range(1), range(1, 2), range(2, 42)):
            for n in cases:
                town.known(n)
                town.assess(ARREARS, n=n)
            counts.append(await statements_of(connection, room, town.take()))
    assert counts[1] == counts[2] <= 12, "the first one also learns the database's types"


async def test_the_job_times_out_what_is_due_and_nothing_twice(pool: Pool, room: ReferralRoom) -> None:
    town = Letters().known()
    town.assess(DEBTS)
    offered = await deliver(pool, room, town.take())
    async with pool.acquire() as connection, connection.transaction():
        assert not await room.time_out(connection, at(date(2026, 11, 25)))
        said = await room.time_out(connection, at(date(2026, 11, 26)))
        assert OFFERS.of("debts2") in {each.topic for each in said}
        assert not await room.time_out(connection, at(date(2026, 11, 26)))
    town.reply("debts1", OfferAccepted, referral_id(offered))
    with pytest.raises(Rejected, match="too_late"):
        await deliver(pool, room, town.take(), date(2026, 11, 26))


async def test_erasing_leaves_the_bare_id_of_the_case_and_of_the_household(pool: Pool, room: ReferralRoom) -> None:
    town = Letters().known()
    town.assess(DEBTS)
    await deliver(pool, room, town.take())
    town.erase()
    town.hear(HOUSEHOLDS.name, town.household_id(), None)
    await deliver(pool, room, town.take())
    assert await pool.fetchval("select count(*) from referrals") == 0
    assert await pool.fetchval("select count(*) from households where record is not null") == 0
    row = await pool.fetchrow("select household_id, state from case_files")
    assert row is not None
    assert row["household_id"] is None
    assert "Muster" not in row["state"]
    town.assess(DEBTS)
    assert not await deliver(pool, room, town.take())


async def test_an_undertaking_that_is_missing_close_to_the_schonfrist_is_found(pool: Pool, room: ReferralRoom) -> None:
    town = Letters().known()
    town.assess(ARREARS)
    await deliver(pool, room, town.take())
    alarm = UndertakingAlarm(5, NRW, Metrics(()))
    async with pool.acquire() as connection:
        assert not await store.missing_undertakings(connection, None, MONDAY, date(2027, 1, 22))
        expected = [(town.case_id(), date(2027, 1, 25))]
        assert await store.missing_undertakings(connection, None, MONDAY, date(2027, 1, 25)) == expected
        assert not await alarm.run(connection, at(date(2027, 1, 18)))


def test_every_need_finds_a_service_in_muenster() -> None:
    directory = policy_of(load_city(MUENSTER)).directory
    for need, benefit in product(Need, Benefit):
        assert any(each.meets(Wanted(need, "NORD", (), benefit)) for each in directory.services), (need, benefit)


class _Asks:
    """A browser of one person."""

    def __init__(self, pool: Pool, *roles: Role, team: str | None = None) -> None:
        city = load_city(MUENSTER)
        pages = Pages(REFERRAL / "pages")
        system = SimpleNamespace(pool=pool, city=city, clock=FixedClock(at(MONDAY)), pages=pages)
        app = FastAPI()
        Problems(pages).install(app)
        app.include_router(routes(cast(Any, system)))

        @app.middleware("http")
        async def sign_in(request: Request, call_next: Any) -> Any:  # noqa: ANN401  as Starlette types it
            request.state.person = Person("p1", frozenset(roles), team=team)
            return await call_next(request)

        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://referral")


async def test_the_list_tells_codes_alone_and_the_team_leads_page_is_recorded(pool: Pool, room: ReferralRoom) -> None:
    town = Letters().known()
    town.assess(DEBTS, ARREARS, Need.REHOUSING)
    said = await deliver(pool, room, town.take())
    [offer] = [each.data for each in said if isinstance(each.data, OfferMade) and each.topic == OFFERS.of("debts1")]
    town.reply("debts1", OfferRejected, offer.referral_id, reason="NO_CAPACITY")
    await deliver(pool, room, town.take())
    worker, lead = _Asks(pool, Role.CASEWORKER).client, _Asks(pool, Role.TEAM_LEAD).client
    rows = (await worker.get("/referrals")).json()
    assert Counter(each["state"] for each in rows) == {ReferralState.OFFERED: 2, ReferralState.ESCALATED: 1}
    assert all("need" not in each for each in rows)
    assert (await worker.get("/")).status_code == 403
    assert (await _Asks(pool, Role.PARTNER).client.get("/referrals")).status_code == 403
    page = await lead.get("/")
    assert "Wohnungsvermittlung" in page.text
    assert str(town.case_id()) in page.text
    assert "Rehousing" in (await lead.get("/?lang=en")).text
    assert await pool.fetchval("select count(*) from reads where what = 'escalated' and subject_id = $1", town.case_id()) == 2
    assert (
        await pool.fetchval("select count(*) from reads where what = 'open_referrals' and subject_id = $1", town.case_id()) == 1
    )


async def test_a_team_sees_its_own_districts_alone(pool: Pool, room: ReferralRoom) -> None:
    town = Letters().known()
    town.assess(DEBTS, ARREARS)
    await deliver(pool, room, town.take())
    district = await pool.fetchval("select state -> 'facts' ->> 'district' from case_files")
    city = load_city(MUENSTER)
    seen = {
        team.id: len((await _Asks(pool, Role.CASEWORKER, team=team.id).client.get("/referrals")).json()) for team in city.teams
    }
    assert seen == {team.id: 2 if district in team.districts else 0 for team in city.teams}
    assert (await _Asks(pool, Role.TEAM_LEAD, team="of another city").client.get("/referrals")).json() == []
