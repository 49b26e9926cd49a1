"""Intake's pages on a real database: the court's form typed, put aside, filed; a notice's history; who read what."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from shared.contracts.codes import Answer
from shared.contracts.topics.notices import NoticeCorrected, NoticeRevoked, SuitFiled
from shared.runtime.clock import FixedClock
from shared.runtime.service import Running
from tests.service.intake_pages import client_of, tell
from tests.service.intake_process import Pool, held_up
from tests.unit.intake_words import TODAY, party, said, suit

pytestmark = pytest.mark.service

TYPED = {
    "court_code": "R2713",
    "docket": "5 C 123/26",
    "received_on": "heute",
    "filed_on": "18.11.26",
    "plaintiffs.0.family_name": "Wohnen GmbH",
    "defendants.0.family_name": "Beispiel",
    "defendants.0.given_name": "Berta",
    "defendants.0.street": "Hammer Straße",
    "defendants.0.house_number": "12",
    "defendants.0.postcode": "48153",
    "defendants.0.place": "Münster",
    "defendants.1.family_name": "Beispiel",
    "defendants.1.given_name": "Bodo",
    "monthly_rent": "612,50",
    "claimed_arrears": "1.837,50 €",
    "hearing_on": "12.1.2027",
    "hearing_time": "9:30",
    "landlord_kind": "COMPANY",
    "legal_basis": "SGB2_22_9",
    "termination_types": "EXTRAORDINARY_ARREARS",
}


async def press(
    clerk: httpx.AsyncClient, draft_id: UUID, button: str, status: int = 303, changed: Mapping[str, str] | None = None
) -> httpx.Response:
    answer = await clerk.post(f"/vordruck/{draft_id}", data={**TYPED, "do": button, **(changed or {})})
    assert answer.status_code == status, answer.text
    return answer


async def notice_of(pool: Pool, draft_id: UUID) -> SuitFiled:
    content = await pool.fetchval("select content from statements where id = $1", draft_id)
    return SuitFiled.model_validate_json(content)


async def test_the_typed_form_is_the_same_notice_as_any_other(clerk: httpx.AsyncClient, system: Running) -> None:
    draft_id = uuid4()
    answer = await press(clerk, draft_id, "file")
    notice = await notice_of(system.pool, draft_id)
    assert (notice.channel, notice.actor, notice.on_behalf_of) == ("MIZI_FORM", "frau-klar", "COURT")
    assert (notice.received_on, str(notice.filed_on), str(notice.claimed_arrears)) == (TODAY, "2026-11-18", "1837.50")
    assert notice.hearing_at is not None
    assert notice.hearing_at.isoformat() == "2027-01-12T09:30:00+01:00"
    assert notice.defendants[1].address is None
    page = (await clerk.get(answer.headers["location"])).text
    for words in ("Angenommen", "Ende der Schonfrist", "frühestens", "Dienstag, 12. Januar 2027", "1.837,50", "frau-klar"):
        assert words in page
    assert await system.pool.fetchval("select count(*) from drafts") == 0
    rank = await system.pool.fetchval("select rank from statements where id = $1", draft_id)
    _, same = await tell(system, suit(party(), filed_on=notice.filed_on))
    assert same.answer is Answer.ACCEPTED
    assert rank == await system.pool.fetchval("select rank from statements where id != $1", draft_id)
    assert await system.pool.fetchval("select count(*) from cases") == 1


async def test_filing_twice_files_once(clerk: httpx.AsyncClient, system: Running) -> None:
    draft_id = uuid4()
    for _ in range(2):
        answer = await press(clerk, draft_id, "file")
        assert answer.headers["location"].startswith(f"/mitteilungen/{draft_id}")
    assert (await clerk.get(f"/vordruck/{draft_id}")).headers["location"] == f"/mitteilungen/{draft_id}"
    assert await system.pool.fetchval("select count(*) from inbound") == 1
    assert await system.pool.fetchval("select count(*) from drafts") == 0


async def test_an_unfinished_form_waits_as_it_was_typed(clerk: httpx.AsyncClient, system: Running) -> None:
    draft_id, half = uuid4(), {"received_on": "", "monthly_rent": "sechshundert"}
    kept = await press(clerk, draft_id, "draft", changed={**half, "at": "monthly_rent"})
    assert kept.headers["location"] == f"/vordruck/{draft_id}?kept=true&at=monthly_rent"
    assert "5 C 123/26" in (await clerk.get("/")).text
    async with client_of("second", system) as colleague:
        page = (await colleague.get(f"/vordruck/{draft_id}")).text
        assert 'value="sechshundert"' in page
        assert "frau-klar" in (await colleague.get("/")).text
    again = await press(clerk, draft_id, "file", 422, half)
    assert re.findall(r'<input id="([a-z_]+)"[^>]*aria-invalid="true"', again.text) == ["received_on", "monthly_rent"]
    assert re.search(r'<input id="received_on"[^>]* autofocus>', again.text)
    assert await system.pool.fetchval("select count(*) from inbound") == 0
    await press(clerk, draft_id, "file")
    assert str(draft_id) not in await _drafts(clerk)


async def _drafts(clerk: httpx.AsyncClient) -> str:
    return (await clerk.get("/")).text.partition("Heute eingegangen")[0]


async def test_parties_come_and_go_without_javascript(clerk: httpx.AsyncClient, system: Running) -> None:
    draft_id = uuid4()
    added = await press(clerk, draft_id, "add:defendants")
    assert added.headers["location"].endswith("at=defendants.2.family_name")
    page = (await clerk.get(added.headers["location"])).text
    assert re.search(r'name="defendants.2.family_name"[^>]* autofocus>', page)
    removed = await press(clerk, draft_id, "remove:defendants.0")
    page = (await clerk.get(removed.headers["location"])).text
    assert 'value="Bodo"' in page
    assert 'value="Berta"' not in page
    await press(clerk, draft_id, "remove:defendants.99")
    assert await system.pool.fetchval("select count(*) from drafts") == 1


async def test_a_draft_goes_only_when_somebody_means_it(clerk: httpx.AsyncClient, system: Running) -> None:
    draft_id = uuid4()
    asked = await press(clerk, draft_id, "discard", 422)
    assert "wirklich gelöscht" in asked.text
    await press(clerk, draft_id, "discard", changed={"sure": "yes"})
    assert await system.pool.fetchval("select count(*) from drafts") == 0
    assert (await clerk.get(f"/vordruck/{draft_id}")).status_code == 404


async def test_a_dwelling_outside_the_city_is_pointed_out_and_forwarded(clerk: httpx.AsyncClient) -> None:
    draft_id, elsewhere = uuid4(), {"defendants.0.postcode": "50667", "defendants.0.place": "Köln"}
    kept = await press(clerk, draft_id, "draft", changed=elsewhere)
    assert "außerhalb der Stadt" in (await clerk.get(kept.headers["location"])).text
    filed = await press(clerk, draft_id, "file", changed=elsewhere)
    assert "Weitergeleitet" in (await clerk.get(filed.headers["location"])).text


async def test_a_notices_history_tells_what_came_later_and_who_read_it(clerk: httpx.AsyncClient, system: Running) -> None:
    notice_id, _ = await tell(system, suit())
    later, _ = await tell(system, said(NoticeRevoked, revokes=UUID(notice_id)))
    async with client_of("privacy", system) as privacy:
        page = (await privacy.get(f"/mitteilungen/{notice_id}")).text
    assert f"/mitteilungen/{later}" in page
    assert "Rücknahme" in page
    page = (await clerk.get(f"/mitteilungen/{notice_id}?lang=en")).text
    assert "privacy officer" in page
    assert "Eviction suit" in page
    read = await system.pool.fetch("select person_id, subject_id from reads where what = 'notice'")
    about = {UUID(notice_id), *(each for row in await system.pool.fetch("select id, household_id from cases") for each in row)}
    assert {(row["person_id"], row["subject_id"]) for row in read} == {
        (person, subject) for person in ("datenschutz", "frau-klar") for subject in about
    }


async def test_notices_are_found_by_court_file_and_id_never_by_name(clerk: httpx.AsyncClient, system: Running) -> None:
    notice_id, _ = await tell(system, suit())
    case_id = await system.pool.fetchval("select id from cases")
    for wanted in ("5C123-26", str(case_id)):
        answer = await clerk.post("/mitteilungen", data={"wanted": wanted, "court_code": "R2713"})
        assert notice_id in answer.text
    answer = await clerk.post("/mitteilungen", data={"wanted": notice_id})
    assert answer.headers["location"] == f"/mitteilungen/{notice_id}"
    assert notice_id in (await clerk.get(f"/mitteilungen?fall={case_id}")).text
    for wanted in ("Beispiel", "", "9 C 9/26", str(uuid4())):
        answer = await clerk.post("/mitteilungen", data={"wanted": wanted, "court_code": "R2713"})
        assert "keine Mitteilung" in answer.text
    assert (await clerk.get(f"/mitteilungen/{uuid4()}")).status_code == 404


async def test_the_start_page_lists_what_needs_somebody(clerk: httpx.AsyncClient, system: Running) -> None:
    await tell(system, suit())
    refused, _ = await tell(system, suit(filed_on=TODAY + timedelta(days=3)))
    await tell(system, suit(party("Muster"), party("Anders")), "selbstmeldung")
    await tell(system, suit(party("Muster")), "jobcenter")
    await system.pool.execute(
        "insert into parked (topic, digest, reason, rule, field, record_headers) "
        "values ('notices.jobcenter', '\\x00', 'failed', 'not_json', null, '{}')"
    )
    page = (await clerk.get("/")).text
    assert refused in page
    for words in ("liegt in der Zukunft", "in_the_future", "not_json", "Angenommen: <strong>3</strong>", "Jobcenter"):
        assert words in page
    assert "Nothing is to be clarified" in (await clerk.get("/?lang=en")).text
    listed = {row["id"] for row in await system.pool.fetch("select id from inbound")}
    read = {row["subject_id"] for row in await system.pool.fetch("select subject_id from reads where what = 'notices'")}
    assert read == listed
    refused_page = (await clerk.get(f"/mitteilungen/{refused}")).text
    assert "Der abgelehnte Inhalt" in refused_page


async def test_only_the_desk_gets_in(system: Running) -> None:
    async with client_of("worker", system) as worker, client_of("privacy", system) as privacy:
        for path in ("/", "/mitteilungen", "/vordruck", f"/mitteilungen/{uuid4()}"):
            assert (await worker.get(path)).status_code == 403
        assert (await privacy.get("/vordruck")).status_code == 403
        assert (await privacy.get("/")).status_code == 200


async def test_today_is_the_day_of_the_citys_clock(clerk: httpx.AsyncClient, system: Running) -> None:
    notice_id, _ = await tell(system, suit())
    refused_id, _ = await tell(system, suit(filed_on=TODAY + timedelta(days=3)))
    page = (await clerk.get("/")).text
    assert page.count(notice_id) == 2
    assert "Heute ist noch nichts eingegangen" not in page
    assert isinstance(system.clock, FixedClock)
    system.clock.set(system.clock.now() + timedelta(days=1))
    page = (await clerk.get("/")).text
    assert notice_id not in page
    assert "Heute ist noch nichts eingegangen" in page
    assert refused_id in page
    system.clock.set(system.clock.now() + timedelta(days=14))
    assert refused_id not in (await clerk.get("/")).text


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=1&" * 2000, b"defendants.0.street=%00&docket=%00&do=file", b""])
async def test_whatever_is_posted_is_answered(clerk: httpx.AsyncClient, body: bytes) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for path in (f"/vordruck/{uuid4()}", "/mitteilungen"):
        assert (await clerk.post(path, content=body, headers=kind)).status_code < 500


# correcting and taking back what the desk has filed


async def test_a_filed_form_is_corrected_as_every_notice_is(clerk: httpx.AsyncClient, system: Running) -> None:
    draft_id = uuid4()
    await press(clerk, draft_id, "file")
    again = (await clerk.post(f"/mitteilungen/{draft_id}/berichtigen")).headers["location"]
    assert (await clerk.post(f"/mitteilungen/{draft_id}/berichtigen")).headers["location"] == again
    page = (await clerk.get(again)).text
    assert str(draft_id) in page
    for typed in ('value="1837,50"', 'value="18.11.2026"', 'value="09:30"', "Berichtigung melden"):
        assert typed in page
    correction = UUID(again.removeprefix("/vordruck/"))
    await press(clerk, correction, "draft", changed={"claimed_arrears": "900"})
    filed = await press(clerk, correction, "file", changed={"claimed_arrears": "900,00"})
    assert filed.headers["location"].startswith(f"/mitteilungen/{correction}")
    row = await system.pool.fetchrow("select type, refers_to, content from statements where id = $1", correction)
    assert row is not None
    assert (row["type"], row["refers_to"]) == (NoticeCorrected.TYPE, draft_id)
    corrected = NoticeCorrected.model_validate_json(row["content"])
    assert isinstance(corrected.content, SuitFiled)
    assert (str(corrected.content.claimed_arrears), corrected.actor) == ("900.00", "frau-klar")
    assert corrected.content.defendants == (await notice_of(system.pool, draft_id)).defendants
    assert await system.pool.fetchval("select count(*) from cases") == 1
    assert await system.pool.fetchval("select state -> 'last' ->> 'arrears' from cases") == "UNDER_1000"
    assert await system.pool.fetchval("select count(*) from drafts") == 0


async def test_a_correction_begun_twice_at_once_is_one_draft(clerk: httpx.AsyncClient, system: Running) -> None:
    draft_id = uuid4()
    await press(clerk, draft_id, "file")
    async with held_up(system.pool, "drafts", "share row exclusive") as waiting:
        presses = [asyncio.create_task(clerk.post(f"/mitteilungen/{draft_id}/berichtigen")) for _ in range(2)]
        await waiting(2)
    one, other = [(await each).headers["location"] for each in presses]
    assert one == other
    assert await system.pool.fetchval("select count(*) from drafts where corrects = $1", draft_id) == 1


async def test_a_notice_the_desk_takes_back_is_blocked_at_once(clerk: httpx.AsyncClient, system: Running) -> None:
    draft_id = uuid4()
    await press(clerk, draft_id, "file")
    unsure = await clerk.post(f"/mitteilungen/{draft_id}/zuruecknehmen")
    assert "Bitte bestätigen" in (await clerk.get(unsure.headers["location"])).text
    assert await system.pool.fetchval("select status from cases") == "OPEN"
    await clerk.post(f"/mitteilungen/{draft_id}/zuruecknehmen", data={"sure": "yes"})
    assert (await clerk.post(f"/mitteilungen/{draft_id}/zuruecknehmen", data={"sure": "yes"})).status_code == 404
    assert await system.pool.fetchval("select status from cases") == "CLOSED"
    page = (await clerk.get(f"/mitteilungen/{draft_id}")).text
    assert "gesperrt" in page
    for hidden in ("Beispiel", "1.837,50", "Hammer Straße", "berichtigen"):
        assert hidden not in page
    assert (await clerk.post(f"/mitteilungen/{draft_id}/berichtigen")).status_code == 404


async def test_the_desk_changes_only_what_it_filed_itself(clerk: httpx.AsyncClient, system: Running) -> None:
    notice_id, _ = await tell(system, suit())
    assert "berichtigen" not in (await clerk.get(f"/mitteilungen/{notice_id}")).text
    for what in ("berichtigen", "zuruecknehmen"):
        assert (await clerk.post(f"/mitteilungen/{notice_id}/{what}", data={"sure": "yes"})).status_code == 404
    draft_id = uuid4()
    await press(clerk, draft_id, "file")
    async with client_of("privacy", system) as privacy:
        assert "berichtigen" not in (await privacy.get(f"/mitteilungen/{draft_id}")).text
        assert (await privacy.post(f"/mitteilungen/{draft_id}/zuruecknehmen", data={"sure": "yes"})).status_code == 403
