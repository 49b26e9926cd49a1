"""What intake decides about each message: whose case it is, and what of the case changes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from services.intake import alike, matching
from services.intake.asking import ask
from services.intake.deriving import Household, case_of, derive, gather, lay_down
from services.intake.desk import Desk
from services.intake.facts import Statement, effective
from services.intake.persons import dwelling
from services.intake.questions import Reason
from services.intake.snapshot import CaseState, HouseholdState, as_told, same
from services.intake.whose import Compared, Whose, whose
from shared.contracts.catalogue import CASES
from shared.contracts.codes import Answer, CaseChange, Origin
from shared.contracts.fields import Event
from shared.contracts.topics.notices import (
    ArrearsWarningReported,
    EvictionDateNotified,
    HearingCancelled,
    HearingMoved,
    HearingSet,
    NoticeCorrected,
    NoticeRevoked,
    ProceedingEnded,
    SelfReported,
    ServiceReported,
    SuitFiled,
)
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.parts import Address
from shared.contracts.topics.referrals import UndertakingSent
from shared.contracts.topics.visits import LegalFactSeen, ReportCorrected
from shared.messaging.model import Decision, Rejected, Said

_OF_OFFICE = frozenset({Origin.COURT, Origin.BAILIFF, Origin.AUTHORITY})
"""Whose misdirected notices are forwarded (EGGVG § 19 II); anybody else is told the right address."""

_FOLLOWING = (ServiceReported, HearingSet, HearingMoved, HearingCancelled, ProceedingEnded, EvictionDateNotified)
_BY_CONTENT: dict[type[Event], CaseChange] = {
    NoticeCorrected: CaseChange.CORRECTION,
    ReportCorrected: CaseChange.CORRECTION,
    NoticeRevoked: CaseChange.REVOCATION,
    SelfReported: CaseChange.SELF_REPORT,
    ArrearsWarningReported: CaseChange.ARREARS_WARNING,
}


def take_notice(desk: Desk, statement: Statement, sender: Origin) -> Decision:
    """A notice from outside: attach it, open a case, or keep it until its case comes.

    Raises:
        Rejected: it names nobody's home, or lies outside the city and its sender has to write to somebody else.
    """
    together = desk.connected(statement)
    case = desk.living(next((each.case_id for each in together if each.case_id is not None), None))
    if case is not None:
        return _attach(desk, case, together, statement)
    counting = effective(together)
    if not counting:
        desk.keep([statement])
        return Decision()
    notice = counting[0].content
    found = whose(desk, notice)
    case = _case_of(desk, notice, found.household)
    if case is not None:
        return _attach(desk, case, together, statement, notice, found)
    if matching.homes(notice):
        return _outside(desk, notice, sender) or _open(desk, notice, found, together, statement)
    docket = matching.docket_of(notice)
    if docket is None or not _follows_up(notice):
        raise Rejected(_missing(notice), "missing")
    desk.keep(replace(each, docket=docket) if each.refers_to is None else each for each in together)
    return Decision()


def take_fact(desk: Desk, statement: Statement) -> Decision:
    """A legal fact from a service of ours, about a case it names. The case may have been merged, split or erased meanwhile."""
    case = desk.living(statement.case_id)
    if isinstance(statement.content, ReportCorrected):
        about = desk.statements.get((statement.source, statement.content.corrects))
        case = None if about is None else desk.living(about.case_id)
    elif isinstance(statement.content, LegalFactSeen | UndertakingSent) and case is not None:
        case = _with_suit(desk, case, statement.content.proceeding_id)
    return Decision() if case is None else _attach(desk, case, [statement], statement)


def _with_suit(desk: Desk, case: CaseState, proceeding_id: UUID | None) -> CaseState:
    """The case, or the one split from it that has this suit now."""
    split_off = (desk.living(each) for each in case.split_off)
    for each in (one for one in split_off if one is not None and one.last is not None):
        assert each.last is not None
        if any(suit.proceeding_id == proceeding_id for suit in each.last.proceedings):
            return each
    return case


def take_outcome(desk: Desk, outcome: OutcomeRecorded) -> Decision:
    """The case has ended. Said before it became part of another, or before another became part of it, it ends neither of them."""
    case = desk.cases.get(outcome.case_id)
    if case is None or case.merged_into is not None or not set(case.absorbed) <= set(outcome.absorbed):
        return Decision()
    return _derive(desk, desk.households[case.household_id], case.model_copy(update={"closed": True}), (), None)


def _case_of(desk: Desk, notice: Event, household: UUID | None) -> CaseState | None:
    """The case of the court file, else the household's case of the same dwelling, else of a notice that states no dwelling."""
    docket = matching.docket_of(notice)
    owner = None if docket is None else desk.docket(docket)
    if owner is not None and owner.case_id is not None:
        return desk.cases[owner.case_id]
    if household is None:
        return None
    cases = desk.cases_of(household)
    stated = matching.dwelling_of(notice)
    for case in cases:
        threatened = dwelling(effective(desk.said_in(case.id)))
        if stated is not None and threatened is not None and _same_home(desk, threatened, stated):
            return case
    elsewhere = isinstance(notice, SuitFiled) and notice.dwelling is not None
    return None if elsewhere else next(iter(cases), None)


