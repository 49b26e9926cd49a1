"""Intake's HTTP side: partners file notices and are answered for each, in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse

from services.intake.http_binding import BATCHED, JSON, STRUCTURED, Unusable, decode
from shared.contracts.catalogue import NOTICES
from shared.contracts.codes import Answer
from shared.messaging.model import Decision, Heard
from shared.messaging.wire import Raw, Unreadable
from shared.runtime.auth import require
from shared.runtime.persons import Person, Role
from shared.runtime.problems import Problem
from shared.runtime.telemetry import traceparent
from shared.runtime.texts import Texts

if TYPE_CHECKING:
    from shared.runtime.service import Running

MAX_BYTES: Final = 2_000_000
_TEXTS: Final = Texts(Path(__file__).parent / "texts" / "answers.json")
_PREFIX: Final = "urn:bleibe:partner:"
_STATUS: Final = {Answer.ACCEPTED: 200, Answer.DUPLICATE: 200, Answer.FORWARDED: 200, Answer.PARKED: 202, Answer.REJECTED: 422}
_STATUS_OF_RULE: Final = {
    "id_reused": 409,
    "not_the_owner": 403,
    "too_large": 413,
    "too_many": 413,
    "unsupported_media_type": 415,
}

Sender = Annotated[Person, Depends(require(Role.PARTNER))]


class Advice(BaseModel):
    """What to do next, in both languages."""

    de: str
    en: str


class NoticeAnswer(BaseModel):
    """What became of one notice; `id` is None where none could be read. A rejection names field and rule, never the value."""

    id: UUID | None
    answer: Answer
    field: str | None = None
    rule: str | None = None
    advice: Advice


class Answers(BaseModel):
    """One answer for each notice, in the order of the request."""

    messages: list[NoticeAnswer]


_EVENT = {"schema": {"type": "object"}}
_BODY = {"requestBody": {"required": True, "content": {STRUCTURED: _EVENT, BATCHED: {"schema": {"type": "array"}}, JSON: _EVENT}}}
_OTHERS: dict[int | str, dict[str, Any]] = {
    status: {"model": Answers} for status in sorted({*_STATUS.values(), *_STATUS_OF_RULE.values()} - {200})
}


def routes(system: Running) -> APIRouter:
    """The routes of a running service."""
    router = APIRouter()

    @router.post("/notices", response_model=Answers, responses=_OTHERS, openapi_extra=_BODY)
    async def file_notices(request: Request, sender: Sender) -> JSONResponse:
        """File notices as CloudEvents: structured, binary or batched. Saved before it answers.

        One notice is answered by the status, too: 200 accepted, duplicate or forwarded; 202 a person will look at it; 409 its
        id was used for another notice; 422 rejected. A batch is answered 200, each notice by its own answer.
        """
        topic = _topic(sender, system)
        try:
            raws = decode(dict(request.headers), await _body(request), topic, traceparent())
        except Unusable as error:
            return _respond([_answer(None, Decision(answer=Answer.REJECTED, rule=error.rule))], batch=False)
        answers = await _submit(system, raws)
        return _respond(answers, batch=request.headers.get("content-type", "").startswith(BATCHED))

    return router


def _topic(sender: Person, system: Running) -> str:
    """The sender's own topic: whose token it is decides who speaks, and `ce-source` must say the same."""
    partner = (sender.source or "").removeprefix(_PREFIX)
    if all(partner != known.id for known in system.city.partners):
        raise Problem("wrong_role")
    return NOTICES.of(partner)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Unusable("too_large")
    return bytes(body)


async def _submit(system: Running, raws: list[Raw]) -> list[NoticeAnswer]:
    """Decide all in one transaction; what is no message at all is refused without being kept."""
    reads = [system.pipeline.reader.read(raw) for raw in raws]
    keepable = [_keepable(read) for read in reads]
    try:
        decided = iter(await system.submit([raw for raw, keep in zip(raws, keepable, strict=True) if keep]))
    except TimeoutError as error:
        raise Problem("unavailable") from error
    return [_answer(read.id, next(decided) if keep else _refusal(read)) for read, keep in zip(reads, keepable, strict=True)]


def _keepable(read: Heard | Unreadable) -> bool:
    return isinstance(read, Heard) or (read.id is not None and read.refusable)


def _refusal(read: Heard | Unreadable) -> Decision:
    assert isinstance(read, Unreadable)
    return Decision(answer=Answer.REJECTED, field=read.field, rule=read.rule)


def _answer(message_id: UUID | None, decision: Decision) -> NoticeAnswer:
    key = decision.answer if decision.answer is not Answer.REJECTED else f"rejected.{decision.rule}"
    return NoticeAnswer(id=message_id, answer=decision.answer, field=decision.field, rule=decision.rule, advice=_advice(key))


def _advice(key: str) -> Advice:
    try:
        return Advice(de=_TEXTS(key, "de"), en=_TEXTS(key, "en"))
    except KeyError:
        return _advice("rejected")


def _respond(answers: list[NoticeAnswer], *, batch: bool) -> JSONResponse:
    first = answers[0]
    status = 200 if batch else _STATUS_OF_RULE.get(first.rule or "", _STATUS[first.answer])
    return JSONResponse(Answers(messages=answers).model_dump(mode="json"), status, {"Cache-Control": "no-store"})
