"""Errors as answers: problem+json (RFC 9457) for programs, a page for people, both say what to do next.

Texts are looked up by code in JSON catalogues; an answer names fields and rules, never the value that was sent.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from shared.runtime.pages import Pages
from shared.runtime.texts import preferred

_HERE: Final = Path(__file__).parent
_BY_STATUS: Final = {401: "no_token", 403: "wrong_role", 404: "not_found", 405: "wrong_method", 503: "unavailable"}


class Problem(Exception):
    """Ends a request with the problem of that code; `errors` are pairs of field and rule.

    Raises ``KeyError`` at the answer when no catalogue knows the code.
    """

    def __init__(self, code: str, *, errors: Sequence[tuple[str, str]] = (), headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors
        self.headers = dict(headers or {})


class Problems:
    """Answers with problems from the shared catalogue and a service's own files of the same shape."""

    def __init__(self, pages: Pages, *files: Path) -> None:
        self._pages = pages
        self._catalogue: dict[str, dict[str, Any]] = {}
        for file in (_HERE / "problems.json", *files):
            self._catalogue.update(json.loads(file.read_text(encoding="utf-8")))

    def response(self, request: Request, problem: Problem) -> Response:
        """The answer in the reader's language and form; a person without a token is sent to sign in."""
        entry = self._catalogue[problem.code]
        status: int = entry["status"]
        lang = preferred(request.headers.get("accept-language"))
        for_people = "text/html" in request.headers.get("accept", "")
        if for_people and status == 401 and request.method == "GET":
            return RedirectResponse(f"/login?next={quote(_address(request))}", status_code=303)
        body: dict[str, Any] = {
            "type": f"urn:bleibe:problem:{problem.code}",
            "title": entry["title"][lang],
            "status": status,
            "detail": entry["detail"][lang],
        }
        if problem.errors:
            body["errors"] = [{"field": field, "rule": rule} for field, rule in problem.errors]
        if "trace_id" in request.scope.get("state", {}):
            body["trace"] = request.state.trace_id
        if for_people:
            return self._pages.render("problem.html", lang=lang, status=status, problem=body)
        headers = {**problem.headers, "Content-Language": lang, "Cache-Control": "no-store"}
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(body, status, headers, "application/problem+json")

    def install(self, app: FastAPI) -> None:
        """Answer every error of `app` this way; what nobody foresaw is also logged by the server."""

        async def foreseen(request: Request, raised: Exception) -> Response:
            assert isinstance(raised, Problem)
            return self.response(request, raised)

        async def refused(request: Request, raised: Exception) -> Response:
            assert isinstance(raised, HTTPException)
            code = _BY_STATUS.get(raised.status_code, "internal" if raised.status_code >= 500 else "bad_request")
            return self.response(request, Problem(code, headers=raised.headers))

        async def invalid(request: Request, raised: Exception) -> Response:
            assert isinstance(raised, RequestValidationError)
            errors = [(".".join(map(str, error["loc"])), str(error["type"])) for error in raised.errors()]
            return self.response(request, Problem("invalid", errors=errors))

        async def unforeseen(request: Request, _raised: Exception) -> Response:
            return self.response(request, Problem("internal"))

        app.add_exception_handler(Problem, foreseen)
        app.add_exception_handler(HTTPException, refused)
        app.add_exception_handler(RequestValidationError, invalid)
        app.add_exception_handler(Exception, unforeseen)


def _address(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
