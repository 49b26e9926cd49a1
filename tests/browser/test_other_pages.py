"""The pages of outreach, referral and reporting in real Chromium: nothing for axe to find."""

from __future__ import annotations

import json
from uuid import uuid4

import asyncpg
import pytest
from playwright.async_api import Page

from services.outreach.app import HERE as OUTREACH
from services.outreach.routes import routes as outreach_routes
from services.referral.room import ReferralRoom
from services.referral.routes import routes as referral_routes
from services.reporting.app import HERE as REPORTING
from services.reporting.routes import routes as reporting_routes
from shared.city import load_city
from shared.contracts.codes import Need
from shared.messaging.migrate import CORE, migrate
from shared.runtime.clock import FixedClock
from shared.runtime.settings import MUENSTER
from tests.browser.site import served, sign_in, site, violations
from tests.service import test_outreach as outreach
from tests.service import test_referral as referral
from tests.service import test_reporting as reporting
from tests.unit.outreach_room import Town
from tests.unit.referral_town import MONDAY, POLICY, at

pytestmark = pytest.mark.browser

REFERRAL = referral.REFERRAL


async def test_outreach(page: Page, database: str, axe: str) -> None:
    await migrate(database, [CORE, OUTREACH / "migrations"])
    async with asyncpg.create_pool(database, min_size=1, max_size=4) as pool:
        process, town = outreach.Process(pool), Town()
        for case, household in outreach.household_with(town, 3):
            await process.hear(outreach.told(case), outreach.registered(household))
        created = await pool.fetchval("select data from journal where type = $1 limit 1", outreach.CREATED)
        assignment = json.loads(created)
        app = site(pool, process.room.city, process.clock, OUTREACH / "pages", outreach_routes, team="nord-west")
        async with served(app) as address:
            await sign_in(page, address)
            assert await page.locator("tbody tr").count() == 3
            for path in (
                "/",
                "/?lang=en",
                f"/tagesblatt/{assignment['caseworker']}/{assignment['planned_on']}",
                "/docs",
                "/nowhere",
            ):
                await page.goto(address + path)
                assert await violations(page, axe) == [], path


async def test_referral(page: Page, database: str, axe: str) -> None:
    await migrate(database, [CORE, REFERRAL / "migrations"])
    async with asyncpg.create_pool(database, min_size=1, max_size=4) as pool:
        town = referral.Letters().known()
        town.assess(Need.REHOUSING)
        room = ReferralRoom(POLICY, uuid4)
        await referral.deliver(pool, room, town.take())
        clock = FixedClock(at(MONDAY))
        async with served(site(pool, load_city(MUENSTER), clock, REFERRAL / "pages", referral_routes)) as address:
            await sign_in(page, address)
            for path in ("/", "/?lang=en"):
                await page.goto(address + path)
                assert await violations(page, axe) == [], path


async def test_reporting(page: Page, database: str, axe: str) -> None:
    await migrate(database, [CORE, REPORTING / "migrations"])
    async with asyncpg.create_pool(database, min_size=1, max_size=4) as pool:
        stories = [reporting.Story(number, closed=number < 23) for number in range(24)]
        await reporting.hear(pool, reporting.across(stories, seed=1))
        clock = FixedClock(reporting.NOW)
        async with served(site(pool, load_city(MUENSTER), clock, REPORTING / "pages", reporting_routes)) as address:
            await sign_in(page, address)
            for path in ("/?quarter=2026Q3", "/?quarter=2026Q3&lang=en"):
                await page.goto(address + path)
                assert await violations(page, axe) == [], path
