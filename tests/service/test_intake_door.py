"""Intake's HTTP side on a real socket: hostile, slow and half-closed clients, many requests, other channels."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from deploy.cli.deadlines import deadlines
from services.intake import door
from services.intake import routes as intake_routes
from shared.runtime import patience
from shared.runtime.persons import Person, Role, Tokens
from shared.runtime.service import Running
from shared.runtime.web import web_app
from tests.service.intake_process import Pool
from tests.service.test_intake_http import COURT, event, pool, system
from tests.unit.intake_words import suit
from tests.unit.xjustiz_writer import Appointment, Letter, write
from tests.unit.xjustiz_writer import Person as Named
from tests.waiting import eventually

__all__ = ["pool", "system"]
pytestmark = pytest.mark.service

ROOT = Path(__file__).parents[2]
FACTS = ROOT / "docs" / "examples" / "facts.json"
PERSONS = {
    "court": Person("court", frozenset({Role.PARTNER}), source=COURT),
    "worker": Person("worker", frozenset({Role.CASEWORKER})),
    "operator": Person("operator", frozenset({Role.OPERATOR})),
    "all": Person("all", frozenset(Role), source=COURT),
}
XML = {"content-type": "application/xml", "authorization": "Bearer court"}


@pytest.fixture
def app(system: Running) -> FastAPI:
    tokens = Tokens({hashlib.sha256(name.encode()).hexdigest(): person for name, person in PERSONS.items()})
    app = web_app("intake", tokens=tokens, pages=system.pages, health=system.health, metrics=system.metrics)
    app.include_router(intake_routes.routes(system))
    return app


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    """The service on a port of its own, with the server that production uses."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, http=patience.Patience, log_config=None, lifespan="off", limit_concurrency=20)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        await eventually(lambda: server.started)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address) as there:
        yield there


# XJustiz


async def test_an_xjustiz_message_becomes_a_case_and_repeated_changes_nothing(client: httpx.AsyncClient, pool: Pool) -> None:
    letter = Letter(registered_on=date(2026, 11, 18), appointments=[Appointment()], people=[Named(), Named(given_name="Bodo")])
    first, again = [await client.post("/notices/xjustiz", content=write(letter), headers=XML) for _ in range(2)]
    assert [each["answer"] for each in first.json()["messages"]] == ["accepted", "accepted"]
    assert [each["answer"] for each in again.json()["messages"]] == ["duplicate", "duplicate"]
    assert first.json()["messages"][0]["id"] == letter.id
    assert await pool.fetchval("select count(*) from cases") == 1
    assert await pool.fetchval("select count(*) from statements") == 2


async def test_a_message_of_another_version_is_read_with_a_warning(client: httpx.AsyncClient) -> None:
    answer = await client.post("/notices/xjustiz", content=write(Letter(version="3.6.2")), headers=XML)
    assert answer.status_code == 200
    assert "3.6" in answer.json()["warnings"][0]["de"]


async def test_a_message_is_refused_with_its_rule(client: httpx.AsyncClient) -> None:
    for content, media, status, rule in (
        (b"<!DOCTYPE x><x/>", "application/xml", 422, "document_type"),
        (b"<x/>", "text/xml; charset=utf-8", 422, "not_xjustiz"),
        (b"<x/>", "text/plain", 415, "unsupported_media_type"),
        (b" " * (door.MAX_BYTES + 1), "application/xml", 413, "too_large"),
        (write(Letter(subject="055")), "application/xml", 422, "no_civil_suit"),
        (write(Letter(created_at="2027-05-01T10:00:00")), "application/xml", 422, "in_the_future"),
    ):
        answer = await client.post("/notices/xjustiz", content=content, headers=XML | {"content-type": media})
        assert (answer.status_code, answer.json()["messages"][0]["rule"]) == (status, rule)
        assert answer.json()["messages"][0]["advice"]["de"]


# the legal clock


