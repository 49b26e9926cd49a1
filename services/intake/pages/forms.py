"""`/vordruck`: the court's printed form typed by a clerk, put aside as a draft, filed as the same notice as any other."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final, cast
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.intake.door import body
from services.intake.form import BASES, FormEntry, Group, fields, typed
from services.intake.form_reading import Wrong, hints, read
from services.intake.pages import store
from services.intake.pages.posting import MAX_FIELDS, to
from services.intake.pages.store import Draft
from services.intake.pages.wording import Wording
from services.intake.room import atlas_of
from shared.contracts.catalogue import NOTICES
from shared.contracts.codes import LandlordKind, LegalBasis, TerminationType
from shared.contracts.topics.notices import NoticeCorrected
from shared.messaging.model import Answer, Rejected
from shared.messaging.wire import Envelope, encode
from shared.runtime.access_log import record_read
from shared.runtime.auth import require
from shared.runtime.persons import Person, Role
from shared.runtime.problems import Problem
from shared.runtime.telemetry import traceparent
from shared.runtime.texts import Lang

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.contracts.topics.notices import SuitFiled
    from shared.messaging.model import Tx
    from shared.runtime.service import Running

Clerk = Annotated[Person, Depends(require(Role.CLERK))]
Language = Annotated[Lang, Query()]
_PRESSED: Final = re.compile(r"(add|remove):(plaintiffs|defendants)(?:\.(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Sent:
    """A submitted form: what was typed, the button that was pressed, the field the cursor stood in."""

    form: FormEntry
    pressed: str
    at: str
    sure: bool


def routes(system: Running) -> APIRouter:
    """The routes of a running service."""
    router = APIRouter()
    desk = _FormDesk(system)

    @router.get("/vordruck")
    async def empty(_: Clerk, lang: Language = "de") -> Response:
        form = FormEntry(court_code=next(iter(desk.wording.courts)))
        return desk.page(uuid4(), form, lang, focus="docket")

    @router.get("/vordruck/{draft_id}")
    async def resume(person: Clerk, draft_id: UUID, lang: Language = "de", at: str = "", kept: bool = False) -> Response:
        return await desk.resume(person, draft_id, lang, at, kept=kept)

    @router.post("/vordruck/{draft_id}")
    async def press(request: Request, person: Clerk, draft_id: UUID, lang: Language = "de") -> Response:
        return await desk.press(await _sent(request), person, draft_id, lang)

    return router


class _FormDesk:
    """Where forms are typed: shows them, keeps drafts, files them as notices of the city's desk."""

    def __init__(self, system: Running) -> None:
        self.system = system
        self.wording = Wording(system.city)
        self.atlas = atlas_of(system.city)
        self.source = f"urn:bleibe:partner:{system.city.desk}"
        self.topic = NOTICES.of(system.city.desk)

    def page(
        self,
        draft_id: UUID,
        form: FormEntry,
        lang: Lang,
        *,
        wrong: Sequence[Wrong] = (),
        focus: str = "",
        kept: bool = False,
        corrects: UUID | None = None,
    ) -> Response:
        """The form; the cursor stands in the first wrong field, else in `focus`. `kept`: it has just been saved."""
        notice, _ = read(form, self.system.clock.now(), "clerk", self.wording.courts) if kept else (None, ())
        return self.system.pages.render(
            "vordruck.html",
            lang=lang,
            status=422 if wrong else 200,
            draft_id=draft_id,
            form=form,
            wrong={each.field: each.rule for each in reversed(wrong)},
            problems=wrong,
            focus=wrong[0].field if wrong else focus,
            kept=kept,
            corrects=corrects,
            hints=[] if notice is None else hints(notice, self.atlas),
            wording=self.wording,
            landlords=LandlordKind,
            terminations=TerminationType,
            bases=BASES,
            today=self.system.clock.today(),
        )

    async def resume(self, person: Person, draft_id: UUID, lang: Lang, at: str, *, kept: bool) -> Response:
        """A draft as it was left."""
        async with self.system.pool.acquire() as connection, connection.transaction():
            if await self._filed(connection, draft_id):
                return to(f"/mitteilungen/{draft_id}", lang)
            draft = await store.draft(connection, draft_id)
            if draft is None:
                raise Problem("not_found")
            await record_read(connection, person, "intake", [draft_id], "draft", self.system.clock.now())
        focus = at if at in fields(draft.form) else ("" if kept else "docket")
        return self.page(draft_id, draft.form, lang, focus=focus, kept=kept, corrects=draft.corrects)

    async def press(self, sent: Sent, person: Person, draft_id: UUID, lang: Lang) -> Response:
        """Whatever is pressed, what was typed is saved first; only a form that is to be discarded is not."""
        form, focus = _changed(sent)
        async with self.system.pool.acquire() as connection, connection.transaction():
            if await self._filed(connection, draft_id):
                return to(f"/mitteilungen/{draft_id}", lang)
            if sent.pressed == "discard" and sent.sure:
                await store.delete_draft(connection, draft_id)
                return to("/", lang)
            corrects = await store.save_draft(connection, Draft(draft_id, person.id, self.system.clock.now(), form))
        if sent.pressed == "discard":
            return self.page(draft_id, form, lang, wrong=[Wrong("sure", "sure")], kept=True, corrects=corrects)
        if sent.pressed != "file":
            return to(f"/vordruck/{draft_id}", lang, kept="true", **({"at": focus} if focus else {}))
        notice, wrong = read(form, self.system.clock.now(), person.id, self.wording.courts)
        if notice is None:
            return self.page(draft_id, form, lang, wrong=wrong, kept=True, corrects=corrects)
        return await self._file(Draft(draft_id, person.id, self.system.clock.now(), form, corrects), notice, lang)

    async def _file(self, draft: Draft, suit: SuitFiled, lang: Lang) -> Response:
        """The form becomes a notice of the desk, in the same way as every other notice, or the correction of one."""
        draft_id, notice = draft.id, suit if draft.corrects is None else _correction(suit, draft.corrects)
        envelope = Envelope(draft_id, self.source, notice.TYPE, notice.recorded_at, str(draft_id), traceparent=traceparent())
        raw = encode(self.topic, envelope, notice.model_dump_json(exclude_none=True).encode())
        try:
            (decision,) = await self.system.submit([raw])
        except TimeoutError as error:
            raise Problem("unavailable") from error
        again = uuid4()
        async with self.system.pool.acquire() as connection, connection.transaction():
            await store.delete_draft(connection, draft_id)
            if await self._filed(connection, draft_id):
                return to(f"/mitteilungen/{draft_id}", lang, neu="true")
            # The refused notice keeps its id for ever; what was typed goes on under a new one.
            await store.save_draft(connection, replace(draft, id=again))
        field = (decision.field or "defendants.0.street").removeprefix("content.")
        wrong = Wrong(field, decision.rule or "not_accepted")
        return self.page(again, draft.form, lang, wrong=[wrong], kept=True, corrects=draft.corrects)

    async def _filed(self, tx: Tx, draft_id: UUID) -> bool:
        """Whether the form is a notice already: the button was pressed twice, or an old page was opened again."""
        found = await store.notices(tx, [draft_id])
        return any(each.source == self.source and each.answer is not Answer.REJECTED for each in found)


