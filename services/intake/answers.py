"""What a sender is answered for each notice, and the words that go with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel
from starlette.responses import JSONResponse

from shared.contracts.codes import Answer
from shared.messaging.model import Decision, Rejected
from shared.runtime.texts import Texts

TEXTS: Final = Texts(Path(__file__).parent / "texts" / "answers.json")
_STATUS: Final = {Answer.ACCEPTED: 200, Answer.DUPLICATE: 200, Answer.FORWARDED: 200, Answer.PARKED: 202, Answer.REJECTED: 422}
_STATUS_OF_RULE: Final = {
    "id_reused": 409,
    "not_the_owner": 403,
    "too_large": 413,
    "too_many": 413,
    "unsupported_media_type": 415,
}


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
    """One answer for each notice, in the order of the request; warnings are about the request as a whole."""

    messages: list[NoticeAnswer]
    warnings: list[Advice] = []


OTHERS: dict[int | str, dict[str, Any]] = {
    status: {"model": Answers} for status in sorted({*_STATUS.values(), *_STATUS_OF_RULE.values()} - {200})
}
"""The answers other than 200, for the OpenAPI document."""


def answer(message_id: UUID | None, decision: Decision) -> NoticeAnswer:
    """The answer to one notice."""
    key = decision.answer if decision.answer is not Answer.REJECTED else f"rejected.{decision.rule}"
    return NoticeAnswer(id=message_id, answer=decision.answer, field=decision.field, rule=decision.rule, advice=advice(key))


def refusal(error: Rejected) -> NoticeAnswer:
    """The answer to what could not be read as a notice."""
    return answer(None, Decision(answer=Answer.REJECTED, field=error.field, rule=error.rule))


def advice(key: str) -> Advice:
    """The words of a key, or where there are none of its own, those for any rejection."""
    try:
        return Advice(de=TEXTS(key, "de"), en=TEXTS(key, "en"))
    except KeyError:
        return advice("rejected")


def respond(answers: list[NoticeAnswer], *, batch: bool = False, warnings: Sequence[str] = ()) -> JSONResponse:
    """One notice is answered by the status, too; several are answered 200, each notice by its own answer."""
    first = answers[0]
    status = 200 if batch else _STATUS_OF_RULE.get(first.rule or "", _STATUS[first.answer])
    body = Answers(messages=answers, warnings=[advice(f"warning.{each}") for each in warnings])
    return JSONResponse(body.model_dump(mode="json"), status, {"Cache-Control": "no-store"})
