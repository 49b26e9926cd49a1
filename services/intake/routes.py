"""Intake's HTTP side: partners file notices and are answered for each, in words; staff ask the legal clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import JSONResponse

from services.intake import law, xjustiz
from services.intake.answers import OTHERS, Answers, NoticeAnswer, answer, refusal, respond
from services.intake.door import Allowance, body
from services.intake.http_binding import BATCHED, JSON, STRUCTURED, Unusable, decode
from services.intake.pages import desk
from services.intake.records import record
from services.intake.room import calendars_of
from shared.contracts.catalogue import NOTICES
from shared.contracts.codes import Answer
from shared.messaging.model import Decision, Heard, Rejected
from shared.messaging.wire import Raw, Unreadable
from shared.runtime.auth import require
from shared.runtime.persons import Person, Role
from shared.runtime.problems import Problem
from shared.runtime.telemetry import traceparent

if TYPE_CHECKING:
    from shared.runtime.service import Running

XML: Final = ("application/xml", "text/xml")
_PREFIX: Final = "urn:bleibe:partner:"

Sender = Annotated[Person, Depends(require(Role.PARTNER))]
Staff = Annotated[Person, Depends(require(Role.CASEWORKER, Role.CLERK, Role.TEAM_LEAD, Role.PARTNER))]

_OBJECT = {"schema": {"type": "object"}}


def _takes(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


def routes(system: Running) -> APIRouter:
    """The routes of a running service."""
    router = APIRouter()
    router.include_router(desk.routes(system))
    allowance = Allowance()
    rules = tuple(law.load_rules())
    events = _takes({STRUCTURED: _OBJECT, BATCHED: {"schema": {"type": "array"}}, JSON: _OBJECT})
    message = _takes({media: {"schema": {"type": "string", "format": "binary"}} for media in XML})

    @router.post("/notices", response_model=Answers, responses=OTHERS, openapi_extra=events)
    async def file_notices(request: Request, sender: Sender) -> JSONResponse:
        """File notices as CloudEvents: structured, binary or batched. Saved before it answers.

        One notice is answered by the status, too: 200 accepted, duplicate or forwarded; 202 a person will look at it; 409 its
        id was used for another notice; 422 rejected. A batch is answered 200, each notice by its own answer.
        """
        topic = _topic(sender, system)
        allowance.spend(topic)
        try:
            raws = decode(dict(request.headers), await body(request), topic, traceparent())
        except Unusable as error:
            return respond([refusal(Rejected(None, error.rule))])
        except Rejected as error:
            return respond([refusal(error)])
        answers = await _submit(system, raws)
        return respond(answers, batch=_media(request) == BATCHED)

    @router.post("/notices/xjustiz", response_model=Answers, responses=OTHERS, openapi_extra=message)
    async def file_xjustiz(request: Request, sender: Sender) -> JSONResponse:
        """File an XJustiz message: Nachrichtenkopf and Grunddaten. It may make several notices, each with its answer.

        Versions whose schema is here are validated; others are read leniently, and a warning says so.
        """
        topic = _topic(sender, system)
        allowance.spend(topic)
        assert sender.source is not None
        if _media(request) not in XML:
            return respond([refusal(Rejected(None, "unsupported_media_type"))])
        try:
            read = await asyncio.to_thread(xjustiz.read, await body(request))
            filing = xjustiz.file(read, sender.source)
        except Rejected as error:
            return respond([refusal(error)])
        raws = [record(topic, each, notice, traceparent()) for each, notice in filing.notices]
        answers = await _submit(system, raws)
        return respond(answers, batch=len(answers) > 1, warnings=filing.warnings)

    @router.post("/deadlines", openapi_extra=_takes({JSON: {"schema": _facts_schema()}}))
    async def compute_deadlines(request: Request, staff: Staff) -> JSONResponse:
        """The deadlines that follow from the facts of a proceeding, earliest first, each with its explanation (de, en).

        Keeps nothing. The same as `bleibe deadlines`.
        """
        allowance.spend(staff.id)
        try:
            facts = law.facts_from_json(await body(request))
        except ValidationError as error:
            told = error.errors(include_url=False, include_context=False, include_input=False)
            raise Problem("invalid", errors=[(".".join(map(str, each["loc"])), each["type"]) for each in told]) from None
        except Rejected as error:
            raise Problem(error.rule) from None
        texts = law.load_texts()
        found = law.deadlines(facts, rules, calendars_of(system.city))
        return JSONResponse([law.to_json(each, texts) for each in found], headers={"Cache-Control": "no-store"})

    return router


def _facts_schema() -> dict[str, Any]:
    """The schema of the facts with its parts in place: what an operation refers to must lie in the document's components."""
    schema = law.FactsDocument.model_json_schema()
    parts = schema.pop("$defs", {})

    def inlined(part: Any) -> Any:  # noqa: ANN401  JSON is anything
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).removeprefix("#/$defs/")
            return inlined(parts[name]) if name in parts else {key: inlined(value) for key, value in part.items()}
        return [inlined(each) for each in part] if isinstance(part, list) else part

    result: dict[str, Any] = inlined(schema)
    return result


def _media(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _topic(sender: Person, system: Running) -> str:
    """The sender's own topic: whose token it is decides who speaks, and `ce-source` must say the same."""
    partner = (sender.source or "").removeprefix(_PREFIX)
    if all(partner != known.id for known in system.city.partners):
        raise Problem("wrong_role")
    return NOTICES.of(partner)


async def _submit(system: Running, raws: list[Raw]) -> list[NoticeAnswer]:
    """Decide all in one transaction; what is no message at all is refused without being kept."""
    reads = [system.pipeline.reader.read(raw) for raw in raws]
    keepable = [_keepable(read) for read in reads]
    try:
        decided = iter(await system.submit([raw for raw, keep in zip(raws, keepable, strict=True) if keep]))
    except TimeoutError as error:
        raise Problem("unavailable") from error
    return [answer(read.id, next(decided) if keep else _refusal(read)) for read, keep in zip(reads, keepable, strict=True)]


def _keepable(read: Heard | Unreadable) -> bool:
    return isinstance(read, Heard) or (read.id is not None and read.refusable)


def _refusal(read: Heard | Unreadable) -> Decision:
    assert isinstance(read, Unreadable)
    return Decision(answer=Answer.REJECTED, field=read.field, rule=read.rule)
