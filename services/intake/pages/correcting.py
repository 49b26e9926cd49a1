"""A notice the desk has filed, corrected or taken back: the desk's own notice again, as every sender's correction is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.intake import store as statements
from services.intake.form_writing import correctable, form_of
from services.intake.pages import store
from services.intake.pages.posting import posted, to
from services.intake.pages.store import Draft
from shared.contracts.catalogue import NOTICES
from shared.contracts.codes import Origin
from shared.contracts.topics.notices import NoticeRevoked, SuitFiled
from shared.messaging.wire import Envelope, encode
from shared.runtime.access_log import record_read
from shared.runtime.auth import require
from shared.runtime.persons import Person, Role
from shared.runtime.problems import Problem
from shared.runtime.telemetry import traceparent
from shared.runtime.texts import Lang

if TYPE_CHECKING:
    from shared.messaging.model import Tx
    from shared.runtime.service import Running

Clerk = Annotated[Person, Depends(require(Role.CLERK))]
Language = Annotated[Lang, Query()]


def routes(system: Running) -> APIRouter:
    """The routes of a running service."""
    router = APIRouter()
    source = f"urn:bleibe:partner:{system.city.desk}"
    topic = NOTICES.of(system.city.desk)

    @router.post("/mitteilungen/{notice_id}/berichtigen")
    async def correct(person: Clerk, notice_id: UUID, lang: Language = "de") -> Response:
        """The form as it was filed, to be changed and filed again; a correction that somebody has begun goes on."""
        async with system.pool.acquire() as connection, connection.transaction():
            filed = await _filed(connection, source, notice_id)
            new = Draft(uuid4(), person.id, system.clock.now(), form_of(filed), notice_id)
            draft_id = await store.begin_correction(connection, new)
            await record_read(connection, person, "intake", [notice_id], "draft", system.clock.now())
        return to(f"/vordruck/{draft_id}", lang)

    @router.post("/mitteilungen/{notice_id}/zuruecknehmen")
    async def revoke(request: Request, person: Clerk, notice_id: UUID, lang: Language = "de") -> Response:
        """The court has taken its notice back: it counts no more, and its data are blocked at once."""
        async with system.pool.acquire() as connection, connection.transaction():
            filed = await _filed(connection, source, notice_id)
        if "sure" not in await posted(request):
            return to(f"/mitteilungen/{notice_id}", lang, unsicher="true")
        now = system.clock.now()
        notice = NoticeRevoked(
            channel=filed.channel,
            actor=person.id,
            on_behalf_of=Origin.COURT,
            legal_basis=filed.legal_basis,
            recorded_at=now,
            revokes=notice_id,
        )
        # The same id however often it is pressed: it is taken back once.
        envelope = Envelope(revocation_of(notice_id), source, notice.TYPE, now, str(notice_id), traceparent=traceparent())
        try:
            await system.submit([encode(topic, envelope, notice.model_dump_json(exclude_none=True).encode())])
        except TimeoutError as error:
            raise Problem("unavailable") from error
        return to(f"/mitteilungen/{notice_id}", lang)

    return router


def revocation_of(notice_id: UUID) -> UUID:
    """The id under which the desk takes a notice back."""
    return uuid5(notice_id, "revoked")


async def _filed(tx: Tx, source: str, notice_id: UUID) -> SuitFiled:
    together = await statements.connected(tx, [(source, notice_id)], ())
    filed = correctable(together, (source, notice_id))
    if filed is None:
        raise Problem("not_found")
    return filed
