"""A household and its cases derived anew from their statements, laid down on the desk, and what is said of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.intake import alike, matching
from services.intake.alike import Form, People
from services.intake.casefile import CaseFile, case_file
from services.intake.desk import Desk, Owner
from services.intake.facts import Statement, StatementKey, effective
from services.intake.persons import Ids
from services.intake.privileged import warned
from services.intake.retention import healings
from services.intake.snapshot import CaseState, HouseholdState, case_event, changes, household_record, same
from services.intake.stage import SAFE
from shared.contracts.catalogue import HOUSEHOLDS
from shared.contracts.codes import CaseChange
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.notices import SelfReported
from shared.messaging.model import Said

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

Gathered = Mapping[StatementKey, Statement]


@dataclass(frozen=True, slots=True)
class One:
    """One case of a household with the statements that count, and what follows from them."""

    case: CaseState
    said: tuple[Statement, ...]
    file: CaseFile | None


@dataclass(frozen=True, slots=True)
class Household:
    """A household derived anew. `keys` lead to it; `elsewhere` are the households that share one of them."""

    before: HouseholdState
    state: HouseholdState
    cases: Mapping[UUID, One]
    ids: Ids
    keys: dict[str, Owner]
    people: People
    elsewhere: frozenset[UUID]


def derive(desk: Desk, household: HouseholdState, cases: Iterable[CaseState], more: Mapping[UUID, Gathered]) -> Household:
    """The household of these cases; `more` has the statements of a case, where not those on the desk. Changes nothing."""
    ids = Ids(household.ids, desk.new_id)
    derived = []
    for each in sorted(cases, key=lambda case: case.id):
        said = effective(more[each.id].values() if each.id in more else desk.said_in(each.id))
        derived.append(One(each, said, case_file(each.id, said, ids, desk.atlas, desk.clockwork)))
    keys, elsewhere = _keys(desk, household.id, derived)
    earlier = [healing for each in derived if each.file for healing in healings(each.file)]
    earlier += [healing for key in sorted(keys) for healing in desk.healed.get(key, ())]
    if earlier:
        derived = [replace(each, file=warned(each.file, earlier)) if each.file else each for each in derived]
    everything = sorted((one for each in derived if each.file for one in each.said), key=lambda one: one.age)
    claims = [claim for each in derived if each.file for claim in each.file.claims]
    record = household_record(household, everything, claims, ids, desk.atlas)
    state = household.model_copy(update={"record": record, "ids": ids.known})
    people = _people(desk, everything, ids)
    return Household(household, state, {each.case.id: each for each in derived}, ids, keys, people, elsewhere)


def gather(desk: Desk, case: CaseState, more: Iterable[Statement]) -> dict[StatementKey, Statement]:
    """The statements of the case, `more`, and those that waited for a court file which is this case's now."""
    gathered = {each.key: each for each in desk.said_in(case.id)}
    pending = list(more)
    while pending:
        each = replace(pending.pop(), case_id=case.id)
        gathered[each.key] = each
        if not pending:
            dockets = {docket for one in effective(gathered.values()) if (docket := matching.docket_of(one.content))}
            mine = [each for each in dockets if (owner := desk.docket(each)) is None or owner.case_id == case.id]
            waiting = [one for docket in mine for one in desk.waiting_for(docket)]
            pending = [one for root in waiting for one in desk.connected(root) if one.key not in gathered]
    return gathered


def case_of(
    desk: Desk, household: Household, case_id: UUID, arrived: Statement | None = None
) -> tuple[CaseState, CaseEvent, list[CaseChange]]:
    """The case's newest state, told, and what changed; a closed case is reopened by a new legal event or a call for help.

    Nothing changed that a reader would learn: no changes, and the event of before.
    """
    one = household.cases[case_id]
    old, case = one.case.last, one.case if one.file is not None else one.case.model_copy(update={"closed": True})
    event = case_event(case, one.file, household.state, household.ids, desk.atlas, desk.today)
    if case.closed and arrived is not None and one.file is not None:
        threat = event.stage not in SAFE and any(change in _LEGAL for change in changes(old, event))
        if threat or isinstance(arrived.content, SelfReported):
            case = case.model_copy(update={"closed": False})
            event = case_event(case, one.file, household.state, household.ids, desk.atlas, desk.today)
    return case, event, [] if same(old, event) else changes(old, event)


def lay_down(desk: Desk, household: Household) -> list[Said]:
    """Put the household on the desk, its cases apart; says its register entry where that changed."""
    state = household.state
    desk.households[state.id] = state
    desk.changed_households.add(state.id)
    desk.own(state.id, household.keys)
    desk.inhabit(state.id, household.people)
    return [] if state.record == household.before.record else [Said(HOUSEHOLDS.name, str(state.id), state.record)]


def _keys(desk: Desk, household_id: UUID, derived: Sequence[One]) -> tuple[dict[str, Owner], frozenset[UUID]]:
    """The keys that lead to this household and its cases, and the households that share one; a court file has one case."""
    wanted: dict[str, Owner] = {}
    elsewhere: set[UUID] = set()
    for each in derived:
        for statement in each.said:
            if (docket := matching.docket_of(statement.content)) is not None:
                owner = desk.docket(docket)
                if owner is None or owner.household_id == household_id:
                    wanted.setdefault(docket, Owner(household_id, each.case.id))
                else:
                    elsewhere.add(owner.household_id)
            for key in matching.household_keys(statement.content, desk.atlas.key):
                wanted.setdefault(key, Owner(household_id))
                elsewhere.update(desk.known_at(key))
    return wanted, frozenset(elsewhere - {household_id})


def _people(desk: Desk, statements: Iterable[Statement], ids: Ids) -> People:
    found: dict[UUID, set[Form]] = {}
    for each in statements:
        for name, record in alike.records(each.content):
            found.setdefault(ids.person(name), set()).add(desk.form(record))
    return {person: frozenset(forms) for person, forms in found.items()}