def _correction(suit: SuitFiled, corrects: UUID) -> NoticeCorrected:
    """What the court's notice should have said (EGGVG § 20 II); the city has the correction from now on."""
    return NoticeCorrected(
        channel=suit.channel,
        actor=suit.actor,
        on_behalf_of=suit.on_behalf_of,
        recorded_at=suit.recorded_at,
        legal_basis=LegalBasis.EGGVG_20,
        proceeding=suit.proceeding,
        corrects=corrects,
        content=suit,
    )


def _changed(sent: Sent) -> tuple[FormEntry, str]:
    """The form after the pressed button did its part, and the field to go on with."""
    found = _PRESSED.fullmatch(sent.pressed)
    if found is None:
        return sent.form.compacted(), sent.at
    what, group, place = found[1], cast("Group", found[2]), int(found[3] or 0)
    if what == "remove":
        form = sent.form.removed(group, place).compacted()
        return form, f"{group}.{min(place, len(form.parties(group)) - 1)}.family_name"
    form = sent.form.compacted()
    form = form.added(group) if not form.parties(group)[-1].empty else form
    return form, f"{group}.{len(form.parties(group)) - 1}.family_name"


async def _sent(request: Request) -> Sent:
    try:
        pairs = parse_qsl((await body(request)).decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except (Rejected, ValueError) as error:
        raise Problem("bad_request") from error
    last = dict(pairs)
    return Sent(typed(pairs), last.get("do", "draft"), last.get("at", ""), "sure" in last)
