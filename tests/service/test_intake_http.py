"""`POST /notices` on a real database: each notice is answered, and saved before the answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.intake import door
from services.intake import routes as intake_routes
from shared.contracts.codes import Answer
from shared.contracts.fields import Event
from shared.messaging.migrate import CORE, migrate
from shared.messaging.wire import Envelope, encode
from shared.runtime.persons import Person, Role, Tokens
from shared.runtime.service import Running
from shared.runtime.web import web_app
from tests.service.intake_process import Pool, intake_of
from tests.unit.intake_office import ELSEWHERE
from tests.unit.intake_words import NOW, party, suit

pytestmark = pytest.mark.service

COURT = "urn:bleibe:partner:ag-muenster"
STRUCTURED, BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"
PERSONS = {
    "court": Person("court", frozenset({Role.PARTNER}), source=COURT),
    "lost": Person("lost", frozenset({Role.PARTNER})),
    "worker": Person("worker", frozenset({Role.CASEWORKER})),
}


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    await migrate(database, [CORE, Path(intake_routes.__file__).parent / "migrations"])
    pool = await asyncpg.create_pool(database, min_size=1, max_size=4)
    yield pool
    await pool.close()


@pytest.fixture
async def system(pool: Pool, database: str, tmp_path: Path) -> Running:
    return intake_of(pool, database, tmp_path)


@pytest.fixture
async def client(system: Running) -> AsyncIterator[httpx.AsyncClient]:
    tokens = Tokens({hashlib.sha256(name.encode()).hexdigest(): person for name, person in PERSONS.items()})
    app = web_app("intake", tokens=tokens, pages=system.pages, health=system.health, metrics=system.metrics)
    app.include_router(intake_routes.routes(system))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://intake") as there:
        yield there


def event(data: Event, event_id: UUID | None = None, **attributes: Any) -> dict[str, Any]:  # noqa: ANN401  attributes are anything
    base = {"specversion": "1.0", "id": str(event_id or uuid4()), "source": COURT, "type": data.TYPE, "time": NOW.isoformat()}
    return {**base, "data": json.loads(data.model_dump_json()), **attributes}


async def post(client: httpx.AsyncClient, body: object, media: str = STRUCTURED, who: str = "court") -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/notices", content=content, headers={"content-type": media, "authorization": f"Bearer {who}"})


async def test_a_notice_is_saved_before_it_is_answered(client: httpx.AsyncClient, pool: Pool) -> None:
    answer = await post(client, event(suit()))
    assert (answer.status_code, answer.json()["messages"][0]["answer"]) == (200, "accepted")
    assert await pool.fetchval("select count(*) from cases") == 1
    topics = [row["topic"] for row in await pool.fetch("select topic from journal order by topic")]
    assert topics == ["cases", "households", "receipts.ag-muenster"]


async def test_binary_mode_takes_the_same_notice(client: httpx.AsyncClient, pool: Pool) -> None:
    notice = suit()
    attributes = {f"ce-{name}": value for name, value in event(notice).items() if name != "data"}
    headers = {**attributes, "content-type": "application/json", "authorization": "Bearer court"}
    answer = await client.post("/notices", content=notice.model_dump_json(), headers=headers)
    assert answer.status_code == 200
    assert await pool.fetchval("select count(*) from cases") == 1


async def test_a_batch_is_answered_notice_by_notice(client: httpx.AsyncClient, pool: Pool) -> None:
    twice = uuid4()
    batch = [
        event(suit(), twice),
        event(suit(), twice),
        event(suit(filed_on=NOW.date().replace(day=2))),
        event(suit(party(address=ELSEWHERE), proceeding=None)),
        event(suit(), id="no uuid"),
        event(suit(), type="de.bleibe.notice.unheard-of.v1"),
        {**event(suit()), "data": {"channel": "SELF"}},
        event(suit(), source="urn:bleibe:partner:jobcenter"),
    ]
    answer = await post(client, batch, BATCHED)
    assert answer.status_code == 200
    got = [(each["answer"], each["field"], each["rule"]) for each in answer.json()["messages"]]
    assert got[:6] == [
        ("accepted", None, None),
        ("duplicate", None, None),
        ("rejected", "filed_on", "in_the_future"),
        ("forwarded", None, "outside_city"),
        ("rejected", "id", "missing_header"),
        ("rejected", "type", "unknown_type"),
    ]
    assert got[6][::2] == ("rejected", "missing")
    assert got[7] == ("rejected", "source", "not_the_owner")
    assert all(each["advice"]["de"] and each["advice"]["en"] for each in answer.json()["messages"])
    assert await pool.fetchval("select count(*) from cases") == 1


async def test_the_status_tells_of_a_single_notice(client: httpx.AsyncClient) -> None:
    notice = uuid4()
    assert (await post(client, event(suit(), notice))).status_code == 200
    assert (await post(client, event(suit(monthly_rent="1.00"), notice))).status_code == 409
    assert (await post(client, event(suit(party(address=None), proceeding=None)))).status_code == 422
    assert (await post(client, event(suit(), source="urn:bleibe:partner:jobcenter"))).status_code == 403
    assert (await post(client, b"{")).status_code == 422
    assert (await post(client, b"x", "text/plain")).status_code == 415
    assert (await post(client, b" " * (door.MAX_BYTES + 1))).status_code == 413


async def test_a_rejection_never_repeats_what_was_sent(client: httpx.AsyncClient) -> None:
    answer = await post(client, event(suit(party("Geheimnis", address=None), proceeding=None)))
    assert answer.status_code == 422
    assert "Geheimnis" not in answer.text


@pytest.mark.parametrize(("who", "status"), [("worker", 403), ("lost", 403), ("nobody", 401)])
async def test_only_a_partner_files_notices(client: httpx.AsyncClient, who: str, status: int) -> None:
    assert (await post(client, event(suit()), who=who)).status_code == status


async def test_the_same_notice_over_kafka_and_http_counts_once(client: httpx.AsyncClient, system: Running, pool: Pool) -> None:
    notice, data = uuid4(), suit(party("Jürgenß"))
    assert (await post(client, event(data, notice))).json()["messages"][0]["answer"] == "accepted"
    record = encode("notices.ag-muenster", Envelope(notice, COURT, data.TYPE, NOW, str(notice)), data.model_dump_json().encode())
    (decision,) = await system.pipeline.handle([record])
    assert decision is not None
    assert decision.answer is Answer.DUPLICATE
    assert await pool.fetchval("select count(*) from statements") == 1
