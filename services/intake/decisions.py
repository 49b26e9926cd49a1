"""What intake decides about each message: whose case it is, and what of the case changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.intake import matching
from services.intake.casefile import CaseFile, case_file
from services.intake.desk import Desk, Owner
from services.intake.facts import Statement, StatementKey, effective
from services.intake.persons import Ids, dwelling
from services.intake.privileged import warned
from services.intake.retention import healings
from services.intake.snapshot import CaseState, HouseholdState, as_told, case_event, changes, household_record, same
from services.intake.stage import SAFE
from shared.contracts.catalogue import CASES, HOUSEHOLDS
from shared.contracts.codes import Answer, CaseChange, CaseStatus, Origin
from shared.contracts.fields import Event
from shared.contracts.topics.cases import CaseEvent
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
from shared.contracts.topics.visits import ReportCorrected
from shared.messaging.model import Decision, Rejected, Said

_OF_OFFICE = frozenset({Origin.COURT, Origin.BAILIFF, Origin.AUTHORITY})
"""Whose misdirected notices are forwarded (EGGVG § 19 II); anybody else is told the right address."""

_LEGAL = frozenset(
    {
        CaseChange.SUIT,
        CaseChange.SERVICE,
        CaseChange.HEARING,
        CaseChange.PROCEEDING_OUTCOME,
        CaseChange.TERMINATION,
        CaseChange.EVICTION,
        CaseChange.PERSONS,
    }
)
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
    case_id = next((each.case_id for each in together if each.case_id is not None), None)
    if case_id is not None:
        return _attach(desk, desk.cases[case_id], together, statement)
    counting = effective(together)
    if not counting:
        desk.keep([statement])
        return Decision()
    notice = counting[0].content
    case = _case_of(desk, notice)
    if case is not None:
        return _attach(desk, case, together, statement)
    keys = matching.household_keys(notice, desk.atlas.key)
    if keys:
        return _outside(desk, notice, sender) or _open(desk, keys, together, statement)
    docket = matching.docket_of(notice)
    if docket is None or not _follows_up(notice):
        raise Rejected(_missing(notice), "missing")
    desk.keep(replace(each, docket=docket) if each.refers_to is None else each for each in together)
    return Decision()


def take_fact(desk: Desk, statement: Statement) -> Decision:
    """A legal fact from a service of ours, about a case it names. The case may have been erased meanwhile."""
    case = None if statement.case_id is None else desk.cases.get(statement.case_id)
    return Decision() if case is None else _attach(desk, case, [statement], statement)


def take_outcome(desk: Desk, case_id: UUID) -> Decision:
    """The case has ended."""
    case = desk.cases.get(case_id)
    if case is None:
        return Decision()
    return _derive(desk, desk.households[case.household_id], case.model_copy(update={"closed": True}), (), None)


def _case_of(desk: Desk, notice: Event) -> CaseState | None:
    """The case of the court file, else the household's case of the same dwelling, else of a notice that states no dwelling."""
    docket = matching.docket_of(notice)
    owner = None if docket is None else desk.keys.get(docket)
    if owner is not None and owner.case_id is not None:
        return desk.cases[owner.case_id]
    household = _household_of(desk, matching.household_keys(notice, desk.atlas.key))
    if household is None:
        return None
    cases = desk.cases_of(household)
    stated = matching.dwelling_of(notice)
    here = None if stated is None else desk.atlas.key(stated)
    for case in cases:
        threatened = dwelling(effective(desk.said_in(case.id)))
        if threatened is not None and desk.atlas.key(threatened) == here:
            return case
    elsewhere = isinstance(notice, SuitFiled) and notice.dwelling is not None
    return None if elsewhere else next(iter(cases), None)


def _household_of(desk: Desk, keys: Iterable[str]) -> UUID | None:
    """The household that most of the people are known in."""
    votes: dict[UUID, int] = {}
    for key in keys:
        if (owner := desk.keys.get(key)) is not None:
            votes[owner.household_id] = votes.get(owner.household_id, 0) + 1
    return max(votes, key=lambda each: (votes[each], each), default=None)


def _outside(desk: Desk, notice: Event, sender: Origin) -> Decision | None:
    """The answer to a notice whose every address lies outside the city."""
    places = [address for party in matching.people(notice) if (address := matching.address_of(notice, party)) is not None]
    if any(desk.atlas.locate(each).in_city for each in places):
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


def _open(desk: Desk, keys: Sequence[str], together: Sequence[Statement], arrived: Statement) -> Decision:
    """Open a case; a person of a known household at another dwelling gets a second case in that household."""
    known = _household_of(desk, keys)
    household = HouseholdState(id=desk.new_id()) if known is None else desk.households[known]
    case = CaseState(id=desk.new_id(), household_id=household.id)
    return _derive(desk, household, case, together, arrived)


def _attach(desk: Desk, case: CaseState, together: Sequence[Statement], arrived: Statement) -> Decision:
    return _derive(desk, desk.households[case.household_id], case, together, arrived)