async def test_the_deadlines_over_http_are_those_of_the_command(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await client.post("/deadlines", content=FACTS.read_bytes(), headers={"authorization": "Bearer worker"})
    assert answer.status_code == 200
    deadlines(FACTS, as_json=True)
    assert answer.json() == json.loads(capsys.readouterr().out)
    assert {"rule", "date", "basis", "norm", "explanation"} <= answer.json()[0].keys()


async def test_facts_that_do_not_fit_are_named(client: httpx.AsyncClient) -> None:
    for who, content, status in (
        ("operator", b"{}", 403),
        ("worker", b"{", 422),
        ("worker", b'{"filed_on": "Geheimnis"}', 422),
        ("worker", b" " * (door.MAX_BYTES + 1), 413),
        ("court", b"{}", 200),
    ):
        answer = await client.post("/deadlines", content=content, headers={"authorization": f"Bearer {who}"})
        assert answer.status_code == status
        assert "Geheimnis" not in answer.text


# what a request may cost


def test_an_allowance_refills_with_time() -> None:
    allowance = door.Allowance(per_second=2, burst=3)
    assert [allowance.wait("a", 0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert allowance.wait("b", 0) == 0
    assert allowance.wait("a", 0.25) == pytest.approx(0.25)
    assert [allowance.wait("a", 100) for _ in range(4)] == [0, 0, 0, 0.5]


async def test_a_sender_who_sends_too_much_is_told_when_to_go_on(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_allowance: door.Allowance, _sender: str, _now: float) -> float:
        return 3.2

    monkeypatch.setattr(door.Allowance, "wait", none_left)
    for path in ("/notices", "/notices/xjustiz"):
        answer = await client.post(path, content=b"", headers=XML)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "4")
        assert answer.json()["type"] == "urn:bleibe:problem:too_many_requests"
        assert answer.json()["detail"]


async def opened(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = urlsplit(address)
    return await asyncio.open_connection(where.hostname, where.port)


HEAD = b"POST /notices HTTP/1.1\r\nhost: x\r\nauthorization: Bearer court\r\ncontent-type: application/cloudevents+json\r\n"


async def test_a_body_that_does_not_come_is_not_waited_for(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "BODY_S", 0.2)
    reader, writer = await opened(address)
    writer.write(HEAD + b"content-length: 100\r\n\r\n{")
    async with asyncio.timeout(10):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"urn:bleibe:problem:too_slow" in answer
    writer.close()


async def test_headers_that_do_not_come_are_not_waited_for(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEADERS_S", 0.2)
    for sent in (b"", b"POST /notices HT", HEAD):
        reader, writer = await opened(address)
        writer.write(sent)
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()


async def test_silent_clients_do_not_take_the_place_of_others(
    address: str, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "HEADERS_S", 0.2)
    silent = [await opened(address) for _ in range(25)]
    async with asyncio.timeout(10):
        assert [await reader.read() for reader, _ in silent] == [b""] * 25
    monkeypatch.setattr(patience, "HEADERS_S", 10)
    assert (await client.get("/health/live")).status_code in (200, 503)
    answer = await client.post("/notices", content=json.dumps(event(suit())), headers=json_headers())
    assert answer.status_code == 200
    for _, writer in silent:
        writer.close()


async def test_a_client_that_hangs_up_saves_nothing_and_stops_nobody(address: str, client: httpx.AsyncClient, pool: Pool) -> None:
    content = json.dumps(event(suit())).encode()
    for _ in range(5):
        _, writer = await opened(address)
        writer.write(HEAD + f"content-length: {len(content)}\r\n\r\n".encode() + content[:-1])
        writer.write_eof()
        await writer.drain()
        writer.transport.abort()
    answer = await client.post("/notices", content=content, headers=json_headers())
    assert answer.json()["messages"][0]["answer"] == "accepted"
    assert await pool.fetchval("select count(*) from statements") == 1


async def test_a_slow_sender_within_the_time_is_served(address: str) -> None:
    content = json.dumps(event(suit())).encode()
    reader, writer = await opened(address)
    for part in (HEAD, f"content-length: {len(content)}\r\nconnection: close\r\n\r\n".encode(), content[:10], content[10:]):
        writer.write(part)
        await writer.drain()
    async with asyncio.timeout(10):
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()


def json_headers() -> dict[str, str]:
    return {"content-type": "application/cloudevents+json", "authorization": "Bearer court"}


# requests nobody thought of

EXAMPLES = settings(
    max_examples=12, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


async def test_no_request_of_the_openapi_document_breaks_the_service(app: FastAPI, address: str) -> None:
    document = json.loads(json.dumps(app.openapi()))
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=address)
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    assert {each.path for each in operations} >= {"/notices", "/notices/xjustiz", "/deadlines"}

    def try_all() -> list[tuple[str, int]]:
        seen: list[tuple[str, int]] = []
        for operation in operations:
            _tried(operation, seen)()
        return seen

    seen = await asyncio.to_thread(try_all)
    assert [each for each in seen if each[1] >= 500] == []
    assert len({path for path, _ in seen}) == len({each.path for each in operations})
    assert {status for path, status in seen if path == "/deadlines"} & {200, 422}


def _tried(operation: APIOperation[Any, Any, Any, Any], seen: list[tuple[str, int]]) -> Callable[[], None]:
    @EXAMPLES
    @given(operation.as_strategy())
    def one(case: Case[Any]) -> None:
        response = case.call(headers={"authorization": "Bearer all"})
        seen.append((operation.path, response.status_code))

    return one
