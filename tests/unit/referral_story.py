"""Cases that are merged, split and merged on, as intake and outreach tell it key by key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from uuid import UUID

from pydantic import BaseModel

from services.referral.casefile import CaseFile
from shared.contracts.catalogue import ASSESSMENTS, CASES, VISITS
from shared.contracts.codes import (
    CaseChange,
    CaseStatus,
    Channel,
    ConsentForm,
    ConsentPurpose,
    HouseholdType,
    Need,
    Outcome,
    Stage,
)
from shared.contracts.topics.assessments import AssessmentRecorded, ConsentGiven, ConsentWithdrawn
from shared.contracts.topics.cases import CaseErased, CaseMerged, CaseSplit, CaseUpdated, Replaced
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.visits import ReportCorrected
from tests.unit.referral_town import ANNA, BEN, MONDAY, Town

S, X, W, N = (Town.case_id(n) for n in range(4))
OTHER_ANNA, CLARA, NEW_ANNA = UUID(int=3), UUID(int=4), UUID(int=5)
DEBTS, ARREARS, REHOUSING = Need.DEBT_COUNSELLING, Need.ARREARS_ASSUMPTION, Need.REHOUSING
Stream = tuple[str, UUID, Sequence[BaseModel]]


def case(case_id: UUID, *, persons: Iterable[UUID] = (ANNA, BEN), **fields: object) -> CaseUpdated:
    return CaseUpdated.model_validate(_state(case_id, tuple(persons)) | fields)


def _state(case_id: UUID, persons: tuple[UUID, ...]) -> dict[str, object]:
    return {
        "case_id": case_id, "household_id": Town.household_id(), "household_version": 1, "district": "NORD",
        "status": CaseStatus.OPEN, "stage": Stage.SUIT_FILED, "received_on": MONDAY, "channel": Channel.MIZI_FORM,
        "changes": (CaseChange.SUIT,), "changed_on": MONDAY, "tenant_ids": persons,
        "deadlines": (Town.deadline(date(2027, 1, 25)),),
    }  # fmt: skip


def merged(case_id: UUID, into: UUID, *, absorbed: tuple[UUID, ...] = (), **replaced: UUID) -> CaseMerged:
    return CaseMerged(
        case_id=case_id, household_id=Town.household_id(1), into_case_id=into, into_household_id=Town.household_id(),
        merged_on=MONDAY, absorbed=absorbed, replaced=_replaced(replaced),
    )  # fmt: skip


def split(case_id: UUID, from_: UUID, undoes: UUID | None = None, *, persons: Iterable[UUID], **fields: object) -> CaseSplit:
    return CaseSplit.model_validate(_state(case_id, tuple(persons)) | {"split_from": from_, "undoes": undoes} | fields)


def _replaced(names: dict[str, UUID]) -> tuple[Replaced, ...]:
    return tuple(Replaced(was=UUID(int=int(was.removeprefix("p"))), now=now) for was, now in names.items())


def report(n: int) -> UUID:
    return UUID(int=60_000 + n)


def talk(case_id: UUID, n: int, *needs: Need) -> AssessmentRecorded:
    return AssessmentRecorded(
        case_id=case_id, report_id=report(n), assessed_on=MONDAY + timedelta(days=n), district="NORD", needs=needs,
        household_type=HouseholdType.COUPLE,
    )  # fmt: skip


def consent(case_id: UUID, n: int, person: UUID) -> ConsentGiven:
    return ConsentGiven(
        case_id=case_id, consent_id=UUID(int=70_000 + n), person_id=person, purpose=ConsentPurpose.REFERRAL,
        form=ConsentForm.WRITTEN, given_on=MONDAY,
    )  # fmt: skip


def withdrawn(case_id: UUID, n: int, person: UUID) -> ConsentWithdrawn:
    return ConsentWithdrawn(case_id=case_id, consent_id=UUID(int=70_000 + n), person_id=person, withdrawn_on=MONDAY)


def corrected(case_id: UUID, n: int) -> ReportCorrected:
    return ReportCorrected(case_id=case_id, report_id=report(900 + n), corrects=report(n))


def outcome(case_id: UUID, on: date = MONDAY) -> OutcomeRecorded:
    return OutcomeRecorded(case_id=case_id, outcome=Outcome.TENANCY_KEPT_INSTALMENTS, ended_on=on)


TALKS: list[Stream] = [
    (ASSESSMENTS.name, S, [talk(S, 1, DEBTS), consent(S, 1, ANNA), talk(S, 2, REHOUSING)]),
    (ASSESSMENTS.name, X, [consent(X, 2, OTHER_ANNA), talk(X, 3, DEBTS, ARREARS), consent(X, 3, CLARA), talk(X, 4, Need.WOMEN)]),
    (VISITS.name, X, [corrected(X, 4)]),
]
MERGE: list[Stream] = [
    *TALKS,
    (CASES.name, S, [case(S), case(S, persons=(ANNA, BEN, CLARA), absorbed=(X,))]),
    (CASES.name, X, [case(X, persons=(OTHER_ANNA, CLARA)), merged(X, S, p3=ANNA)]),
]
CHAIN: list[Stream] = [
    *TALKS,
    (CASES.name, S, [case(S), case(S, persons=(ANNA, BEN, CLARA), absorbed=(X, W))]),
    (CASES.name, W, [case(W), case(W, absorbed=(X,)), merged(W, S, absorbed=(X,))]),
    (CASES.name, X, [case(X, persons=(OTHER_ANNA, CLARA)), merged(X, W, p3=ANNA)]),
    (ASSESSMENTS.name, W, [talk(W, 5, DEBTS)]),
]


def undone(*, still_listed: bool) -> list[Stream]:
    left = (X,) if still_listed else ()
    return [
        *TALKS,
        (CASES.name, S, [case(S), case(S, absorbed=(X,)), case(S, absorbed=left, split_off=(N,))]),
        (CASES.name, X, [case(X, persons=(OTHER_ANNA, CLARA)), merged(X, S, p3=ANNA)]),
        (CASES.name, N, [
            split(N, S, X, persons=(NEW_ANNA, CLARA), replaced=(Replaced(was=ANNA, now=NEW_ANNA),)),
            case(N, persons=(NEW_ANNA, CLARA)),
        ]),
        (ASSESSMENTS.name, N, [talk(N, 6, DEBTS)]),
    ]  # fmt: skip


CHAIN_UNDONE: list[Stream] = [
    *CHAIN[:-4],
    (CASES.name, S, [case(S), case(S, absorbed=(X, W)), case(S, absorbed=(X, W), split_off=(N,))]),
    *CHAIN[-3:],
    (CASES.name, N, [split(N, S, W, persons=(ANNA,), absorbed=(X,)), case(N, absorbed=(X,))]),
]
PARTED: list[Stream] = [
    (ASSESSMENTS.name, S, [consent(S, 1, ANNA), consent(S, 2, CLARA), talk(S, 1, DEBTS, ARREARS)]),
    (CASES.name, S, [case(S, persons=(ANNA, CLARA)), case(S, persons=(ANNA,), split_off=(N,))]),
    (CASES.name, N, [
        split(N, S, persons=(NEW_ANNA, CLARA), replaced=(Replaced(was=CLARA, now=NEW_ANNA), Replaced(was=ANNA, now=OTHER_ANNA)))
    ]),
]  # fmt: skip


def play(streams: Sequence[Stream], turns: Iterable[int]) -> Town:
    town = Town()
    waiting = [iter(events) for _, _, events in streams]
    for turn in turns:
        topic, key, _ = streams[turn]
        town.hear(topic, key, next(waiting[turn]))
    return town


def in_turn(streams: Sequence[Stream]) -> list[int]:
    return [n for n, (_, _, events) in enumerate(streams) for _ in events]


def comes_to(town: Town) -> dict[UUID, object]:
    """What must not depend on the order: where everything is, as whose, and which needs are being met."""
    return {case_id: _comes_to(file) for case_id, file in town.files.items()}


def _comes_to(file: CaseFile) -> object:
    own = {each.report_id for each in file.assessments} | {each.consent_id for each in file.consents}
    return (
        (file.merged_into, file.facts, file.taken_in, file.split_off, file.parted, file.ready),
        {(each.report_id, each.opened, each.came_with) for each in file.assessments},
        {(each.consent_id, each.person_id, each.came_with) for each in file.consents},
        file.void & own,
        Counter(each.need for each in file.referrals if each.live),
    )


def one_case(*streams: Stream) -> Town:
    return play(streams, in_turn(streams))


def merge_now(town: Town) -> None:
    town.hear(CASES.name, X, merged(X, S, p3=ANNA))
    town.hear(CASES.name, S, case(S, absorbed=(X,)))


def erased(case_id: UUID) -> CaseErased:
    return CaseErased(case_id=case_id, household_id=Town.household_id())
