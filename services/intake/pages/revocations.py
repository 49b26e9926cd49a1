"""`/widerrufe`: revoked notices that are still kept, and the word of the second person that erases one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.intake import agreeing
from services.intake.pages.posting import first, notice_key, posted, to
from services.intake.pages.wording import Wording
from shared.messaging.model import Rejected
from shared.runtime.access_log import record_read
from shared.runtime.auth import require
from shared.runtime.persons import Person, Role
from shared.runtime.problems import Problem
from shared.runtime.texts import Lang

if TYPE_CHECKING:
    from shared.runtime.service import Running

AGREE: Final = (Role.TEAM_LEAD, Role.PRIVACY)
Agreeing = Annotated[Person, Depends(require(*AGREE))]
Language = Annotated[Lang, Query()]
Done: TypeAlias = Literal["first", "second"]


def agrees(person: Person) -> bool:
    """Whether somebody may agree that a revoked notice is erased."""
    return not person.roles.isdisjoint(AGREE)


def routes(system: Running) -> APIRouter:
    """The routes of a running service."""
    router = APIRouter(prefix="/widerrufe")
    wording = Wording(system.city)

    async def page(person: Person, lang: Lang, *, done: Done | None = None, refused: str | None = None) -> Response:
        async with system.pool.acquire() as connection, connection.transaction():
            found = await agreeing.revoked(connection)
            cases = dict.fromkeys(each.case_id for each in found if each.case_id is not None)
            about = [*(each.id for each in found), *cases]
            await record_read(connection, person, "intake", about, "revocations", system.clock.now())
        return system.pages.render(
            "widerrufe.html",
            lang=lang,
            status=409 if refused else 200,
            found=found,
            done=done,
            refused=refused,
            me=person.id,
            wording=wording,
        )

    @router.get("")
    async def listed(person: Agreeing, lang: Language = "de", neu: Done | None = None) -> Response:
        return await page(person, lang, done=neu)

    @router.post("")
    async def agree(request: Request, person: Agreeing, lang: Language = "de") -> Response:
        notice = notice_key(first(await posted(request), "notice"))
        if notice is None:
            raise Problem("bad_request")
        try:
            async with system.pool.acquire() as connection, connection.transaction():
                second = await agreeing.agree(connection, notice, person.id, system.clock.now())
        except Rejected as refusal:
            return await page(person, lang, refused=refusal.rule)
        return to("/widerrufe", lang, neu="second" if second else "first")

    return router
