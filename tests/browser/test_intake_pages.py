"""Intake's pages in real Chromium: the form filled and filed by keyboard alone, and nothing for axe to find."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from playwright.async_api import Page, Request

from shared.contracts.topics.notices import NoticeRevoked
from shared.runtime.service import Running
from tests.browser.site import sign_in, tab_to, violations
from tests.service.intake_pages import tell
from tests.unit.intake_words import TODAY, party, said, suit

pytestmark = pytest.mark.browser


async def test_the_form_is_filled_and_filed_by_keyboard_alone(page: Page, address: str, system: Running) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    await sign_in(page, address, "clerk")
    await tab_to(page, "a.button")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/vordruck")
    await page.locator("#docket:focus").wait_for()
    await page.keyboard.type("5 C 123/26")
    await _fill(page, "received_on", "heute")
    await _fill(page, "filed_on", "31.2.2026")
    await page.keyboard.press("Tab")
    assert "kein Datum" in await page.inner_text("#filed_on-wrong")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("181126")
    assert await page.inner_text("#filed_on-wrong") == ""
    await _fill(page, "plaintiffs-0-family_name", "Wohnen GmbH")
    await _fill(page, "defendants-0-given_name", "Berta")
    await _fill(page, "defendants-0-street", "Hammer Straße")
    await _fill(page, "defendants-0-house_number", "12")
    await _fill(page, "defendants-0-postcode", "48153")
    await _fill(page, "defendants-0-place", "Münster")
    async with page.expect_navigation():
        await tab_to(page, "[value='add:defendants']")
        await page.keyboard.press("Enter")
    await page.locator("#defendants-1-family_name:focus").wait_for()
    await page.keyboard.type("Beispiel")
    await _fill(page, "monthly_rent", "612,50")
    await _fill(page, "claimed_arrears", "1.837,50")
    await tab_to(page, "#termination-EXTRAORDINARY_ARREARS")
    await page.keyboard.press("Space")
    await _file(page)
    await page.locator("#defendants-0-family_name:focus").wait_for()
    assert "ausfüllen" in await page.inner_text("[role=alert]")
    assert await page.get_attribute(":focus", "aria-describedby") == "defendants-0-family_name-wrong"
    await page.keyboard.type("Beispiel")
    await _file(page)
    assert "Angenommen" in await page.inner_text("[role=status]")
    assert "Ende der Schonfrist" in await page.inner_text("main")
    content = await system.pool.fetchval("select content from statements")
    assert '"monthly_rent":"612.50"' in content.replace(" ", "")
    assert {url.startswith(address) for url in asked} == {True}


async def test_enter_saves_a_draft_and_the_cursor_stays(page: Page, address: str) -> None:
    await sign_in(page, f"{address}/vordruck", "clerk")
    await _fill(page, "filed_on", "18.11.2026")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    await page.locator("#filed_on:focus").wait_for()
    assert "gespeichert" in await page.inner_text("[role=status]")


async def test_the_first_tab_leads_past_the_menu(page: Page, address: str) -> None:
    await sign_in(page, address, "clerk")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"


async def test_axe_finds_nothing(page: Page, address: str, system: Running, axe: str) -> None:
    notice_id, _ = await tell(system, suit(hearing_at="2027-01-12T09:30:00+01:00", monthly_rent="700", claimed_arrears="600"))
    await tell(system, said(NoticeRevoked, revokes=UUID(notice_id)))
    kept_id, _ = await tell(system, suit())
    refused_id, _ = await tell(system, suit(filed_on=TODAY + timedelta(days=3)))
    case_id = await system.pool.fetchval("select id from cases limit 1")
    await page.goto(f"{address}/login")
    assert await violations(page, axe) == []
    await sign_in(page, f"{address}/vordruck", "clerk")
    assert await violations(page, axe) == []
    await page.fill("#filed_on", "morgen")
    await _file(page)
    assert await page.locator("[aria-invalid=true]").count() >= 4
    assert await violations(page, axe) == []
    filed_id, _ = await tell(system, suit(party("Muster"), proceeding=None), system.city.desk)
    await page.goto(f"{address}/mitteilungen/{filed_id}?unsicher=true")
    assert await page.locator("#sure[aria-invalid=true]").count() == 1
    assert await violations(page, axe) == []
    async with page.expect_navigation():
        await page.click("form[action$=berichtigen] button")
    assert filed_id in await page.inner_text("main")
    assert await violations(page, axe) == []
    histories = [f"/mitteilungen/{each}" for each in (notice_id, kept_id, refused_id)]
    for path in ("/", "/?lang=en", "/vordruck?lang=en", "/mitteilungen", f"/mitteilungen?fall={case_id}", *histories):
        await page.goto(address + path)
        assert await violations(page, axe) == [], path


async def test_axe_bites(page: Page, axe: str) -> None:
    await page.set_content('<html lang="de"><title>x</title><main><h1>x</h1><input name="nameless"></main></html>')
    assert any(each.startswith("label:") for each in await violations(page, axe))


async def _fill(page: Page, field: str, text: str) -> None:
    await tab_to(page, f"#{field}")
    await page.keyboard.type(text)


async def _file(page: Page) -> None:
    async with page.expect_navigation():
        await tab_to(page, "[value='file']")
        await page.keyboard.press("Enter")
