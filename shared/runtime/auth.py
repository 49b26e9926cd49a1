"""The door: every route but health, metrics and the sign-in page asks for a personal token, then for a role.

Programs send ``Authorization: Bearer``; people sign in once at ``/login``. A token never travels in an address:
``/login#<token>`` signs in too, because browsers keep what follows the ``#`` to themselves.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.runtime.pages import Pages
from shared.runtime.persons import Person, Role, Tokens
from shared.runtime.problems import Problem, Problems

OPEN_PATHS: Final = frozenset({"/health/live", "/health/ready", "/metrics", "/login"})
_COOKIE: Final = "bleibe_token"
_SAFE_METHODS: Final = ("GET", "HEAD")
_LOGIN_BYTES: Final = 4096


class Guard:
    """Middleware that lets nobody in without a token, so that a route added later can't be left open by mistake."""

    def __init__(self, app: ASGIApp, tokens: Tokens, problems: Problems) -> None:
        self._app = app
        self._tokens = tokens
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find the person behind the request, or answer 401."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            scope.setdefault("state", {})["person"] = _person(request, self._tokens)
        except Problem as problem:
            await self._problems.response(request, problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def require(*roles: Role) -> Callable[[Request], Awaitable[Person]]:
    """A dependency that hands the route its person, acting in the first of `roles` they have, or answers 403."""

    async def person(request: Request) -> Person:
        known: Person = request.state.person
        for role in roles:
            if role in known.roles:
                return known.acting_as(role)
        raise Problem("wrong_role")

    return person


def login_router(tokens: Tokens, pages: Pages) -> APIRouter:
    """``/login`` and ``/logout`` for people."""
    router = APIRouter(include_in_schema=False)

    def page(onward: str, *, wrong: bool) -> Response:
        return pages.render("login.html", status=401 if wrong else 200, next=_local(onward), wrong=wrong)

    @router.get("/login")
    async def ask(onward: Annotated[str, Query(alias="next")] = "/") -> Response:
        return page(onward, wrong=False)

    @router.post("/login")
    async def enter(request: Request) -> Response:
        form = parse_qs(await _small_body(request))
        token, onward = form.get("token", [""])[0].strip(), form.get("next", ["/"])[0]
        if tokens.person(token) is None:
            return page(onward, wrong=True)
        answer = RedirectResponse(_local(onward), status_code=303)
        answer.set_cookie(_COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https")
        return answer

    @router.post("/logout")
    async def leave() -> Response:
        answer = RedirectResponse("/login", status_code=303)
        answer.delete_cookie(_COOKIE, httponly=True, samesite="strict")
        return answer

    return router


def _person(request: Request, tokens: Tokens) -> Person:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = request.cookies.get(_COOKIE, "")
        # SameSite=Strict still lets a neighbouring subdomain post in the person's name; browsers say who asks.
        if request.method not in _SAFE_METHODS and request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            token = ""
    if not token:
        raise Problem("no_token")
    person = tokens.person(token.strip())
    if person is None:
        raise Problem("wrong_token")
    return person


async def _small_body(request: Request) -> str:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LOGIN_BYTES:
            raise Problem("bad_request")
    return body.decode("utf-8", "replace")


def _local(address: str) -> str:
    """The address if it stays on this service, else its start page; no open redirect."""
    stays = address.startswith("/") and not address.startswith("//") and "\\" not in address and address.isprintable()
    return address if stays else "/"
