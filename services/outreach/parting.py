"""Which part of a case's file is that of a case that was split from it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from services.outreach.casefile import Attempt, CaseFile, Contact, Told, Visit, Waiver
from services.outreach.doubles import without_counterpart
from shared.contracts.topics.cases import CaseEvent


class Part:
    """Which items of a file are the new case's."""

    def __init__(self, file: CaseFile, begins: CaseEvent, stays: CaseEvent, undoes: UUID | None) -> None:
        self.file, self.undoes = file, undoes
        self.names = {each.was: each.now for each in begins.replaced}
        self._suits = {each.proceeding_id for each in begins.proceedings}, {each.proceeding_id for each in stays.proceedings}
        self._persons = persons_of(begins), persons_of(stays)
        self.owed_ids = {
            each.id for each in file.owed if self._came(each.via) or self._is_new(each.person_id, each.proceeding_id)
        }

    def _came(self, via: tuple[UUID, ...]) -> bool:
        return self.undoes is not None and self.undoes in via

    def _is_new(self, person_id: UUID, proceeding_id: UUID | None) -> bool:
        """A suit decides; where there is none, the person, unless both cases have them."""
        what, (new, stay) = (person_id, self._persons) if proceeding_id is None else (proceeding_id, self._suits)
        return what not in stay and self.names.get(what, what) in new

    def visits(self) -> list[Visit]:
        """The visits that serve the new case alone; one that serves both stays, and the new case is planned one of its own."""
        still_open = {each.id for each in self.file.open_owed}
        return [
            visit
            for visit in self.file.visits
            if (ids := set(visit.obligation_ids) & (set(visit.obligation_ids) if visit.closed else still_open))
            and ids <= self.owed_ids
        ]

    def taken(self, visits: Sequence[Visit]) -> CaseFile:
        """The part that moves, by the ids it had; an attempt for both cases is both's."""
        file = self.file
        attempts = tuple(replace(each, obligation_ids=ids) for each in file.attempts if (ids := self._of(each)) is not None)
        waivers = tuple(replace(each, obligation_ids=ids) for each in file.waivers if (ids := self._of(each)) is not None)
        contacts = tuple(each for each in file.contacts if self._came(each.via))
        consents = tuple(each for each in file.consents if self._came(each.via) or self._is_new(each.person_id, None))
        gone = self.reports_gone()
        shared = {each.report_id for each in attempts} | {each.report_id for each in waivers}
        return replace(
            file,
            owed=tuple(each for each in file.owed if each.id in self.owed_ids),
            excused=tuple(each for each in file.excused if self._is_new(each.person_id, each.proceeding_id)),
            visits=tuple(replace(each, obligation_ids=self._ids(each.obligation_ids)) for each in visits),
            attempts=attempts,
            waivers=waivers,
            contacts=contacts,
            talks=tuple(each for each in file.talks if each.report_id in gone),
            consents=consents,
            referrals=tuple(each for each in file.referrals if self._came(each.via)),
            reports=tuple(each for each in file.reports if each.id in gone | shared),
        )

    def rest(self, moved: Iterable[Visit]) -> CaseFile:
        """The part that stays."""
        file, gone, without = self.file, self.reports_gone(), {each.id for each in moved}
        consents = tuple(each for each in file.consents if not (self._came(each.via) or self._is_new(each.person_id, None)))
        return replace(
            file,
            owed=without_counterpart([each for each in file.owed if each.id not in self.owed_ids]),
            excused=tuple(each for each in file.excused if not self._is_new(each.person_id, each.proceeding_id)),
            visits=tuple(
                replace(each, obligation_ids=self._others(each.obligation_ids)) for each in file.visits if each.id not in without
            ),
            attempts=tuple(
                replace(each, obligation_ids=self._others(each.obligation_ids))
                for each in file.attempts
                if each.report_id not in gone
            ),
            waivers=tuple(
                replace(each, obligation_ids=self._others(each.obligation_ids))
                for each in file.waivers
                if each.report_id not in gone
            ),
            contacts=tuple(each for each in file.contacts if each.report_id not in gone),
            talks=tuple(each for each in file.talks if each.report_id not in gone),
            consents=consents,
            referrals=tuple(each for each in file.referrals if not self._came(each.via)),
            reports=tuple(each for each in file.reports if each.id not in gone),
        )

    def reports_gone(self) -> set[UUID]:
        """The reports that tell of the new case alone."""
        at_door: list[Attempt | Waiver] = [*self.file.attempts, *self.file.waivers]
        talked: list[Contact | Told] = [*self.file.contacts, *self.file.talks]
        tried = {each.report_id for each in at_door if self._of(each) is not None and not self._others(each.obligation_ids)}
        consents = {each.report_id for each in self.file.consents if self._came(each.via) or self._is_new(each.person_id, None)}
        came = {each.id for each in self.file.reports if self._came(each.via)}
        came |= {each.report_id for each in talked if self._came(each.via)}
        return tried | consents | (came - {each.report_id for each in at_door} - {each.report_id for each in self.file.consents})

    def _of(self, item: Attempt | Waiver) -> tuple[UUID, ...] | None:
        ids = self._ids(item.obligation_ids)
        return ids if ids or (not item.obligation_ids and self._came(item.via)) else None

    def _ids(self, ids: tuple[UUID, ...]) -> tuple[UUID, ...]:
        return tuple(each for each in ids if each in self.owed_ids)

    def _others(self, ids: tuple[UUID, ...]) -> tuple[UUID, ...]:
        return tuple(each for each in ids if each not in self.owed_ids)


def persons_of(case: CaseEvent) -> set[UUID]:
    """The tenants and all who are sued."""
    return {*case.tenant_ids, *(one.person_id for suit in case.proceedings for one in suit.defendants)}


def without(case: CaseEvent, begins: CaseEvent) -> CaseEvent:
    """A case's state as it would be once the other, which begins with its part, is split from it."""
    names = {each.was: each.now for each in begins.replaced}
    taken = {each.proceeding_id for each in begins.proceedings}
    suits = tuple(each for each in case.proceedings if each.proceeding_id not in taken)
    sued = {one.person_id for suit in suits for one in suit.defendants}
    gone = persons_of(begins)
    tenants = tuple(each for each in case.tenant_ids if each in sued or names.get(each, each) not in gone)
    return case.model_copy(update={"proceedings": suits, "tenant_ids": tenants})
