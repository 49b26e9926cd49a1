"""The pages on which people say which cases are one: read, decided, undone, split; what a colleague did meanwhile; who read."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.intake import clarifying
from services.intake.app import HERE
from services.intake.clarifying import Clarifying
from services.intake.likeness.weights import shares
from shared.contracts.topics.notices import NoticeRevoked, Party, ProceedingRef
from shared.contracts.topics.parts import GivenAddress
from shared.runtime.service import Running
from shared.runtime.texts import Texts
from tests.service.intake_pages import client_of, tell
from tests.unit.intake_words import days, hearing_set, party, said, stranger, suit

pytestmark = pytest.mark.service

SLIP = GivenAddress(street="Hamer Straße", house_number="12", postcode="48153", place="Münster")
LIKELY = party("Beyspil", "B.", SLIP)
COURT = "urn:bleibe:partner:ag-muenster"


def ref(n: int) -> ProceedingRef:
    return ProceedingRef(court_code="R2713", docket=f"{n} C 1/26")


async def hear(system: Running, *people: Party, n: int, **more: Any) -> tuple[str, UUID]:  # noqa: ANN401  fields of a notice
    """A suit: its id and its case."""
    notice_id, _ = await tell(system, suit(*people, proceeding=ref(n), **more))
    case_id: UUID = await system.pool.fetchval("select case_id from statements where id = $1", UUID(notice_id))
    return notice_id, case_id


async def doubt(system: Running) -> tuple[UUID, UUID, UUID]:
    """A question and its two cases, the one heard of first at first."""
    _, one = await hear(system, party(), n=1, received_on=days(-2).date())
    _, other = await hear(system, LIKELY, n=2)
    question: UUID = await system.pool.fetchval("select id from clarifications where $1 in (one, other)", one)
    return question, one, other


async def answer(client: httpx.AsyncClient, question: UUID, choice: str, *seen: UUID) -> httpx.Response:
    one, other = seen
    return await client.post(f"/klaerungen/{question}", data={"wahl": choice, "one": str(one), "other": str(other)})


async def open_cases(system: Running) -> set[UUID]:
    return {row["id"] for row in await system.pool.fetch("select id from cases where status = 'OPEN'")}


async def seen(client: httpx.AsyncClient, path: str) -> list[str]:
    """The notices that a page has shown, as it sends them with what is decided on it."""
    return list(dict.fromkeys(re.findall(r'name="seen" value="([^"]+)"', (await client.get(path)).text)))


async def homes(system: Running, *cases: UUID) -> set[UUID]:
    rows = await system.pool.fetch("select household_id from cases where id = any($1::uuid[])", list(cases))
    return {row["household_id"] for row in rows}


async def test_the_queue_is_linked_from_the_start_page_with_its_number_oldest_first(
    clerk: httpx.AsyncClient, system: Running
) -> None:
    assert "Nichts ist zu klären" in (await clerk.get("/")).text
    assert "Nichts ist zu klären" in (await clerk.get("/klaerungen")).text
    question, one, other = await doubt(system)
    assert "Eine Klärung ist offen" in (await clerk.get("/")).text
    for n in range(4):
        await hear(system, stranger(n), n=10 + n)
        await hear(system, stranger(n).model_copy(update={"given_name": "Zz"}), n=20 + n)
    await system.pool.execute("update clarifications set asked_on = asked_on - 9 where id = $1", question)
    page = (await clerk.get("/klaerungen")).text
    listed = re.findall(r'href="/klaerungen/([0-9a-f-]{36})"', page)
    assert len(listed) == len(set(listed)) == 5
    assert listed[0] == str(question)
    for words in ("1 C 1/26", "2 C 1/26", "wahrscheinlich", "Klage eingereicht", f"/faelle/{one}", f"/faelle/{other}"):
        assert words in page
    assert "5 clarifications are open" in (await clerk.get("/?lang=en")).text


async def test_a_long_queue_is_paged_oldest_first_and_whole(
    clerk: httpx.AsyncClient, system: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clarifying, "PAGE", 2)
    for n in range(5):
        await hear(system, stranger(n), n=10 + n)
        await hear(system, stranger(n).model_copy(update={"given_name": "Zz"}), n=20 + n)
    rows = await system.pool.fetch("select id from clarifications order by id")
    await system.pool.execute("update clarifications set asked_on = asked_on - 9 where id = any($1::uuid[])", [rows[4]["id"]])
    path, listed = "/klaerungen", []
    for _ in range(3):
        page = (await clerk.get(path)).text
        listed += re.findall(r'href="/klaerungen/([0-9a-f-]{36})"', page)
        path = next(iter(re.findall(r'href="(/klaerungen\?seit=[^"]+)"', page)), "").replace("&amp;", "&")
    assert listed == [str(each["id"]) for each in (rows[4], *rows[:4])]
    assert path == ""


async def test_both_households_and_the_reasons_are_shown_in_words(clerk: httpx.AsyncClient, system: Running) -> None:
    question, one, other = await doubt(system)
    page = (await clerk.get(f"/klaerungen/{question}")).text
    for words in ("Berta Beispiel", "B. Beyspil", "Hammer Straße 12", "Hamer Straße 12", "Amtsgericht Münster", "1 C 1/26"):
        assert words in page
    for words in ("Hausnummer gleich", "Familienname klingt gleich", "spricht dafür", "Räumungsklage"):
        assert words in page
    due = await system.pool.fetchval("select state -> 'last' -> 'deadlines' -> 0 ->> 'rule' from cases where id = $1", one)
    assert Texts(HERE / "pages" / "texts.json")(f"rule.{due}") in page
    english = (await clerk.get(f"/klaerungen/{question}?lang=en")).text
    for words in ("House number the same", "speaks for it", "Eviction suit", "The same household?"):
        assert words in english
    read = await system.pool.fetch("select person_id, subject_id from reads where what = 'clarification'")
    notices = {row["id"] for row in await system.pool.fetch("select id from statements")}
    assert {row["subject_id"] for row in read} == {one, other} | notices | await homes(system, one, other)
    assert {row["person_id"] for row in read} == {"frau-klar"}


async def test_same_asks_first_then_merges_and_leads_to_the_one_case(clerk: httpx.AsyncClient, system: Running) -> None:
    question, one, other = await doubt(system)
    sure = (await clerk.get(f"/klaerungen/{question}?wahl=dieselben")).text
    assert "weil er zuerst bekannt war" in sure
    assert "Ja, zusammenführen" in sure
    assert await open_cases(system) == {one, other}
    done = await answer(clerk, question, "dieselben", one, other)
    assert done.headers["location"] == f"/faelle/{one}?neu=merged"
    assert await open_cases(system) == {one}
    page = (await clerk.get(done.headers["location"])).text
    assert "Die Fälle sind zusammengeführt" in page
    decided = (await clerk.get(f"/klaerungen/{question}")).text
    assert "Entschieden von Ihnen" in decided
    assert 'name="wahl"' not in decided


async def test_different_keeps_apart_and_says_who_said_so(clerk: httpx.AsyncClient, system: Running) -> None:
    question, one, other = await doubt(system)
    assert "nie wieder gefragt" in (await clerk.get(f"/klaerungen/{question}?wahl=verschiedene")).text
    async with client_of("lead", system) as lead:
        done = await answer(lead, question, "verschiedene", one, other)
    assert done.headers["location"] == f"/klaerungen/{question}?neu=true"
    assert await open_cases(system) == {one, other}
    page = (await clerk.get(f"/klaerungen/{question}")).text
    assert "Entschieden von leitung" in page
    assert "Nichts ist zu klären" in (await clerk.get("/klaerungen")).text
    late = await answer(clerk, question, "dieselben", one, other)
    assert late.status_code == 409
    for words in ("Inzwischen hat schon jemand entschieden", "sprechen Sie miteinander", "leitung"):
        assert words in late.text
    assert await open_cases(system) == {one, other}


async def test_what_was_merged_meanwhile_is_looked_at_again(clerk: httpx.AsyncClient, system: Running) -> None:
    question, one, other = await doubt(system)
    _, third = await hear(system, stranger(1), n=3, received_on=days(-9).date())
    await Clarifying.of(system).merge(third, other, by="herr-recht")
    late = await answer(clerk, question, "dieselben", one, other)
    assert late.status_code == 409
    assert "mit einem anderen zusammengeführt" in late.text
    assert str(third) in late.text
    assert await open_cases(system) == {one, third}
    assert (await answer(clerk, question, "dieselben", *sorted((one, third)))).status_code == 303
    assert await open_cases(system) == {third}


async def test_a_case_shows_who_sent_what_for_whom_and_what_became_of_it(clerk: httpx.AsyncClient, system: Running) -> None:
    await hear(system, party("Beispiel", "Bertha"), n=1)
    _, case_id = await hear(system, party("Beispiehl", "Bertha"), n=2, on_behalf_of="COURT", actor="frau-amt")
    gone, _ = await tell(system, hearing_set(days(20), proceeding=ref(2)))
    await tell(system, said(NoticeRevoked, revokes=UUID(gone)))
    page = (await clerk.get(f"/faelle/{case_id}")).text
    for words in ("Amtsgericht Münster", "im Auftrag: Gericht", "erfasst von frau-amt", "zählt als: Wort des Gerichts"):
        assert words in page
    for words in ("wegen Ähnlichkeit zugeordnet", "Vorname gleich", "zurückgenommen, zählt nicht mehr", "zur Mitteilung vom"):
        assert words in page
    history = (await clerk.get(f"/mitteilungen/{gone}")).text
    assert f'href="/faelle/{case_id}"' in history
    assert "Fall</td>" in history
    assert f'href="/faelle/{case_id}"' in (await clerk.get(f"/mitteilungen?fall={case_id}")).text
    read = {row["subject_id"] for row in await system.pool.fetch("select subject_id from reads where what = 'case'")}
    notices = {row["id"] for row in await system.pool.fetch("select id from statements")}
    assert read == {case_id} | notices | await homes(system, case_id)
    assert (await clerk.get(f"/faelle/{uuid4()}")).status_code == 404


async def test_a_merge_by_hand_by_id_and_by_court_file(clerk: httpx.AsyncClient, system: Running) -> None:
    cases = [(await hear(system, stranger(n), n=n, received_on=days(n - 9).date()))[1] for n in range(1, 4)]
    first, second, third = cases
    for wanted in (str(second), "2C1-26"):
        shown = await clerk.post(f"/faelle/{first}/zusammenfuehren", data={"wanted": wanted, "court_code": "R2713"})
        assert shown.status_code == 200
        for words in (stranger(1).family_name, stranger(2).family_name, "Ja, zusammenführen", "Fall 1 bleibt"):
            assert words in shown.text
    assert await open_cases(system) == set(cases)
    done = await clerk.post(f"/faelle/{second}/zusammenfuehren", data={"other": str(first)})
    assert done.headers["location"] == f"/faelle/{first}?neu=merged"
    for wanted, words in (
        (str(second), "derselbe Fall"),
        (str(first), "derselbe Fall"),
        ("99 C 9/26", "gibt es keinen Fall"),
        (str(uuid4()), "gibt es keinen Fall"),
        ("Beispiel", "gibt es keinen Fall"),
    ):
        refused = await clerk.post(f"/faelle/{first}/zusammenfuehren", data={"wanted": wanted, "court_code": "R2713"})
        assert (refused.status_code, words in refused.text) == (409, True), wanted
    late = await clerk.post(f"/faelle/{third}/zusammenfuehren", data={"other": str(second)})
    assert late.status_code == 409
    assert await open_cases(system) == {first, third}


async def test_an_alias_leads_to_its_case_and_says_so(clerk: httpx.AsyncClient, system: Running) -> None:
    _, one, other = await doubt(system)
    await Clarifying.of(system).merge(one, other, by="herr-recht")
    led = await clerk.get(f"/faelle/{other}?lang=en")
    assert led.headers["location"] == f"/faelle/{one}?war={other}&lang=en"
    page = (await clerk.get(led.headers["location"])).text
    assert "the case that had it was merged" in page
    assert str(other) in page
    assert "This id leads" not in (await clerk.get(f"/faelle/{one}?war={uuid4()}&lang=en")).text
    shown = await seen(clerk, f"/faelle/{one}")
    for path, data in (("trennen", {"notice": shown[0], "sure": "yes"}), ("rueckgaengig", {"absorbed": str(other)})):
        late = await clerk.post(f"/faelle/{other}/{path}", data={**data, "seen": shown})
        assert late.status_code == 409
        assert "mit einem anderen zusammengeführt" in late.text
    assert await open_cases(system) == {one}


async def test_a_merge_is_undone_from_its_case(clerk: httpx.AsyncClient, system: Running) -> None:
    _, one, other = await doubt(system)
    await Clarifying.of(system).merge(one, other, by="herr-recht")
    page = (await clerk.get(f"/faelle/{one}")).text
    for words in ("herr-recht", f'name="zurueck" value="{other}"', "kam mit dem Fall"):
        assert words in page
    sure = (await clerk.get(f"/faelle/{one}?zurueck={other}")).text
    assert "Ja, rückgängig machen" in sure
    assert "neue Kennung" in sure
    assert await open_cases(system) == {one}
    undoing = {"absorbed": str(other), "seen": await seen(clerk, f"/faelle/{one}?zurueck={other}")}
    done = await clerk.post(f"/faelle/{one}/rueckgaengig", data=undoing)
    (new,) = await open_cases(system) - {one}
    assert done.headers["location"] == f"/faelle/{new}?neu=split"
    assert f"/faelle/{one}" in (await clerk.get(f"/faelle/{new}")).text
    after = (await clerk.get(f"/faelle/{one}")).text
    assert f"/faelle/{new}" in after
    assert 'name="zurueck"' not in after
    led = await clerk.get(f"/faelle/{other}")
    assert led.headers["location"] == f"/faelle/{new}?war={other}"
    assert "der sie trug, ist zusammengeführt" in (await clerk.get(led.headers["location"])).text
    for shown, words in (
        (undoing["seen"], "nicht mehr, was Sie gesehen haben"),
        (undoing["seen"][:1], "nichts mehr in diesem Fall"),
    ):
        again = await clerk.post(f"/faelle/{one}/rueckgaengig", data={"absorbed": str(other), "seen": shown})
        assert (again.status_code, words in again.text) == (409, True), words


async def test_what_arrives_while_somebody_decides_is_looked_at_first(clerk: httpx.AsyncClient, system: Running) -> None:
    _, one, other = await doubt(system)
    await Clarifying.of(system).merge(one, other, by="herr-recht")
    undoing = {"absorbed": str(other), "seen": await seen(clerk, f"/faelle/{one}?zurueck={other}")}
    splitting = {"notice": undoing["seen"][1:], "seen": undoing["seen"], "sure": "yes"}
    hearing, _ = await tell(system, hearing_set(days(20), proceeding=ref(2)))
    for path, data in (("rueckgaengig", undoing), ("trennen", splitting)):
        late = await clerk.post(f"/faelle/{one}/{path}", data=data)
        assert (late.status_code, "nicht mehr, was Sie gesehen haben" in late.text, hearing in late.text) == (409, True, True)
        assert "no longer what you saw" in (await clerk.post(f"/faelle/{one}/{path}?lang=en", data=data)).text
    assert await open_cases(system) == {one}
    undoing["seen"] = await seen(clerk, f"/faelle/{one}?zurueck={other}")
    assert (await clerk.post(f"/faelle/{one}/rueckgaengig", data=undoing)).status_code == 303
    new = await system.pool.fetchval("select case_id from statements where id = $1", UUID(hearing))
    assert await open_cases(system) == {one, new}


async def test_a_merge_within_a_merge_can_be_undone_by_itself(clerk: httpx.AsyncClient, system: Running) -> None:
    cases = [(await hear(system, stranger(n), n=n, received_on=days(n - 9).date()))[1] for n in range(1, 4)]
    people = Clarifying.of(system)
    await people.merge(cases[1], cases[2], by="frau-klar")
    await people.merge(cases[0], cases[1], by="frau-klar")
    page = (await clerk.get(f"/faelle/{cases[0]}")).text
    assert set(re.findall(r'name="zurueck" value="([0-9a-f-]+)"', page)) == {str(cases[1]), str(cases[2])}
    shown = await seen(clerk, f"/faelle/{cases[0]}?zurueck={cases[2]}")
    await clerk.post(f"/faelle/{cases[0]}/rueckgaengig", data={"absorbed": str(cases[2]), "seen": shown})
    assert len(await open_cases(system)) == 2


async def test_notices_are_split_off_by_ticking_them(clerk: httpx.AsyncClient, system: Running) -> None:
    mine, case_id = await hear(system, party(), n=1)
    both, again = await hear(system, party(), n=2)
    heard, _ = await tell(system, hearing_set(days(20), proceeding=ref(2)))
    assert again == case_id
    page = (await clerk.get(f"/faelle/{case_id}")).text
    assert page.count('name="notice"') == 3
    shown = await seen(clerk, f"/faelle/{case_id}")
    for ticked, words in (
        ([], "Keine Mitteilung ist angekreuzt"),
        ([both], "alle Mitteilungen dieses Aktenzeichens"),
        ([mine, both, heard], "mindestens eine Mitteilung hier"),
        ([str(uuid4())], "gehört nicht mehr zu diesem Fall"),
        (["x"], "gehört nicht mehr zu diesem Fall"),
    ):
        refused = await clerk.post(
            f"/faelle/{case_id}/trennen",
            data={"notice": [f"{COURT} {each}" for each in ticked], "seen": shown, "sure": "yes"},
        )
        assert (refused.status_code, words in refused.text) == (409, True), words
        assert refused.text.count(" checked>") == sum(each in {mine, both, heard} for each in ticked)
    chosen = {"notice": [f"{COURT} {both}", f"{COURT} {heard}"], "seen": shown}
    sure = await clerk.post(f"/faelle/{case_id}/trennen", data=chosen)
    assert "Ja, abtrennen" in sure.text
    assert await open_cases(system) == {case_id}
    done = await clerk.post(f"/faelle/{case_id}/trennen", data={**chosen, "sure": "yes"})
    (new,) = await open_cases(system) - {case_id}
    assert done.headers["location"] == f"/faelle/{new}?neu=split"
    rows = await system.pool.fetch("select id from statements where case_id = $1", new)
    assert {str(row["id"]) for row in rows} == {both, heard}


async def test_who_may_read_and_who_may_decide(system: Running) -> None:
    question, one, other = await doubt(system)
    pages = ("/klaerungen", f"/klaerungen/{question}", f"/klaerungen/{question}?wahl=dieselben", f"/faelle/{one}")
    posts = (f"/klaerungen/{question}", *(f"/faelle/{one}/{each}" for each in ("trennen", "rueckgaengig", "zusammenfuehren")))
    async with client_of("privacy", system) as privacy, client_of("worker", system) as worker, client_of("lead", system) as lead:
        for path in pages:
            page = await privacy.get(path)
            assert page.status_code == 200
            assert not re.search(r'<form[^>]*action="/(klaerungen|faelle)', page.text)
            assert (await worker.get(path)).status_code == 403
            assert (await lead.get(path)).status_code == 200
        for path in posts:
            data = {"wahl": "dieselben", "one": str(one), "other": str(other), "absorbed": str(other)}
            assert (await privacy.post(path, data=data)).status_code == 403
            assert (await worker.post(path, data=data)).status_code == 403
        assert await open_cases(system) == {one, other}
        assert (await answer(lead, question, "dieselben", one, other)).status_code == 303


@pytest.mark.parametrize("sent", [b"\xff\xfe", b"a=1&" * 2000, b"notice=x&other=%00&wanted=%00&wahl=same&sure=yes", b""])
async def test_whatever_is_posted_is_answered(clerk: httpx.AsyncClient, system: Running, sent: bytes) -> None:
    question, one, other = await doubt(system)
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for what in (
        f"/klaerungen/{question}",
        *(f"/faelle/{one}/{each}" for each in ("trennen", "rueckgaengig", "zusammenfuehren")),
    ):
        assert (await clerk.post(what, content=sent, headers=kind)).status_code < 500
    assert (await clerk.get(f"/klaerungen/{uuid4()}")).status_code == 404
    assert (await answer(clerk, uuid4(), "dieselben", one, other)).status_code == 404
    assert await open_cases(system) == {one, other}


async def test_without_a_record_nothing_is_read(clerk: httpx.AsyncClient, system: Running) -> None:
    question, one, _ = await doubt(system)
    await system.pool.execute("alter table reads rename to reads_away")
    for path in ("/", "/klaerungen", f"/klaerungen/{question}", f"/faelle/{one}"):
        with pytest.raises(asyncpg.UndefinedTableError):
            await clerk.get(path)


def test_every_agreement_and_every_refusal_has_its_words() -> None:
    texts = Texts(HERE / "pages" / "texts.json")
    for field, levels in shares("m").items():
        assert texts(f"feature.{field}")
        assert len({texts(f"feature.{field}.{level}") for level in levels}) == len(levels)
    assert clarifying.Clarifying.__doc__ is not None
    rules = set(re.findall(r"`([a-z_]+)`", clarifying.Clarifying.__doc__)) - {"unknown_question"}
    assert len(rules) == 10
    for rule in rules:
        assert texts(f"refused.{rule}") != texts(f"refused.{rule}.next")
