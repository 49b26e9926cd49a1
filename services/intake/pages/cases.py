"""`/faelle`: a case with its notices, the merges it went through, merging it with another and splitting it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.intake import clarifying
from services.intake.clarifying import Clarifying, Moved
from services.intake.facts import StatementKey
from services.intake.matching import docket_key
from services.intake.pages import store
from services.intake.pages.clarifications import BUSY, DECIDE, decides
from services.intake.pages.posting import first, notice_key, number, posted, to
from services.intake.pages.shown import Shown, show, survivor
from services.intake.pages.wording import Wording
from shared.contracts.topics.notices import ProceedingRef
from shared.messaging.model import Rejected
from shared.runtime.access_log import record_read
from shared.runtime.auth import require
from shared.runtime.persons import Person, Role
from shared.runtime.problems import Problem
from shared.runtime.texts import Lang

if TYPE_CHECKING:
    from services.intake.questions import Question
    from shared.messaging.model import Tx
    from shared.runtime.service import Running

Reader = Annotated[Person, Depends(require(*DECIDE, Role.PRIVACY))]
Decider = Annotated[Person, Depends(require(*DECIDE))]
Language = Annotated[Lang, Query()]
Done: TypeAlias = Literal["merged", "split"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody is about to do with a case, or was refused: the notices they ticked, the merge to be undone, the rule."""

    ticked: frozenset[str] = frozenset()
    splitting: bool = False
    undoing: UUID | None = None
    refused: str | None = None
    wanted: str = ""
    court: str = ""


def routes(system: Running) -> APIRouter:
    """The routes of a running service."""
    router = APIRouter(prefix="/faelle/{case_id}")
    pages = _Cases(system)

    @router.get("")
    async def case(
        person: Reader,
        case_id: UUID,
        lang: Language = "de",
        war: UUID | None = None,
        neu: Done | None = None,
        zurueck: UUID | None = None,
    ) -> Response:
        return await pages.case(person, case_id, lang, Asked(undoing=zurueck), was=war, done=neu)

    @router.post("/rueckgaengig")
    async def undo(request: Request, person: Decider, case_id: UUID, lang: Language = "de") -> Response:
        form = await posted(request)
        absorbed = number(first(form, "absorbed"))
        if absorbed is None:
            raise Problem("bad_request")
        return await pages.undo(person, case_id, absorbed, form.get("seen", []), lang)

    @router.post("/trennen")
    async def split(request: Request, person: Decider, case_id: UUID, lang: Language = "de") -> Response:
        form = await posted(request)
        return await pages.split(person, case_id, form.get("notice", []), form.get("seen", []), lang, sure="sure" in form)

    @router.post("/zusammenfuehren")
    async def merge(request: Request, person: Decider, case_id: UUID, lang: Language = "de") -> Response:
        """By POST, because a court file's number is personal data."""
        form = await posted(request)
        other = number(first(form, "other"))
        if other is not None:
            return await pages.merge(person, case_id, other, lang)
        return await pages.choose(person, case_id, first(form, "court_code"), first(form, "wanted"), lang)

    return router


