"""Which file a field report is about, after merges and splits. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from services.outreach.casefile import Attempt, CaseFile, Consent, Contact, ReportRef, Told, Waiver
from services.outreach.parting import persons_of
from shared.contracts.topics.field_reports import (
    FieldReport,
    ReportCorrection,
    WaiverReported,
)

Item = TypeVar("Item", Attempt, Waiver, Contact, Told, Consent, ReportRef)
Door = TypeVar("Door", Attempt, Waiver)


def translated(data: FieldReport, file: CaseFile) -> FieldReport:
    """The report by the ids that its persons, addresses and suits go by now."""
    named = {name: getattr(data, name, None) for name in ("person_id", "address_id", "proceeding_id")}
    return data.model_copy(update={name: file.names[what] for name, what in named.items() if what in file.names})


def reported_as(file: CaseFile, report_id: UUID, alias: UUID) -> CaseFile:
    """What a report brought that named an absorbed case: as if it had come with that case."""
    path = next((each.path for each in file.came if each.case_id == alias), ())
    roots = file.roots()
    its_own = {roots[each.id]: each.id for each in file.owed if each.doubles and alias in each.via}

    def mark(items: tuple[Item, ...]) -> tuple[Item, ...]:
        return tuple(replace(each, via=path) if _report(each) == report_id else each for each in items)

    def at_door(items: tuple[Door, ...]) -> tuple[Door, ...]:
        def its(item: Door) -> Door:
            ids = dict.fromkeys(its_own.get(each, each) for each in item.obligation_ids)
            return replace(item, obligation_ids=tuple(ids)) if item.report_id == report_id else item

        return tuple(its(each) for each in mark(items))

    return replace(
        file,
        attempts=at_door(file.attempts),
        waivers=at_door(file.waivers),
        contacts=mark(file.contacts),
        talks=mark(file.talks),
        consents=mark(file.consents),
        reports=mark(file.reports),
    )


def concerned(family: Sequence[CaseFile], data: FieldReport) -> Sequence[CaseFile]:
    """The files that a report is about: that of the case it names, or where what it names has gone with a split.

    A correction is about all that hold the report.
    """
    named = _named(data)
    found = [file for file in family if named is None or file.names.get(named, named) in _known(file)]
    return (found if isinstance(data, ReportCorrection) else found[:1]) or family[:1]


def _named(data: FieldReport) -> UUID | None:
    """The one thing beside its case that a report names, the most certain where it names several."""
    for name in ("visit_id", "consent_id", "corrects", "proceeding_id", "address_id", "person_id"):
        value = getattr(data, name, None)
        if isinstance(value, UUID):
            return value
    return data.obligation_ids[0] if isinstance(data, WaiverReported) else None


def _known(file: CaseFile) -> set[UUID]:
    """All that a report could name in this file."""
    return {
        *(each.id for each in file.visits),
        *(each.id for each in file.owed),
        *(each.id for each in file.reports),
        *(each.address_id for each in file.owed),
        *(each.report_id for each in file.consents),
        *(each.proceeding_id for each in file.case.proceedings),
        *persons_of(file.case),
    }


def _report(item: object) -> UUID | None:
    if isinstance(item, ReportRef):
        return item.id
    return item.report_id if isinstance(item, Attempt | Waiver | Contact | Told | Consent) else None
