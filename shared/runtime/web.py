"""A service's HTTP side: traced, guarded, with problems as answers, health, metrics and ``/docs``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.runtime.auth import OPEN_PATHS, Guard, login_router
from shared.runtime.health import Health, health_router
from shared.runtime.metrics import Metrics
from shared.runtime.pages import Pages
from shared.runtime.persons import Tokens
from shared.runtime.problems import Problems
from shared.runtime.telemetry import parent_context, tracer

_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


def web_app(
    title: str, *, tokens: Tokens, pages: Pages, health: Health, metrics: Metrics, problem_files: Sequence[Path] = ()
) -> FastAPI:
    """An app to which the service adds its routes. ``/docs`` and ``/openapi.json`` need a token like everything else."""
    app = FastAPI(title=title, docs_url=None, redoc_url=None)
    problems = Problems(pages, *problem_files)
    problems.install(app)
    app.include_router(health_router(health, metrics))
    app.include_router(login_router(tokens, pages))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return pages.render("docs.html", service=title, paths=app.openapi().get("paths", {}))

    app.add_middleware(Guard, tokens=tokens, problems=problems)
    app.add_middleware(_Traced)
    return app


class _Traced:
    """One span for each request, below the caller's if it names one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).getlist("traceparent")
        parent = parent_context(sent[0] if len(sent) == 1 else None)
        method = scope["method"] if scope["method"] in _METHODS else "HTTP"  # a client may send any word
        with tracer().start_as_current_span(method, parent, SpanKind.SERVER) as span:
            context = span.get_span_context()
            if context.is_valid:
                scope.setdefault("state", {})["trace_id"] = f"{context.trace_id:032x}"
            await self._app(scope, receive, send)
            if "route" in scope:
                span.update_name(f"{method} {scope['route'].path}")
