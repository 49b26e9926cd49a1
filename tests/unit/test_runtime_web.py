"""The HTTP side: the door, problems as answers, pages, health."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from httpx import ASGITransport, AsyncClient, Response
from pydantic import BaseModel, SecretStr, ValidationError

from shared.runtime import health as health_module
from shared.runtime import problems, telemetry
from shared.runtime.auth import OPEN_PATHS, require
from shared.runtime.health import Health
from shared.runtime.metrics import Metrics
from shared.runtime.pages import Pages
from shared.runtime.persons import Person, Role, Tokens, make_token, write_persons
from shared.runtime.problems import Problem
from shared.runtime.settings import ServiceSettings
from shared.runtime.spans import read_spans
from shared.runtime.texts import Texts, preferred
from shared.runtime.web import web_app

KIM = Person("kim", frozenset({Role.CASEWORKER, Role.TEAM_LEAD}), team="mitte", caseworker_id="cw-1")
READER = Person("reader", frozenset({Role.REPORTING_READER}))
KIMS_TOKEN, KIMS_HASH = make_token()
READERS_TOKEN, READERS_HASH = make_token()


class Report(BaseModel):
    size: int


@pytest.fixture
def health() -> Health:
    return Health(loops=["pipeline"], conditions=["assigned", "database"])


@pytest.fixture
def app(tmp_path: Path, health: Health) -> FastAPI:
    write_persons(tmp_path / "persons.json", [(KIM, KIMS_HASH), (READER, READERS_HASH)])
    tokens = Tokens.load(tmp_path / "persons.json")
    app = web_app("outreach", tokens=tokens, pages=Pages(), health=health, metrics=Metrics([]))

    @app.get("/visits")
    async def visits(person: Annotated[Person, Depends(require(Role.TEAM_LEAD, Role.CASEWORKER))]) -> dict[str, str | None]:
        return {"person": person.id, "acting": person.acting}

    @app.post("/reports")
    async def reports(report: Report) -> int:
        return report.size

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("honeyname")

    @app.get("/people/{name}")
    async def people(name: str) -> int:
        return len(name)

    @app.get("/not-yours")
    async def not_yours() -> None:
        raise Problem("not_yours")

    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://outreach") as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def problem(answer: Response, status: int, code: str) -> dict[str, object]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert body["type"] == f"urn:bleibe:problem:{code}"
    assert body["status"] == status
    return body


async def test_every_path_but_the_open_ones_asks_for_a_token(client: AsyncClient, app: FastAPI) -> None:
    paths = ["/", "/docs", "/openapi.json", "/logout", "/nowhere", "/login/", *app.openapi()["paths"]]
    assert "/visits" in paths
    for path in paths:
        answer = await client.get(path)
        problem(answer, 401, "no_token")
        assert answer.headers["www-authenticate"] == "Bearer"
    for path in OPEN_PATHS:
        assert (await client.get(path)).status_code != 401


async def test_a_role_opens_a_route_and_is_the_one_acted_in(client: AsyncClient) -> None:
    answer = await client.get("/visits", headers=bearer(KIMS_TOKEN))
    assert answer.json() == {"person": "kim", "acting": "team_lead"}
    problem(await client.get("/visits", headers=bearer(READERS_TOKEN)), 403, "wrong_role")
    problem(await client.get("/visits", headers=bearer(KIMS_TOKEN[:-1])), 401, "wrong_token")


async def test_a_token_in_an_address_opens_nothing(client: AsyncClient) -> None:
    problem(await client.get(f"/visits?token={KIMS_TOKEN}"), 401, "no_token")
    assert "set-cookie" not in (await client.get(f"/login?token={KIMS_TOKEN}")).headers


async def test_signing_in_and_out(client: AsyncClient) -> None:
    people = {"Accept": "text/html"}
    sent_to = await client.get("/visits?day=2026-11-23", headers=people)
    assert (sent_to.status_code, sent_to.headers["location"]) == (303, "/login?next=/visits%3Fday%3D2026-11-23")
    form = await client.get(sent_to.headers["location"])
    assert 'lang="de"' in form.text
    assert 'value="/visits?day=2026-11-23"' in form.text

    wrong = await client.post("/login", data={"token": "honeytoken", "next": "/visits"})
    assert wrong.status_code == 401
    assert "gilt nicht" in wrong.text
    assert "honeytoken" not in wrong.text
    assert "set-cookie" not in wrong.headers

    entered = await client.post("/login", data={"token": f" {KIMS_TOKEN} ", "next": "/visits"})
    assert (entered.status_code, entered.headers["location"]) == (303, "/visits")
    assert "httponly; path=/; samesite=strict" in entered.headers["set-cookie"].lower()
    assert (await client.get("/visits")).json()["person"] == "kim"

    await client.post("/logout")
    problem(await client.get("/visits"), 401, "no_token")


@pytest.mark.parametrize("onward", ["https://elsewhere", "//elsewhere", "/\\elsewhere", "/\r\nelsewhere", ""])
async def test_signing_in_never_leads_elsewhere(client: AsyncClient, onward: str) -> None:
    entered = await client.post("/login", data={"token": KIMS_TOKEN, "next": onward})
    assert entered.headers["location"] == "/"


async def test_a_long_login_form_is_refused(client: AsyncClient) -> None:
    problem(await client.post("/login", data={"token": "x" * 5000}), 400, "bad_request")


@pytest.mark.parametrize(("site", "status"), [("same-origin", 200), ("same-site", 401), ("cross-site", 401)])
async def test_a_neighbouring_site_cannot_post_in_a_persons_name(client: AsyncClient, site: str, status: int) -> None:
    client.cookies.set("bleibe_token", KIMS_TOKEN)
    answer = await client.post("/reports", json={"size": 3}, headers={"Sec-Fetch-Site": site})
    assert answer.status_code == status


async def test_errors_say_what_to_do_and_never_the_value(client: AsyncClient) -> None:
    client.headers.update(bearer(KIMS_TOKEN))
    invalid = await client.post("/reports", json={"size": "honeyname"})
    body = problem(invalid, 422, "invalid")
    assert body["errors"] == [{"field": "body.size", "rule": "int_parsing"}]
    broken = await client.get("/broken")
    problem(broken, 500, "internal")
    assert "honey" not in invalid.text + broken.text
    problem(await client.get("/nowhere"), 404, "not_found")
    problem(await client.delete("/reports"), 405, "wrong_method")
    english = problem(await client.get("/not-yours", headers={"Accept-Language": "en-GB,de;q=0.5"}), 403, "not_yours")
    german = problem(await client.get("/not-yours"), 403, "not_yours")
    assert (english["title"], german["title"]) == ("Not your case", "Nicht Ihr Fall")
    page = await client.get("/not-yours", headers={"Accept": "text/html"})
    assert page.status_code == 403
    assert "<h1>Nicht Ihr Fall</h1>" in page.text


def test_every_problem_has_a_status_and_both_languages() -> None:
    catalogue = json.loads((Path(problems.__file__).parent / "problems.json").read_text())
    assert set(problems._BY_STATUS.values()) <= set(catalogue)
    for code, entry in catalogue.items():
        assert 400 <= entry["status"] < 600, code
        assert set(entry["title"]) == set(entry["detail"]) == {"de", "en"}, code


async def test_a_request_is_one_span_named_by_its_route_and_a_failure_names_its_trace(
    client: AsyncClient, tmp_path: Path
) -> None:
    telemetry.configure_tracing(
        "outreach",
        ServiceSettings(
            database_dsn=SecretStr("postgresql://"),
            bootstrap_servers="127.0.0.1:1",
            tokens_file=tmp_path / "persons.json",
            data_key_file=tmp_path / "key",
            spans_dir=tmp_path / "spans",
        ),
    )
    client.headers.update(bearer(KIMS_TOKEN))
    await client.get("/people/honeyname", headers={"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"})
    broken = await client.get("/broken")
    await client.get("/honeyname")
    await client.get("/health/live")
    assert telemetry.shutdown_tracing()
    found, failed, nowhere = read_spans(tmp_path / "spans")
    assert (found["name"], found["trace_id"], found["parent_id"]) == ("GET /people/{name}", "ab" * 16, "cd" * 8)
    assert (failed["status"], failed["trace_id"]) == ("ERROR", broken.json()["trace"])
    assert "honey" not in json.dumps([found, failed, nowhere])


async def test_docs_list_every_route(client: AsyncClient) -> None:
    page = await client.get("/docs", headers=bearer(READERS_TOKEN))
    assert "<code>/visits</code>" in page.text
    assert "https://" not in page.text


async def test_health_by_progress(client: AsyncClient, health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["missing"]) == (503, ["assigned", "database"])
    health.holds("assigned", True)
    health.holds("database", True)
    assert (await client.get("/health/ready")).status_code == 200
    health.holds("database", False)
    assert health.missing() == ["database"]

    assert (await client.get("/health/live")).status_code == 200
    monkeypatch.setattr(health_module, "LOOP_LIMIT_S", -1)
    stuck = await client.get("/health/live")
    assert (stuck.status_code, stuck.json()["stuck"]) == (503, ["pipeline"])
    with pytest.raises(KeyError):
        health.turned("misspelt")
    with pytest.raises(KeyError):
        health.holds("misspelt", True)
    assert b"bleibe_outbox_events" in (await client.get("/metrics")).content


def test_the_persons_file_keeps_hashes_and_its_errors_keep_quiet(tmp_path: Path) -> None:
    path = tmp_path / "persons.json"
    write_persons(path, [(KIM, KIMS_HASH)])
    assert path.stat().st_mode & 0o777 == 0o600
    assert KIMS_TOKEN not in path.read_text()
    tokens = Tokens.load(path)
    assert tokens.person(KIMS_TOKEN) == KIM
    assert tokens.person("") is None
    assert KIMS_HASH not in repr(tokens.person(KIMS_TOKEN))
    path.write_text(json.dumps([{"id": "kim", "roles": ["honeyrole"], "token_sha256": KIMS_HASH}]))
    with pytest.raises(ValidationError) as wrong:
        Tokens.load(path)
    assert "honey" not in str(wrong.value)
    with pytest.raises(ValueError, match="no role operator"):
        KIM.acting_as(Role.OPERATOR)


def test_pages_speak_german_dates_and_numbers(tmp_path: Path) -> None:
    (tmp_path / "day.html").write_text(
        "{% extends 'base.html' %}{% block title %}{{ name }}{% endblock %}"
        "{% block main %}{{ day|tag }} | {{ day|tag_lang }} | {{ at|uhrzeit }} | {{ at|tag }} | {{ n|zahl }}{% endblock %}"
    )
    (tmp_path / "texts.json").write_text('{"nav.days": {"de": "Tage", "en": "Days"}}')
    pages = Pages(tmp_path, nav=[("/days", "nav.days")])
    facts: dict[str, Any] = {
        "name": "<b>Ü</b>",
        "day": date(2026, 11, 23),
        "at": datetime(2026, 11, 23, 23, 5, tzinfo=UTC),
        "n": Decimal("1234.5"),
    }
    german = bytes(pages.render("day.html", lang="de", **facts).body).decode()
    assert "Mo., 23.11.2026 | Montag, 23. November 2026 | 00:05 | Di., 24.11.2026 | 1.234,5" in german
    assert "&lt;b&gt;Ü&lt;/b&gt;" in german
    assert '<a href="/days">Tage</a>' in german
    english = bytes(pages.render("day.html", lang="en", **facts).body).decode()
    assert "Mon, 23/11/2026 | Monday, 23 November 2026 | 00:05" in english
    assert '<html lang="en">' in english


def test_texts_need_both_languages(tmp_path: Path) -> None:
    path = tmp_path / "texts.json"
    path.write_text('{"hello": {"de": "Guten Tag, {name}", "en": "Hello, {name}"}}')
    assert Texts(path)("hello", name="Kim") == "Guten Tag, Kim"
    assert Texts(path)("hello", "en", name="Kim") == "Hello, Kim"
    path.write_text('{"hello": {"de": "Guten Tag"}}')
    with pytest.raises(ValueError, match="'hello' needs both de and en"):
        Texts(path)
    assert [preferred(wish) for wish in (None, "", "de", "en", "EN-gb;q=1, de", "fr, en")] == ["de", "de", "de", "en", "en", "de"]
