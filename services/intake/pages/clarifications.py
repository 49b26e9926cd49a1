"""`/klaerungen`: which cases may be one, why we think so, and the answer of a person."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias
from uuid import UUID

from asyncpg import DeadlockDetectedError
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.intake import clarifying
from services.intake.clarifying import START, Clarifying
from services.intake.pages import store
from services.intake.pages.posting import first, number, posted, to
from services.intake.pages.shown import Head, show, survivor
from services.intake.pages.wording import Wording
from shared.messaging.model import Rejected
from shared.runtime.access_log import record_read
from shared.runtime.auth import require
from shared.runtime.persons import Person, Role
from shared.runtime.problems import Problem
from shared.runtime.texts import Lang

if TYPE_CHECKING:
    from shared.runtime.service import Running

BUSY = (TimeoutError, DeadlockDetectedError)
"""Too many work on these cases at once: nothing has changed, and it may be tried again."""
DECIDE = (Role.CLERK, Role.TEAM_LEAD)
Reader = Annotated[Person, Depends(require(*DECIDE, Role.PRIVACY))]
Decider = Annotated[Person, Depends(require(*DECIDE))]
Language = Annotated[Lang, Query()]
Choice: TypeAlias = Literal["dieselben", "verschiedene"]


def decides(person: Person) -> bool:
    """Whether somebody may merge, split and answer; the others only read."""
    return not person.roles.isdisjoint(DECIDE)


def routes(system: Running) -> APIRouter:
    """The routes of a running service."""
    router = APIRouter()
    pages = _Questions(system)

    @router.get("/klaerungen")
    async def queue(person: Reader, lang: Language = "de", seit: date = START[0], nach: UUID = START[1]) -> Response:
        return await pages.queue(person, lang, (seit, nach))

    @router.get("/klaerungen/{question_id}")
    async def question(
        person: Reader, question_id: UUID, lang: Language = "de", wahl: Choice | None = None, neu: bool = False
    ) -> Response:
        return await pages.question(person, question_id, lang, chosen=wahl, new=neu)

    @router.post("/klaerungen/{question_id}")
    async def answer(request: Request, person: Decider, question_id: UUID, lang: Language = "de") -> Response:
        form = await posted(request)
        seen = (number(first(form, name)) for name in ("one", "other"))
        return await pages.answer(person, question_id, lang, first(form, "wahl"), {each for each in seen if each is not None})

    return router


class _Questions:
    """Shows what is to be clarified and takes the answers."""

    def __init__(self, system: Running) -> None:
        self.system = system
        self.wording = Wording(system.city)

    async def queue(self, person: Person, lang: Lang, after: tuple[date, UUID]) -> Response:
        """The open questions after one, oldest first."""
        async with self.system.pool.acquire() as connection, connection.transaction():
            count = await clarifying.count_questions(connection)
            questions = await clarifying.open_questions(connection, after)
            pairs = {case_id for each in questions for case_id in (each.one, each.other)}
            heads = {each.case.id: each for each in (Head(*found) for found in await store.cases(connection, list(pairs)))}
            about = [*heads, *dict.fromkeys(each.household.id for each in heads.values())]
            await record_read(connection, person, "intake", about, "clarifications", self.system.clock.now())
        return self.system.pages.render(
            "klaerungen.html",
            lang=lang,
            count=count,
            questions=questions,
            full=len(questions) == clarifying.PAGE,
            heads=heads,
            wording=self.wording,
            today=self.system.clock.today(),
        )

    async def question(
        self,
        person: Person,
        question_id: UUID,
        lang: Lang,
        *,
        chosen: Choice | None = None,
        new: bool = False,
        refused: str | None = None,
    ) -> Response:
        """Both households beside each other; `chosen`: what follows from an answer before it is given."""
        async with self.system.pool.acquire() as connection, connection.transaction():
            asked = await clarifying.question(connection, question_id)
            if asked is None:
                raise Problem("not_found")
            cases = await show(connection, [asked.one, asked.other])
            about = [subject for each in cases for subject in each.subjects]
            await record_read(connection, person, "intake", about, "clarification", self.system.clock.now())
        deciding = decides(person) and asked.state == "OPEN"
        return self.system.pages.render(
            "klaerung.html",
            lang=lang,
            status=409 if refused else 200,
            question=asked,
            cases=cases,
            stays=survivor(cases),
            name=lambda person_id: next(filter(None, (each.name(person_id) for each in cases)), None),
            deciding=deciding,
            chosen=chosen if deciding and not refused else None,
            new=new,
            refused=refused,
            me=person.id,
            wording=self.wording,
            today=self.system.clock.today(),
        )

    async def answer(self, person: Person, question_id: UUID, lang: Lang, choice: str, seen: set[UUID]) -> Response:
        """Only what the person has looked at is decided: where it changed meanwhile they look again."""
        if choice not in ("dieselben", "verschiedene"):
            raise Problem("bad_request")
        try:
            into = await Clarifying.of(self.system).decide(question_id, seen, same=choice == "dieselben", by=person.id)
        except Rejected as refusal:
            return await self.question(person, question_id, lang, refused=refusal.rule)
        except BUSY as error:
            raise Problem("unavailable") from error
        if into is None:
            return to(f"/klaerungen/{question_id}", lang, neu="true")
        return to(f"/faelle/{into}", lang, neu="merged")