def _same_home(desk: Desk, one: Address, other: Address) -> bool:
    return desk.atlas.key(one) == desk.atlas.key(other) or alike.same_house(one, other)


def _outside(desk: Desk, notice: Event, sender: Origin) -> Decision | None:
    """The answer to a notice whose every address lies outside the city."""
    if any(desk.atlas.locate(each).in_city for each in matching.homes(notice)):
        return None
    if sender in _OF_OFFICE:
        return Decision(answer=Answer.FORWARDED, rule="outside_city")
    raise Rejected(_missing(notice), "outside_city")


def _missing(notice: Event) -> str:
    if isinstance(notice, SuitFiled):
        return "defendants.0.address"
    return "proceeding" if _follows_up(notice) else "tenants.0.address"


def _follows_up(notice: Event) -> bool:
    """Whether a notice may speak of a suit that we have not heard of yet."""
    return isinstance(notice, _FOLLOWING)


def _open(desk: Desk, notice: Event, found: Whose, together: Sequence[Statement], arrived: Statement) -> Decision:
    """Open a case; a person of a known household at another dwelling gets a second case in that household."""
    if found.household is not None:
        household = desk.households[found.household]
        return _attach(desk, CaseState(id=desk.new_id(), household_id=household.id), together, arrived, notice, found)
    household = HouseholdState(id=desk.new_id())
    case = CaseState(id=desk.new_id(), household_id=household.id)
    return _derive(desk, household, case, together, arrived, notice, found.likely)


def _attach(
    desk: Desk,
    case: CaseState,
    together: Sequence[Statement],
    arrived: Statement,
    notice: Event | None = None,
    found: Whose | None = None,
) -> Decision:
    """Put statements into a case of a known household; people of the `notice` who are certainly known there keep their ids."""
    household = desk.households[case.household_id]
    if notice is None or found is None:
        return _derive(desk, household, case, together, arrived)
    if found.by_likeness and household.id == found.household:
        why = alike.reasons(found.certain[household.id], desk.people[household.id], lambda _: None)
        desk.reasons[arrived.key] = why
    return _derive(desk, _recognising(desk, household, notice), case, together, arrived, notice, found.certain)


def _recognising(desk: Desk, household: HouseholdState, notice: Event) -> HouseholdState:
    """The household that knows the people and addresses of a notice in their new spelling, too."""
    ids = dict(household.ids)
    people = [(name, desk.form(record)) for name, record in alike.records(notice)]
    for name, person_id in alike.recognised(people, desk.people.get(household.id, {})).items():
        ids.setdefault(f"person|{name}", person_id)
    known = () if household.record is None else household.record.addresses
    for address in matching.addresses(notice):
        same = next((each.address_id for each in known if alike.same_house(each.address, address)), None)
        if same is not None:
            ids.setdefault(f"address|{desk.atlas.key(address)}", same)
    return household.model_copy(update={"ids": ids})


def _derive(
    desk: Desk,
    household: HouseholdState,
    case: CaseState,
    more: Sequence[Statement],
    arrived: Statement | None,
    notice: Event | None = None,
    doubts: Compared | None = None,
) -> Decision:
    """Derive the household and its case anew, with `more` statements; say what changed. Nothing is changed before the end."""
    gathered = gather(desk, case, more)
    cases = {each.id: each for each in (*desk.cases_of(household.id), case)}
    derived = derive(desk, household, cases.values(), {case.id: gathered})
    asked = ask(desk, case, _others(desk, derived, notice, doubts or {}))
    if asked.doubtful:
        mine = replace(derived.cases[case.id], case=case.model_copy(update={"doubtful": True}))
        derived = replace(derived, cases={**derived.cases, case.id: mine})
    case, event, changed = case_of(desk, derived, case.id, arrived)
    by_content = None if arrived is None else _BY_CONTENT.get(type(arrived.content))
    result = lay_down(desk, derived)
    if not same(case.last, event):
        changed += [] if by_content is None else [by_content]
        case = case.model_copy(update={"last": event})
        result.append(Said(CASES.name, str(case.id), as_told(event, changed)))
    desk.change_case(case)
    desk.keep(each for key, each in gathered.items() if desk.statements.get(key) != each)
    for question in asked.questions:
        desk.change_question(question)
    return Decision(said=result)


def _others(desk: Desk, derived: Household, notice: Event | None, doubts: Compared) -> dict[UUID, tuple[Reason, ...]]:
    """The other households to ask about, and why: they share an exact key, or are like this one."""
    names = [] if notice is None or not doubts else [name for name, _ in alike.records(notice)]
    found: dict[UUID, tuple[Reason, ...]] = {}
    for each, why in doubts.items():
        found[each] = alike.reasons(why, desk.people.get(each, {}), lambda n: derived.ids.known.get(f"person|{names[n]}"))
    return dict.fromkeys(sorted(derived.elsewhere - found.keys()), ()) | {
        each: why for each, why in found.items() if each != derived.state.id
    }
