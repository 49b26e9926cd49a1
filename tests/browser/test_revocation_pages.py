"""The page of revoked notices in real Chromium: two persons agree by keyboard alone; axe finds nothing."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page

from shared.runtime.service import Running
from tests.browser.site import sign_in, tab_to, violations
from tests.service.intake_pages import client_of
from tests.service.test_intake_revocation_pages import agree, erased, revoked

pytestmark = pytest.mark.browser


async def test_two_persons_agree_by_keyboard_alone_without_javascript(chromium: Browser, address: str, system: Running) -> None:
    await revoked(system)
    for person, left in (("lead", 2), ("privacy", 0)):
        async with await chromium.new_context(locale="de-DE", java_script_enabled=False) as context:
            page = await context.new_page()
            await sign_in(page, address, person)
            await page.goto(f"{address}/widerrufe")
            await page.locator("td form button").focus()
            async with page.expect_navigation():
                await page.keyboard.press("Enter")
            assert await page.locator("[role=status]").count() == 1
        assert await erased(system) == left


async def test_axe_finds_nothing(page: Page, address: str, system: Running, axe: str) -> None:
    notice_id = await revoked(system)
    await sign_in(page, address, "lead")
    paths = ("/", "/widerrufe", "/widerrufe?lang=en")
    for path in paths:
        await page.goto(address + path)
        assert await violations(page, axe) == [], path
    async with client_of("privacy", system) as privacy:
        await agree(privacy, notice_id)
    for path in (*paths, "/widerrufe?neu=second"):
        await page.goto(address + path)
        assert await violations(page, axe) == [], path
    await page.goto(f"{address}/widerrufe")
    await tab_to(page, "td form button")
    async with client_of("lead", system) as meanwhile:
        await agree(meanwhile, notice_id)
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert await page.locator("[role=alert]").count() == 1
    assert await violations(page, axe) == []
