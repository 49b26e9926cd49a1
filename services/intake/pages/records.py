"""`/mitteilungen`: a notice's history. Found by court file or id, never by name; every reading is recorded with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.intake import store as statements
from services.intake.facts import Statement
from services.intake.form_writing import correctable
from services.intake.history import Due, Line, due, lines
from services.intake.matching import docket_key
from services.intake.pages import store
from services.intake.pages.posting import first, number, posted, to
from services.intake.pages.store import Reading, Received
from services.intake.pages.wording import Wording
from services.intake.revoking import revoked_with
from services.intake.room import atlas_of, clockwork_of
from shared.contracts.topics.notices import NoticeRevoked, ProceedingRef
from shared.runtime.access_log import record_read
from shared.runtime.auth import require
from shared.runtime.persons import Person, Role
from shared.runtime.problems import Problem
from shared.runtime.texts import Lang

if TYPE_CHECKING:
    from services.intake.snapshot import CaseState
    from shared.messaging.model import Tx
    from shared.runtime.service import Running

SHOWN_BYTES: Final = 20_000

Reader = Annotated[Person, Depends(require(Role.CLERK, Role.TEAM_LEAD, Role.PRIVACY))]
Language = Annotated[Lang, Query()]


@dataclass(frozen=True, slots=True)
class History:
    """One notice: how it came, what it said, what refers to it, the case it is in with its deadlines, who read about it.

    `blocked`: it was revoked, so what it said is shown to nobody. `ours`: the desk filed it and may correct it or take it back.
    """

    received: Received
    statement: Statement | None = None
    said: list[Line] = field(default_factory=list)
    about: list[Statement] = field(default_factory=list)
    case: CaseState | None = None
    deadlines: list[Due] = field(default_factory=list)
    blocked: bool = False
    ours: bool = False
    readings: list[Reading] = field(default_factory=list)

    @property
    def refused_text(self) -> str:
        """The refused content, for a person to see what was wrong with it."""
        return (self.received.refused or b"")[:SHOWN_BYTES].decode("utf-8", "replace")


def routes(system: Running) -> APIRouter:
    """The routes of a running service."""
    router = APIRouter()
    records = _Records(system)

    @router.get("/mitteilungen")
    async def search_page(person: Reader, lang: Language = "de", fall: UUID | None = None) -> Response:
        return await records.of_case(person, fall, lang)

    @router.post("/mitteilungen")
    async def search(request: Request, person: Reader, lang: Language = "de") -> Response:
        """By POST, because a docket is personal data and an address is kept in many places."""
        form = await posted(request)
        return await records.search(person, first(form, "court_code"), first(form, "wanted"), lang)

    @router.get("/mitteilungen/{notice_id}")
    async def notice(
        person: Reader, notice_id: UUID, lang: Language = "de", neu: bool = False, unsicher: bool = False
    ) -> Response:
        return await records.notice(person, notice_id, lang, new=neu, unsure=unsicher)

    return router


class _Records:
    """Looks notices up for people."""

    def __init__(self, system: Running) -> None:
        self.system = system
        self.wording = Wording(system.city)
        self.atlas = atlas_of(system.city)
        self.clockwork = clockwork_of(system.city)
        self.desk = f"urn:bleibe:partner:{system.city.desk}"

    async def of_case(self, person: Person, case_id: UUID | None, lang: Lang) -> Response:
        """The search page, with the notices of a case where one is named."""
        async with self.system.pool.acquire() as connection, connection.transaction():
            found, case = ([], None) if case_id is None else await self._of(connection, case_id)
            await self._record(connection, person, case, found)
        return self._list(found, lang, asked=case_id is not None, case=case)

    async def search(self, person: Person, court: str, wanted: str, lang: Lang) -> Response:
        """What was found; a single notice by its id at once."""
        async with self.system.pool.acquire() as connection, connection.transaction():
            found, case_id = await self._look_up(connection, court, wanted)
            await self._record(connection, person, case_id, found)
        if case_id is None and len({each.id for each in found}) == 1:
            return to(f"/mitteilungen/{found[0].id}", lang)
        return self._list(found, lang, asked=True, case=case_id, court=court, wanted=wanted)

    async def notice(self, person: Person, notice_id: UUID, lang: Lang, *, new: bool, unsure: bool) -> Response:
        """One notice's history; two senders may have used one id."""
        async with self.system.pool.acquire() as connection, connection.transaction():
            received = await store.notices(connection, [notice_id])
            if not received:
                raise Problem("not_found")
            cases = {each.case_id for each in received if each.case_id is not None}
            homes = {home.id for _, home in await store.cases(connection, list(cases))}
            await record_read(connection, person, "intake", [notice_id, *cases, *homes], "notice", self.system.clock.now())
            histories = [await self._history(connection, each, lang) for each in received]
        return self.system.pages.render(
            "mitteilung.html",
            lang=lang,
            histories=histories,
            new=new,
            unsure=unsure,
            clerk=Role.CLERK in person.roles,
            wording=self.wording,
            today=self.system.clock.today(),
        )

    async def _history(self, tx: Tx, received: Received, lang: Lang) -> History:
        together = await statements.connected(tx, [(received.source, received.id)], ())
        statement = next((each for each in together if each.id == received.id), None)
        if statement is None:
            return History(received, readings=await store.readings(tx, [received.id]))
        about = [each for each in together if each.id != received.id]
        blocked = statement.key in revoked_with(together, [each.key for each in together]) and not _revokes(statement)
        found = None if statement.case_id is None else await store.case(tx, statement.case_id)
        return History(
            received,
            statement,
            [] if blocked else lines(statement.content),
            sorted(about, key=lambda each: each.age),
            None if found is None else found[0],
            [] if found is None else due(found[0].id, found[2], found[1], self.atlas, self.clockwork, uuid4, lang),
            blocked,
            received.source == self.desk and correctable(together, statement.key) is not None,
            await store.readings(tx, [received.id] if found is None else [received.id, found[0].id]),
        )

    async def _look_up(self, tx: Tx, court: str, wanted: str) -> tuple[list[Received], UUID | None]:
        """The notices of a notice's id, of a case's id, or of a court file; with the case, where it was one."""
        wanted_id = number(wanted)
        if wanted_id is not None:
            found = await store.notices(tx, [wanted_id])
            return (found, None) if found else await self._of(tx, wanted_id)
        if not wanted or court not in self.wording.courts:
            return [], None
        docket = docket_key(ProceedingRef(court_code=court, docket=wanted[:60]))
        case_id = await store.case_of_docket(tx, docket)
        waiting = await store.notices_waiting(tx, docket)
        return (waiting if case_id is None else [*await store.notices_of_case(tx, case_id), *waiting]), case_id

    async def _of(self, tx: Tx, case_id: UUID) -> tuple[list[Received], UUID | None]:
        """The notices of a case, and that case: an alias means the one it is part of now."""
        living = next(iter(await store.living(tx, [case_id])), None)
        return ([] if living is None else await store.notices_of_case(tx, living)), living

    async def _record(self, tx: Tx, person: Person, case_id: UUID | None, found: list[Received]) -> None:
        subjects = [*([] if case_id is None else [case_id]), *(each.id for each in found)]
        await record_read(tx, person, "intake", subjects, "notices", self.system.clock.now())

    def _list(
        self, found: list[Received], lang: Lang, *, asked: bool, case: UUID | None, court: str = "", wanted: str = ""
    ) -> Response:
        return self.system.pages.render(
            "suche.html", lang=lang, found=found, asked=asked, case=case, court=court, wanted=wanted, wording=self.wording
        )


def _revokes(statement: Statement) -> bool:
    return isinstance(statement.content, NoticeRevoked)
