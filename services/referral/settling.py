"""What follows from all that is known of a case, whichever fact came last. Pure.

After each fact and each answer the rules run in one order: what lapses, what is recalled, what is proposed, what is
offered, what is handed over. Running them again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from services.referral.casefile import CaseFile
from services.referral.handover import handover_of, persons_to_hand
from services.referral.referral import (
    AT_PROVIDER,
    GROUPS,
    LIVE,
    WAITING,
    Referral,
    Step,
    enter,
    recall,
    released,
    take_back,
)
from services.referral.routing import Directory, Service, choose
from shared.calendar import Calendar, answer_by, working_days_between
from shared.contracts.catalogue import HANDOVERS, OFFERS
from shared.contracts.codes import ReferralState, TransmissionBasis, WithdrawReason
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.offers import OfferMade
from shared.messaging.model import Said


@dataclass(frozen=True, slots=True)
class Policy:
    """What the city promises and whom it can ask. Days are working days of `calendar`."""

    directory: Directory
    calendar: Calendar
    cut_off: time
    answer_days: int
    urgent_answer_days: int
    urgent_below: int
    tries: int

    def answer_by(self, file: CaseFile, asked_at: datetime) -> date:
        """The last day for a provider's answer: sooner where the nearest deadline leaves little time (domain promise T7)."""
        today = asked_at.date()
        deadline = file.next_deadline(today)
        urgent = deadline is not None and working_days_between(today, deadline, self.calendar) < self.urgent_below
        return answer_by(asked_at, self.urgent_answer_days if urgent else self.answer_days, self.calendar, self.cut_off)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a decision may look at beside the case.

    `household` is the register's record, None while it has not come. `elsewhere`: how many referrals of other cases each
    service holds; None where that was not read, and then nobody is asked.
    """

    now: datetime
    policy: Policy
    new_id: Callable[[], UUID]
    household: HouseholdRecorded | None = None
    elsewhere: Mapping[str, int] | None = None

    @property
    def today(self) -> date:
        """The city's day."""
        return self.now.date()


Settled = tuple[CaseFile, tuple[Said, ...]]


def settle(file: CaseFile, desk: Desk) -> Settled:
    """Do all that can be done now. Without the case's own facts nothing leaves: there is no deadline to tell."""
    said: list[Said] = []
    if file.facts is not None:
        asking = (_propose, _ask_who_waits) if desk.elsewhere is not None else ()
        for rule in (_lapse, _recall_without_consent, *asking, _hand_over):
            file, more = rule(file, desk)
            said += more
    return file, tuple(said)


def erase(file: CaseFile) -> Settled:
    """Löschung: take back what is out, forget the rest. Readers of facts hear of the erasure themselves."""
    out = [each for each in file.referrals if each.state in LIVE or each.handed]
    told = tuple(said for each in out for said in take_back(each, WithdrawReason.CASE_ERASED))
    return CaseFile(case_id=file.case_id, erased=True), told


def time_out(file: CaseFile, desk: Desk) -> Settled:
    """Silence: each overdue offer goes to the next provider.

    An authority whose own task it is can't be replaced: the team lead is told, the application stands, a late decision counts.
    """
    said: list[Said] = []
    for referral in file.referrals:
        if not referral.overdue(desk.today, desk.policy.calendar):
            continue
        entered, fact = enter(referral, ReferralState.TIMED_OUT, desk.today)
        if referral.by_law:
            left, more = enter(entered, ReferralState.ESCALATED, desk.today)
        else:
            fact = take_back(referral, WithdrawReason.TIMED_OUT) + fact
            left, more = ask_next(file, released(entered), desk)
        file = file.having(left)
        said += fact + more
    return file, tuple(said)


def ask_next(file: CaseFile, referral: Referral, desk: Desk) -> Step:
    """Offer to the best provider not yet asked; wait for consent where that alone is missing; else the team lead's."""
    held = file.having(referral).held()
    elsewhere = desk.elsewhere or {}

    def held_by(service: str) -> int:
        return elsewhere.get(service, 0) + held[service]

    def permitted(service: Service) -> bool:
        return service.basis_for(referral.need) is not TransmissionBasis.CONSENT or bool(file.consents_for(referral.need))

    if file.closed:
        return recall(referral, WithdrawReason.CASE_CLOSED, desk.today)
    if len(referral.tried) >= desk.policy.tries:
        return enter(referral, ReferralState.ESCALATED, desk.today)
    choice = choose(desk.policy.directory, file.wanted(referral.need), referral.tried, held_by, permitted)
    if choice.service is not None:
        return _offer(file, referral, choice.service, desk)
    if not choice.consent_would_help:
        return enter(referral, ReferralState.ESCALATED, desk.today)
    if referral.state is ReferralState.CONSENT_PENDING:
        return referral, ()
    return enter(referral, ReferralState.CONSENT_PENDING, desk.today)


