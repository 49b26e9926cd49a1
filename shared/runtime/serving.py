"""The HTTP side of a service process: its server, from the first request to the last."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import uvicorn
from fastapi import FastAPI

from shared.runtime.patience import Patience
from shared.runtime.persons import Tokens
from shared.runtime.service import Running, Service
from shared.runtime.stopping import HTTP_LAST_S, HTTP_STOP_S
from shared.runtime.web import web_app


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to the service: one place decides the order of stopping."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@contextlib.asynccontextmanager
async def serving(service: Service, system: Running) -> AsyncIterator[None]:
    """HTTP at work until the end of the block, which the requests in hand may delay by `HTTP_STOP_S`."""
    settings = system.context.settings
    tokens = Tokens.load(settings.tokens_file)
    app: FastAPI = web_app(
        f"Bleibe {service.name}", tokens=tokens, pages=system.pages, health=system.health, metrics=system.metrics
    )
    app.include_router(service.routes(system))
    server = _Server(
        uvicorn.Config(
            app,
            settings.http_host,
            settings.http_port,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            http=Patience,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=HTTP_STOP_S,
            limit_concurrency=200,
            h11_max_incomplete_event_size=65_536,
        )
    )
    task = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(task, HTTP_STOP_S + HTTP_LAST_S)
