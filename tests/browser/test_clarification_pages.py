"""The pages of clarifications and cases in real Chromium: decided, undone, split by keyboard alone; axe finds nothing."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.async_api import Browser, Page

from services.intake.clarifying import Clarifying
from shared.runtime.service import Running
from tests.browser.site import sign_in, tab_to, violations
from tests.service.intake_pages import tell
from tests.service.test_intake_clarification_pages import doubt, hear, open_cases, ref
from tests.unit.intake_words import days, hearing_set, party, stranger

pytestmark = pytest.mark.browser


async def press(page: Page, selector: str) -> None:
    """Go there by Tab and press Enter."""
    await tab_to(page, selector)
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def test_merged_and_undone_by_keyboard_alone_without_javascript(chromium: Browser, address: str, system: Running) -> None:
    question, one, other = await doubt(system)
    async with await chromium.new_context(locale="de-DE", java_script_enabled=False) as context:
        page = await context.new_page()
        await page.goto(address)
        await page.locator("#token:focus").wait_for()
        await page.keyboard.type("clerk")
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        await page.goto(f"{address}/klaerungen/{question}?wahl=dieselben")
        await _yes(page)
        assert page.url == f"{address}/faelle/{one}?neu=merged"
        await page.locator("button", has_text="Rückgängig").press("Enter")
        await page.wait_for_url(f"**/faelle/{one}?zurueck={other}")
        await _yes(page)
        assert page.url.endswith("?neu=split")
    assert len(await open_cases(system)) == 2


async def _yes(page: Page) -> None:
    """The cursor stands before the question; its answer is the next thing."""
    await page.locator(".confirm:focus").wait_for()
    await page.keyboard.press("Tab")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def test_from_the_start_page_to_an_answer_by_keyboard(page: Page, address: str, system: Running) -> None:
    question, one, other = await doubt(system)
    await sign_in(page, address, "lead")
    await press(page, "main a[href='/klaerungen']")
    await press(page, f"a[href='/klaerungen/{question}']")
    await press(page, "button[value=verschiedene]")
    await page.locator(".confirm:focus").wait_for()
    assert "nie wieder gefragt" in await page.inner_text(".confirm")
    await press(page, ".confirm a")
    assert await open_cases(system) == {one, other}
    await press(page, "button[value=verschiedene]")
    await _yes(page)
    assert "Verschiedene" in await page.inner_text("[role=status]")


async def test_split_by_keyboard(page: Page, address: str, system: Running) -> None:
    _, case_id = await hear(system, party(), n=1, received_on=days(-2).date())
    await hear(system, party(), n=2)
    await tell(system, hearing_set(days(20), proceeding=ref(2)))
    await sign_in(page, f"{address}/faelle/{case_id}", "clerk")
    await tab_to(page, "#tick-2")
    await page.keyboard.press("Space")
    await press(page, "form[action$=trennen] button")
    await _yes(page)
    assert "alle Mitteilungen dieses Aktenzeichens" in await page.inner_text("[role=alert]")
    assert await page.locator("#tick-2").is_checked()
    await tab_to(page, "#tick-3")
    await page.keyboard.press("Space")
    await press(page, "form[action$=trennen] button")
    await _yes(page)
    assert "neue Fall" in await page.inner_text("[role=status]")
    assert len(await open_cases(system)) == 2


async def test_axe_finds_nothing(page: Page, address: str, system: Running, axe: str) -> None:
    _, alike = await hear(system, party("Muster", "Bertha", stranger(5).address), n=7)
    await hear(system, party("Mustehr", "Bertha", stranger(5).address), n=8)
    question, one, other = await doubt(system)
    _, third = await hear(system, stranger(1), n=3)
    await sign_in(page, f"{address}/faelle/{third}", "clerk")
    await page.fill("#wanted", "1 C 1/26")
    await press(page, "form[action$=zusammenfuehren] button")
    assert "Ja, zusammenführen" in await page.inner_text(".confirm")
    assert await violations(page, axe) == []
    paths = (
        "/",
        "/klaerungen",
        "/klaerungen?lang=en",
        f"/klaerungen/{question}",
        f"/klaerungen/{question}?wahl=dieselben",
        f"/klaerungen/{question}?wahl=verschiedene&lang=en",
        f"/faelle/{alike}",
    )
    for path in paths:
        await page.goto(address + path)
        assert await violations(page, axe) == [], path
    into = await Clarifying.of(system).decide(question, {one, other}, same=True, by="herr-recht")
    assert isinstance(into, UUID)
    for path in (
        f"/klaerungen/{question}",
        f"/faelle/{other if into == one else one}",
        f"/faelle/{into}?zurueck={other if into == one else one}",
        f"/faelle/{into}?lang=en",
    ):
        await page.goto(address + path)
        assert await violations(page, axe) == [], path
    await press(page, "form[action*=trennen] button")
    assert await page.locator("[role=alert]").count() == 1
    assert await violations(page, axe) == []
    await page.set_viewport_size({"width": 360, "height": 800})
    for path in (f"/klaerungen/{question}", f"/faelle/{into}", "/klaerungen"):
        await page.goto(address + path)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert await violations(page, axe) == [], path