def _offer(file: CaseFile, referral: Referral, service: Service, desk: Desk) -> Step:
    by = desk.policy.answer_by(file, desk.now)
    asked = referral.model_copy(
        update={
            "provider": service.provider,
            "service": service.code,
            "by_law": service.by_law(referral.need),
            "basis": service.basis_for(referral.need),
            "tried": (*referral.tried, service.provider),
            "answer_by": by,
        }
    )
    offered, fact = enter(asked, ReferralState.OFFERED, desk.today)
    wanted = file.wanted(referral.need)
    offer = OfferMade(
        referral_id=referral.referral_id,
        service=service.code,
        group=GROUPS[referral.need],
        district=wanted.district,
        household_type=file.household_type,
        languages=wanted.languages,
        answer_by=by,
        next_deadline_on=file.next_deadline(desk.today),
    )
    return offered, (Said(OFFERS.of(service.provider), str(referral.referral_id), offer), *fact)


def _lapse(file: CaseFile, desk: Desk) -> Settled:
    """What nobody has accepted yet ends with the case, or with the report that alone named the need."""
    needed = {need for each in file.standing for need in each.needs}
    said: list[Said] = []
    for referral in file.referrals:
        if referral.state not in WAITING:
            continue
        mistaken = referral.report_id in file.void and referral.need not in needed
        if file.closed or mistaken:
            reason = WithdrawReason.CASE_CLOSED if file.closed else WithdrawReason.NO_LONGER_NEEDED
            ended, told = recall(referral, reason, desk.today)
            file = file.having(ended)
            said += told
    return file, tuple(said)


def _recall_without_consent(file: CaseFile, desk: Desk) -> Settled:
    """What rested on a withdrawn consent comes back; where another adult's consent stands it goes out again without the first."""
    said: list[Said] = []
    for referral in file.referrals:
        if referral.basis is not TransmissionBasis.CONSENT or referral.state not in AT_PROVIDER:
            continue
        agreed = {each.person_id for each in file.consents_for(referral.need)}
        if not agreed:
            left, told = recall(referral, WithdrawReason.CONSENT_WITHDRAWN, desk.today)
        elif not agreed.issuperset(referral.handed):
            told = take_back(referral, WithdrawReason.CONSENT_WITHDRAWN, offer=False)
            left = referral.model_copy(update={"handed": ()})
        else:
            continue
        file = file.having(left)
        said += told
    return file, tuple(said)


def _propose(file: CaseFile, desk: Desk) -> Settled:
    """A need that a new talk named and nobody is meeting becomes a referral, unless the case is over."""
    said: list[Said] = []
    for assessed in file.standing:
        if assessed.opened:
            continue
        for need in assessed.needs:
            if file.closed or any(each.need is need and each.live for each in file.referrals):
                continue
            proposed = Referral(referral_id=desk.new_id(), case_id=file.case_id, report_id=assessed.report_id, need=need)
            referral, told = ask_next(file, proposed, desk)
            file = file.having(referral)
            said += told
    marked = tuple(each.model_copy(update={"opened": True}) for each in file.assessments)
    return file.model_copy(update={"assessments": marked}), tuple(said)


def _ask_who_waits(file: CaseFile, desk: Desk) -> Settled:
    """The consent may have come."""
    said: list[Said] = []
    for referral in file.referrals:
        if referral.state is ReferralState.CONSENT_PENDING:
            asked, told = ask_next(file, referral, desk)
            file = file.having(asked)
            said += told
    return file, tuple(said)


def _hand_over(file: CaseFile, desk: Desk) -> Settled:
    """Accepted, or an authority's own task: the persons follow once the register's version that belongs to the case is there."""
    assert file.facts is not None
    household = desk.household
    if household is None or household.version < file.facts.household_version:
        return file, ()
    said: list[Said] = []
    for referral in file.referrals:
        due = referral.state in AT_PROVIDER and (referral.state is not ReferralState.OFFERED or referral.by_law)
        if not due or referral.provider is None or not _more_to_hand(file, referral, household, desk.today):
            continue
        handover = handover_of(file, referral, household, desk.today)
        if handover is not None:
            handed = tuple(each.person_id for each in handover.persons)
            file = file.having(referral.model_copy(update={"handed": handed}))
            said.append(Said(HANDOVERS.of(referral.provider), str(referral.referral_id), handover))
    return file, tuple(said)


def _more_to_hand(file: CaseFile, referral: Referral, household: HouseholdRecorded, today: date) -> bool:
    """Nothing was handed yet, or another adult has consented since."""
    if not referral.handed:
        return True
    if referral.basis is not TransmissionBasis.CONSENT:
        return False
    now = {each.person_id for each in persons_to_hand(file, referral, household, today)}
    return now > set(referral.handed)
