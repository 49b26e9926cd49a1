"""What goes from a case's file because it came with, or went to, a case that is erased. Pure.

Whoever erases a case empties what was said under its key, and so the event that told of its move. That it is erased says as
much: what was its own is gone, and there is nothing to move.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from services.referral.casefile import CaseFile
from services.referral.referral import LIVE, Referral, take_back
from services.referral.settling import Settled
from shared.contracts.catalogue import REFERRALS
from shared.contracts.codes import WithdrawReason
from shared.contracts.topics.referrals import ReferralsGivenUp
from shared.messaging.model import Said


def watched(file: CaseFile, by: UUID) -> CaseFile:
    """A case that another one waits for: should it be erased, the other is told."""
    return file.model_copy(update={"kin": file.kin | {by}})


def forget(file: CaseFile, erased: UUID) -> Settled:
    """The file without what had come with an erased case, and no longer waiting for it."""
    gone = tuple(each for each in file.referrals if erased in each.came_with)
    rested = any(erased in each.came_with for each in file.consents)
    left = file.model_copy(
        update={
            "assessments": tuple(each for each in file.assessments if erased not in each.came_with),
            "consents": tuple(each for each in file.consents if erased not in each.came_with),
            "referrals": tuple(each for each in file.referrals if each not in gone),
            "apart": file.apart or rested or bool(gone),
        }
    )
    if erased in left.missing:
        left = without_waiting_for(left, erased)
    return left, taken_back(file.case_id, erased, gone)


def without_waiting_for(file: CaseFile, erased: UUID) -> CaseFile:
    """An erased case has come, or gone, with nothing; whoever is nobody of this case any more went with it."""
    assert file.facts is not None
    came, left = {erased} & file.facts.absorbed, {erased} & file.facts.split_off
    known = {each.person_id for each in file.consents} | {one for each in file.referrals for one in each.handed}
    parted = {each: each for each in known - file.facts.persons - file.strangers}
    return file.model_copy(
        update={
            "taken_in": file.taken_in | came,
            "split_off": file.split_off | left,
            "undone": file.undone | {erased},
            "parted": {**file.parted, erased: parted} if left else file.parted,
        }
    )


def taken_back(case_id: UUID, erased: UUID, gone: Sequence[Referral]) -> tuple[Said, ...]:
    """What providers hold of an erased case comes back; for whoever counts the referrals of this one, they left it."""
    out = (each for each in gone if each.state in LIVE or each.handed)
    told = tuple(said for each in out for said in take_back(each, WithdrawReason.CASE_ERASED))
    ids = tuple(each.referral_id for each in gone)
    left = ReferralsGivenUp(case_id=case_id, to_case_id=erased, referral_ids=ids)
    return (*told, Said(REFERRALS.name, str(case_id), left)) if ids else told


def without_persons(file: CaseFile, gone: Collection[UUID], erased: UUID) -> Settled:
    """Whoever holds data of persons who went to an erased case deletes them, and what is still to be done goes on without."""
    held = [each for each in file.referrals if set(gone) & set(each.handed)]
    told = tuple(said for each in held for said in take_back(each, WithdrawReason.CASE_ERASED, offer=False))
    referrals = tuple(each.model_copy(update={"handed": ()}) if each in held else each for each in file.referrals)
    left = {
        "referrals": referrals,
        "parted": {to: names for to, names in file.parted.items() if to != erased},
        "suits_gone": {to: suits for to, suits in file.suits_gone.items() if to != erased},
    }
    return file.model_copy(update=left), told
