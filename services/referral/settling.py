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
from services.referral.handover import handover_of, persons_to_hand, suit_of
from services.referral.referral import (
    AT_PROVIDER,
    GROUPS,
    LEFT,
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
from shared.contracts.codes import ApplicationDecision, Need, ReferralState, TransmissionBasis, WithdrawReason
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

_PROGRESS = (
    ReferralState.ACCEPTED,
    ReferralState.OFFERED,
    ReferralState.ESCALATED,
    *sorted(LEFT),
    ReferralState.CONSENT_PENDING,
    ReferralState.STARTED,
    None,
)
"""Which of two referrals for one need is further on its way, the furthest first."""


def settle(file: CaseFile, desk: Desk) -> Settled:
    """Do all that can be done now.

    Without the case's own newest state nothing leaves: there is no deadline to tell, and while the case is being merged or split
    nobody knows whose it is. What a consent no longer allows comes back at once.
    """
    if not (file.referrals or file.assessments or file.apart):  # nobody has talked with the household yet
        return file, ()
    said: list[Said] = []
    asking = (_ask_who_waits, _propose) if desk.elsewhere is not None else ()
    moved = (_lapse, _recall_doubles, _recall_strangers)
    rules = (*moved, _recall_without_consent, *asking, _hand_over) if file.ready else (_recall_without_consent,)
    for rule in rules:
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
    """Offer to the best provider not yet asked; wait for consent where that alone is missing; else the team lead's.

    While the case is being merged or split nobody is asked; `settle` asks once that is done.
    """
    if not file.ready:
        return referral, ()
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
    waits = ReferralState.CONSENT_PENDING if choice.consent_would_help else ReferralState.ESCALATED
    return (referral, ()) if referral.state is waits else enter(referral, waits, desk.today)


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


def _recall_doubles(file: CaseFile, desk: Desk) -> Settled:
    """Two cases had asked for the same before they were merged: one goes on, and whatever a household's data went out for."""
    said: list[Said] = []
    for need in sorted({each.need for each in file.referrals}):
        same = [each for each in file.referrals if each.need is need and each.live]
        firm = [each for each in same if _firm(each)]
        kept = firm or [min(same, key=_least_far)] if same else []
        for referral in same:
            if referral not in kept:
                ended, told = recall(referral, WithdrawReason.CASE_MOVED, desk.today)
                file = file.having(ended.model_copy(update={"double": True}))
                said += told
    return file, tuple(said)


def _firm(referral: Referral) -> bool:
    """Whether more is under way than a question to a provider."""
    granted = referral.decision is ApplicationDecision.GRANTED
    return bool(referral.handed) or referral.state is ReferralState.STARTED or granted


def _least_far(referral: Referral) -> tuple[int, int, UUID]:
    """The furthest comes first; of two alike the surviving case's own."""
    return _PROGRESS.index(referral.state), len(referral.came_with), referral.referral_id


def _recall_strangers(file: CaseFile, desk: Desk) -> Settled:  # noqa: ARG001  as every rule
    """What was handed over together with persons of a case split off is wrong now; it goes out again without them."""
    said: list[Said] = []
    for referral in file.referrals:
        if _may_hand(referral) and file.strangers & set(referral.handed):
            said += take_back(referral, WithdrawReason.CASE_MOVED, offer=False)
            file = file.having(referral.model_copy(update={"handed": ()}))
    return file, tuple(said)


def _recall_without_consent(file: CaseFile, desk: Desk) -> Settled:
    """What rested on a withdrawn consent comes back; where another adult's consent stands it goes out again without the first.

    So does what rested on the consent of somebody who left when a merge was undone, but then it may be asked for again.
    """
    said: list[Said] = []
    for referral in file.referrals:
        if referral.basis is not TransmissionBasis.CONSENT or referral.state not in AT_PROVIDER:
            continue
        agreed = {each.person_id for each in file.consents_for(referral.need)}
        withdrawn = any(each.consent_id in file.void and each.allows(referral.need) for each in file.consents)
        reason = WithdrawReason.CONSENT_WITHDRAWN if withdrawn else WithdrawReason.CASE_MOVED
        if not agreed:
            ended, told = recall(referral, reason, desk.today)
            left = ended.model_copy(update={"double": not withdrawn})
        elif not agreed.issuperset(referral.handed):
            told = take_back(referral, reason, offer=False)
            left = referral.model_copy(update={"handed": ()})
        else:
            continue
        file = file.having(left)
        said += told
    return file, tuple(said)


def _propose(file: CaseFile, desk: Desk) -> Settled:
    """A need that a new talk named, or that another case's referral met, becomes a referral, unless the case is over."""
    said: list[Said] = []
    asked_for = {each.need for each in file.referrals if not each.double}
    for assessed in file.standing:
        for need in assessed.needs:
            wanted = not assessed.opened or (file.apart and need not in asked_for)
            if not wanted or file.closed or any(each.need is need and each.live for each in file.referrals):
                continue
            proposed = Referral(
                referral_id=desk.new_id(),
                case_id=file.case_id,
                report_id=assessed.report_id,
                need=need,
                came_with=assessed.came_with,
            )
            referral, told = ask_next(file, proposed, desk)
            file = file.having(referral)
            said += told
    marked = tuple(each.model_copy(update={"opened": True}) for each in file.assessments)
    return file.model_copy(update={"assessments": marked, "apart": False}), tuple(said)


def _ask_who_waits(file: CaseFile, desk: Desk) -> Settled:
    """The consent may have come, or the case be complete again."""
    said: list[Said] = []
    for referral in file.referrals:
        if referral.state is ReferralState.CONSENT_PENDING or referral.state in LEFT:
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
        if not _may_hand(referral) or referral.provider is None or not _more_to_hand(file, referral, household, desk.today):
            continue
        handover = handover_of(file, referral, household, desk.today)
        if handover is not None:
            handed = tuple(each.person_id for each in handover.persons)
            suit = suit_of(file, household) if referral.need is Need.ARREARS_ASSUMPTION else None
            file = file.having(referral.model_copy(update={"handed": handed, "proceeding_id": suit}))
            said.append(Said(HANDOVERS.of(referral.provider), str(referral.referral_id), handover))
    return file, tuple(said)


def _may_hand(referral: Referral) -> bool:
    """Accepted, or an authority's own task."""
    return referral.state in AT_PROVIDER and (referral.state is not ReferralState.OFFERED or referral.by_law)


def _more_to_hand(file: CaseFile, referral: Referral, household: HouseholdRecorded, today: date) -> bool:
    """Nothing was handed yet, or another adult has consented since."""
    if not referral.handed:
        return True
    if referral.basis is not TransmissionBasis.CONSENT:
        return False
    now = {each.person_id for each in persons_to_hand(file, referral, household, today)}
    return now > set(referral.handed)