@dataclass(frozen=True, slots=True)
class _Derived:
    """One case of a household with the statements that count, and what follows from them."""

    case: CaseState
    said: tuple[Statement, ...]
    file: CaseFile | None


def _derive(
    desk: Desk, household: HouseholdState, case: CaseState, more: Sequence[Statement], arrived: Statement | None
) -> Decision:
    """Derive the household and its case anew, with `more` statements; say what changed. Nothing is changed before the end."""
    gathered = _gather(desk, case, more)
    ids = Ids(household.ids, desk.new_id)
    derived = []
    for each in sorted({one.id: one for one in (*desk.cases_of(household.id), case)}.values(), key=lambda one: one.id):
        said = effective(gathered.values() if each.id == case.id else desk.said_in(each.id))
        derived.append(_Derived(each, said, case_file(each.id, said, ids, desk.atlas, desk.clockwork)))
    keys, contested = _keys(desk, household.id, derived)
    earlier = [healing for each in derived if each.case.last for healing in healings(each.case.last)]
    earlier += [healing for key in sorted(keys) for healing in desk.healed.get(key, ())]
    derived = [replace(each, file=warned(each.file, earlier)) if each.file else each for each in derived]
    mine = next(each for each in derived if each.case.id == case.id)
    everything = sorted((one for each in derived if each.file for one in each.said), key=lambda one: one.age)
    claims = [claim for each in derived if each.file for claim in each.file.claims]
    household = household.model_copy(update={"contested": household.contested or contested})
    record = household_record(household, everything, claims, ids, desk.atlas)
    new_household = household.model_copy(update={"record": record, "ids": ids.known})
    event, said_of_it = _event(desk, new_household, mine, ids, arrived)
    new_household = new_household.model_copy(update={"ids": ids.known})
    result = []
    if record != household.record:
        result.append(Said(HOUSEHOLDS.name, str(household.id), record))
    if said_of_it:
        result.append(Said(CASES.name, str(case.id), as_told(event, said_of_it)))
    closed = event.status is CaseStatus.CLOSED
    desk.households[household.id] = new_household
    desk.put_case(case.model_copy(update={"closed": closed, "last": event if said_of_it else case.last}))
    desk.changed_households.add(household.id)
    desk.changed_cases.add(case.id)
    desk.keep(each for key, each in gathered.items() if desk.statements.get(key) != each)
    desk.own(household.id, keys)
    return Decision(said=result)


def _gather(desk: Desk, case: CaseState, more: Iterable[Statement]) -> dict[StatementKey, Statement]:
    """The statements of the case, `more`, and those that waited for a court file which now has a case."""
    gathered = {each.key: each for each in desk.said_in(case.id)}
    pending = list(more)
    while pending:
        each = replace(pending.pop(), case_id=case.id)
        gathered[each.key] = each
        if not pending:
            dockets = {docket for one in effective(gathered.values()) if (docket := matching.docket_of(one.content))}
            waiting = [one for docket in dockets if desk.keys.get(docket) is None for one in desk.waiting_for(docket)]
            pending = [one for root in waiting for one in desk.connected(root) if one.key not in gathered]
    return gathered


def _keys(desk: Desk, household_id: UUID, derived: Sequence[_Derived]) -> tuple[dict[str, Owner], bool]:
    """The keys that lead to this household and its cases, and whether one of them already leads elsewhere."""
    wanted: dict[str, Owner] = {}
    for each in derived:
        for statement in each.said:
            if (docket := matching.docket_of(statement.content)) is not None:
                wanted.setdefault(docket, Owner(household_id, each.case.id))
            for key in matching.household_keys(statement.content, desk.atlas.key):
                wanted.setdefault(key, Owner(household_id))
    elsewhere = {key for key in wanted if (owner := desk.keys.get(key)) is not None and owner.household_id != household_id}
    return {key: owner for key, owner in wanted.items() if key not in elsewhere}, bool(elsewhere)


def _event(
    desk: Desk, household: HouseholdState, mine: _Derived, ids: Ids, arrived: Statement | None
) -> tuple[CaseEvent, list[CaseChange]]:
    """The case's newest state and what changed; a closed case is reopened by a new legal event or a call for help."""
    old = mine.case.last
    case = mine.case.model_copy(update={"closed": mine.case.closed or mine.file is None})
    event = case_event(case, mine.file, household, ids, desk.atlas, desk.today)
    if case.closed and arrived is not None and mine.file is not None:
        threat = event.stage not in SAFE and any(change in _LEGAL for change in changes(old, event))
        if threat or isinstance(arrived.content, SelfReported):
            case = case.model_copy(update={"closed": False})
            event = case_event(case, mine.file, household, ids, desk.atlas, desk.today)
    if same(old, event):
        return event, []
    by_content = [] if arrived is None else [_BY_CONTENT.get(type(arrived.content))]
    return event, changes(old, event) + [change for change in by_content if change is not None]
