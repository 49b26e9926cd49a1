"""The page on which two persons agree that a revoked notice is erased."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import httpx
import pytest

from shared.contracts.topics.notices import NoticeRevoked
from shared.runtime.service import Running
from tests.service.intake_pages import client_of, tell
from tests.service.intake_process import held_up
from tests.unit.intake_words import said, suit

pytestmark = pytest.mark.service

SOURCE = "urn:bleibe:partner:ag-muenster"


async def revoked(system: Running) -> str:
    """A notice that its sender has taken back."""
    notice_id, _ = await tell(system, suit())
    await tell(system, said(NoticeRevoked, revokes=UUID(notice_id)))
    return notice_id


async def agree(client: httpx.AsyncClient, notice_id: str, lang: str = "de") -> httpx.Response:
    return await client.post(f"/widerrufe?lang={lang}", data={"notice": f"{SOURCE} {notice_id}"})


async def erased(system: Running) -> int:
    """How many notices are left when intake has done its work."""
    (work,) = (each for each in system.service.jobs if each.name == "revocations")
    await system.run_job(work)
    left: int = await system.pool.fetchval("select count(*) from statements")
    return left


async def test_two_persons_words_erase_a_revoked_notice(system: Running) -> None:
    notice_id = await revoked(system)
    case_id = await system.pool.fetchval("select id from cases")
    async with client_of("lead", system) as lead, client_of("privacy", system) as privacy:
        assert "Kein Widerruf wartet" in (await lead.get("/")).text
        page = (await lead.get("/widerrufe")).text
        for words in ("Löschung verlangen", "niemandem", "Amtsgericht Münster", notice_id, str(case_id)):
            assert words in page
        assert "Beispiel" not in page
        asked = await agree(lead, notice_id)
        assert asked.headers["location"] == "/widerrufe?neu=first"
        assert "Ihr Wort ist festgehalten" in (await lead.get(asked.headers["location"])).text
        again = await agree(lead, notice_id)
        assert (again.status_code, "Es braucht eine zweite Person" in again.text) == (409, True)
        assert await erased(system) == 2
        assert "Ein Widerruf wartet auf die zweite Person" in (await privacy.get("/")).text
        page = (await privacy.get("/widerrufe")).text
        for words in ("leitung, Di., 01.12.2026, 09:00", "Löschung zustimmen"):
            assert words in page
        assert "Agree to erasure" in (await privacy.get("/widerrufe?lang=en")).text
        done = await agree(privacy, notice_id)
        assert done.headers["location"] == "/widerrufe?neu=second"
        third = await agree(lead, notice_id, "en")
        assert (third.status_code, "Two persons have agreed already" in third.text) == (409, True)
        assert await erased(system) == 0
        gone = await agree(lead, notice_id)
        assert (gone.status_code, "schon gelöscht" in gone.text) == (409, True)
        assert "Keine zurückgenommene Mitteilung" in (await lead.get("/widerrufe")).text


async def test_a_notice_that_nobody_revoked_is_not_erased(system: Running) -> None:
    notice_id, _ = await tell(system, suit())
    async with client_of("lead", system) as lead:
        for sent in (notice_id, str(uuid4())):
            assert (await agree(lead, sent)).status_code == 409
        assert (await lead.post("/widerrufe", data={"notice": "x"})).status_code == 400
    assert await system.pool.fetchval("select count(*) from revocations") == 0


async def test_one_person_who_presses_twice_at_once_is_one_person(system: Running) -> None:
    notice_id = await revoked(system)
    async with client_of("lead", system) as lead:
        async with held_up(system.pool, "revocations", "share row exclusive") as waiting:
            presses = [asyncio.create_task(agree(lead, notice_id)) for _ in range(2)]
            await waiting(2)
        assert sorted([(await each).status_code for each in presses]) == [303, 409]
    assert await system.pool.fetchval("select second from revocations") is None


async def test_who_may_agree_and_who_has_looked(system: Running) -> None:
    notice_id = await revoked(system)
    case_id = await system.pool.fetchval("select id from cases")
    async with client_of("clerk", system) as clerk, client_of("privacy", system) as privacy:
        assert (await clerk.get("/widerrufe")).status_code == 403
        assert (await agree(clerk, notice_id)).status_code == 403
        assert "/widerrufe" not in (await clerk.get("/")).text
        assert (await privacy.get("/widerrufe")).status_code == 200
    read = await system.pool.fetch("select person_id, subject_id from reads where what = 'revocations'")
    assert {tuple(row) for row in read} == {("datenschutz", UUID(notice_id)), ("datenschutz", case_id)}
