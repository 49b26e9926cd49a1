"""Real Chromium and axe-core; where one of them is missing, what was not checked is said by name."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.async_api import Browser, Page, async_playwright

from shared.runtime.service import Running
from tests.browser.site import served
from tests.npm import installed
from tests.service.intake_pages import app_of, pages_of_intake

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGS = [
    "--no-sandbox",  # the tests may run as root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _not_checked(why: str) -> NoReturn:
    pytest.skip(f"NOT CHECKED: the pages in a real browser, because {why}")


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core; installed once, kept for later runs."""
    if not shutil.which("npm"):
        _not_checked("npm, which brings axe-core, is not on this machine")
    modules = installed(Path(__file__).parent / "axe" / "package.json")
    if modules is None:
        _not_checked("npm could not install axe-core here")
    return (modules / "axe-core" / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests, with a profile of its own that goes with it."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        _not_checked(f"none of {', '.join(NAMES)} is on this machine")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program, args=ARGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    """A fresh window: no cookies, German."""
    context = await chromium.new_context(locale="de-DE", viewport={"width": 1280, "height": 900})
    yield await context.new_page()
    await context.close()


@pytest.fixture
async def system(database: str, tmp_path: Path) -> AsyncIterator[Running]:
    """Intake with its pages."""
    async with pages_of_intake(database, tmp_path) as running:
        yield running


@pytest.fixture
async def address(system: Running) -> AsyncIterator[str]:
    """Where its pages are."""
    async with served(app_of(system)) as there:
        yield there