class _Cases:
    """Shows cases and does with them what people decide."""

    def __init__(self, system: Running) -> None:
        self.system = system
        self.wording = Wording(system.city)

    async def case(
        self, person: Person, case_id: UUID, lang: Lang, asked: Asked, *, was: UUID | None = None, done: Done | None = None
    ) -> Response:
        """The case; an alias leads to the case it is part of now."""
        async with self.system.pool.acquire() as connection, connection.transaction():
            shown = next(iter(await show(connection, [case_id])), None)
            if shown is None:
                raise Problem("not_found")
            if shown.case.id != case_id and asked.refused is None:
                return to(f"/faelle/{shown.case.id}", lang, war=str(case_id))
            moved = await _moves(connection, shown)
            named = await store.living(connection, [] if was is None else [was])
            questions: list[Question] = await clarifying.questions_about(connection, shown.case.id)
            subjects = [*shown.subjects, *(each.partner(shown.case.id) for each in questions)]
            await record_read(connection, person, "intake", subjects, "case", self.system.clock.now())
        came_with = {each: shown.going_back(each) for each in shown.case.absorbed}
        return self.system.pages.render(
            "fall.html",
            lang=lang,
            status=409 if asked.refused else 200,
            shown=shown,
            asked=asked,
            was=was if named == [shown.case.id] != [was] else None,
            done=done,
            moves=moved,
            came_with=came_with,
            undoing=asked.undoing if asked.undoing is not None and came_with.get(asked.undoing) else None,
            questions=questions,
            deciding=decides(person),
            me=person.id,
            wording=self.wording,
            today=self.system.clock.today(),
        )

    async def undo(self, person: Person, case_id: UUID, absorbed: UUID, seen: Collection[str], lang: Lang) -> Response:
        """What came with an absorbed case becomes a case again."""

        async def work() -> UUID:
            return await Clarifying.of(self.system).undo(case_id, absorbed, seen=_keys(seen), by=person.id)

        return await self._do(person, case_id, lang, Asked(), "split", work)

    async def split(
        self, person: Person, case_id: UUID, ticked: Collection[str], seen: Collection[str], lang: Lang, *, sure: bool
    ) -> Response:
        """Notices become a case of their own; what follows is said first."""
        asked = Asked(frozenset(ticked), splitting=bool(ticked))
        if ticked and not sure:
            return await self.case(person, case_id, lang, asked)

        async def work() -> UUID:
            return await Clarifying.of(self.system).split(case_id, _keys(ticked), seen=_keys(seen), by=person.id)

        return await self._do(person, case_id, lang, Asked(asked.ticked), "split", work)

    async def choose(self, person: Person, case_id: UUID, court: str, wanted: str, lang: Lang) -> Response:
        """The case to be merged with this one, by its id or court file: both beside each other, and what follows."""
        async with self.system.pool.acquire() as connection, connection.transaction():
            here = await store.living(connection, [case_id])
            other = await self._look_up(connection, court, wanted)
            refused = "changed" if here != [case_id] else _refused(case_id, other)
            cases = [] if refused or other is None else await show(connection, [case_id, other])
            subjects = [subject for each in cases for subject in each.subjects]
            await record_read(connection, person, "intake", subjects, "case", self.system.clock.now())
        if refused:
            return await self.case(person, case_id, lang, Asked(refused=refused, wanted=wanted, court=court))
        return self.system.pages.render(
            "zusammenfuehren.html",
            lang=lang,
            cases=cases,
            stays=survivor(cases),
            wording=self.wording,
            today=self.system.clock.today(),
        )

    async def merge(self, person: Person, case_id: UUID, other: UUID, lang: Lang) -> Response:
        """Both cases and their households become one."""

        async def work() -> UUID:
            return await Clarifying.of(self.system).merge(case_id, other, by=person.id)

        return await self._do(person, case_id, lang, Asked(), "merged", work)

    async def _do(
        self, person: Person, case_id: UUID, lang: Lang, asked: Asked, done: Done, work: Callable[[], Awaitable[UUID]]
    ) -> Response:
        """A decision about what the person has looked at: where that has changed meanwhile, they look again."""
        try:
            found = await work()
        except Rejected as refusal:
            return await self.case(person, case_id, lang, replace(asked, refused=refusal.rule))
        except BUSY as error:
            raise Problem("unavailable") from error
        return to(f"/faelle/{found}", lang, neu=done)

    async def _look_up(self, tx: Tx, court: str, wanted: str) -> UUID | None:
        """The case that somebody named by an id, be it an alias, or by a court file."""
        found = number(wanted)
        if found is None and wanted and court in self.wording.courts:
            found = await store.case_of_docket(tx, docket_key(ProceedingRef(court_code=court, docket=wanted[:60])))
        return next(iter(await store.living(tx, [] if found is None else [found])), None)


def _refused(case_id: UUID, other: UUID | None) -> str | None:
    if other is None:
        return "no_such_case"
    return "same_case" if other == case_id else None


async def _moves(tx: Tx, shown: Shown) -> list[Moved]:
    """The merges and splits of a case and of all it has absorbed, newest first."""
    found = {each for case_id in (shown.case.id, *shown.case.absorbed) for each in await clarifying.moves_of(tx, case_id)}
    return sorted(found, key=lambda each: each.at, reverse=True)


def _keys(values: Collection[str]) -> list[StatementKey]:
    """The notices that a form named, see Told.value."""
    keys = [found for each in values if (found := notice_key(each)) is not None]
    if len(keys) < len(values):
        raise Rejected("notices", "not_of_this_case")
    return keys
