"""A service's pages on a port of this machine, and what the tests do with them: sign in, move by keyboard, ask axe."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import uvicorn
from fastapi import APIRouter, FastAPI
from playwright.async_api import Page

from shared.city import City
from shared.runtime.clock import Clock
from shared.runtime.health import Health
from shared.runtime.metrics import Metrics
from shared.runtime.pages import Pages
from shared.runtime.persons import Person, Role, Tokens
from shared.runtime.service import Running
from shared.runtime.web import web_app
from tests.waiting import eventually

TOKEN = "anybody"
EVERY_ROLE = frozenset(set(Role) - {Role.PARTNER})


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The app over HTTP; yields its address."""
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        server = _Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=2))
        serving = asyncio.create_task(server.serve([port]))
        try:
            await eventually(lambda: server.started)
            yield f"http://127.0.0.1:{port.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


def site(
    pool: asyncpg.Pool[asyncpg.Record],
    city: City,
    clock: Clock,
    folder: Path,
    routes: Callable[[Running], APIRouter],
    team: str | None = None,
) -> FastAPI:
    """The pages of a service that need no more of it than its database; `TOKEN` opens every door."""
    person = Person("somebody", EVERY_ROLE, team=team)
    tokens = Tokens({hashlib.sha256(TOKEN.encode()).hexdigest(): person})
    pages = Pages(folder)
    app = web_app("Bleibe", tokens=tokens, pages=pages, health=Health(loops=[], conditions=[]), metrics=Metrics({}, []))
    app.include_router(routes(cast("Running", SimpleNamespace(pool=pool, city=city, clock=clock, pages=pages))))
    return app


async def sign_in(page: Page, address: str, token: str = TOKEN) -> None:
    """As a person does it, without a mouse."""
    await page.goto(address)
    await page.locator("#token:focus").wait_for()
    await page.keyboard.type(token)
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the cursor is there. Fails after once around the page."""
    for _ in range(200):
        await page.keyboard.press("Tab")
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard never reaches {selector}")


async def violations(page: Page, axe: str) -> list[str]:
    """What axe-core finds, by all its rules: rule, what it asks for, the elements."""
    await page.evaluate(axe)
    found: dict[str, Any] = await page.evaluate("() => axe.run()")
    assert found["passes"], "axe looked at nothing"
    return [f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes']]}" for each in found["violations"]]
