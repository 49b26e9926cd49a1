"""What intake tells the others: the case as a fact, the household as a register entry, and what changed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from pydantic import BaseModel

from services.intake.casefile import CaseFile
from services.intake.facts import Statement
from services.intake.persons import Atlas, Ids, addresses, members
from shared.contracts.codes import Banner, CaseChange, CaseStatus, Channel, ProceedingOutcome, Stage
from shared.contracts.topics.cases import CaseClosed, CaseEvent, CaseOpened, CaseReopened, CaseUpdated, ProceedingFact
from shared.contracts.topics.households import Claim, HouseholdRecorded
from shared.contracts.topics.notices import Notice

_ABOUT_THE_MESSAGE = {"household_version", "changes", "changed_on", "replaced"}


class HouseholdState(BaseModel):
    """A household as intake keeps it."""

    id: UUID
    ids: dict[str, UUID] = {}
    record: HouseholdRecorded | None = None

    @property
    def version(self) -> int:
        """The newest version of the register entry; 0 before there is one."""
        return 0 if self.record is None else self.record.version


class CaseState(BaseModel):
    """A case as intake keeps it beside its statements. `last` is the newest event about it.

    `doubtful`: a person is asked whether it is one with another open case. `merged_into`: it is an alias of that case and nothing
    more. `absorbed`, `split_off`: as CaseEvent tells them; `split_from`: the case it was split from. Of an alias, `came_with`:
    the absorbed cases with which it came to its case, itself first; `household_before`: the household that ended with it.
    """

    id: UUID
    household_id: UUID
    closed: bool = False
    doubtful: bool = False
    merged_into: UUID | None = None
    split_from: UUID | None = None
    absorbed: tuple[UUID, ...] = ()
    split_off: tuple[UUID, ...] = ()
    came_with: tuple[UUID, ...] = ()
    household_before: UUID | None = None
    last: CaseEvent | None = None

    @property
    def status(self) -> CaseStatus:
        """Open, closed, or merged into another."""
        if self.merged_into is not None:
            return CaseStatus.MERGED
        return CaseStatus.CLOSED if self.closed else CaseStatus.OPEN


def household_record(
    state: HouseholdState, statements: Sequence[Statement], claims: Sequence[Claim], ids: Ids, atlas: Atlas
) -> HouseholdRecorded:
    """The register entry that follows from the statements of all the household's cases; a new version where it differs."""
    record = HouseholdRecorded(
        household_id=state.id,
        version=state.version,
        members=members(statements, ids),
        addresses=addresses(statements, ids, atlas),
        claims=tuple(claims),
    )
    return record if record == state.record else record.model_copy(update={"version": state.version + 1})


def case_event(
    state: CaseState, file: CaseFile | None, household: HouseholdState, ids: Ids, atlas: Atlas, today: date
) -> CaseEvent:
    """The case as it now stands; `changes` is empty. Without anybody named (`file` None) an empty case remains, closed."""
    about = {
        "case_id": state.id,
        "household_id": household.id,
        "household_version": household.version,
        "absorbed": state.absorbed,
        "split_off": state.split_off,
    }
    if file is None:
        assert state.last is not None
        last = state.last
        return CaseEvent(
            **about,
            status=state.status,
            stage=Stage.NONE,
            received_on=last.received_on,
            channel=last.channel,
            changes=(),
            changed_on=today,
        )
    place = None if file.dwelling is None else atlas.locate(file.dwelling)
    doubtful = (Banner.POSSIBLE_DUPLICATE,) if state.doubtful and not state.closed else ()
    first = file.first.content
    return CaseEvent(
        **about,
        dwelling_id=None if file.dwelling is None else ids.address(atlas.key(file.dwelling)),
        district="UNKNOWN" if place is None else place.district,
        quarter=None if place is None else place.quarter,
        status=state.status,
        stage=file.stage,
        received_on=file.first.received_on,
        channel=first.channel if isinstance(first, Notice) else Channel.AUTHORITY,
        changes=(),
        changed_on=today,
        tenant_ids=file.tenant_ids,
        proceedings=file.proceedings,
        terminations=file.terminations,
        eviction=file.eviction,
        deadlines=file.deadlines,
        banners=(*file.banners, *doubtful),
        landlord_kind=file.landlord_kind,
        arrears=file.arrears,
        arrears_months=file.arrears_months,
    )


def doubted(last: CaseEvent, today: date, *, doubtful: bool) -> CaseUpdated:
    """A case's newest event with or without the banner that it may be one with another open case."""
    banners = tuple(each for each in last.banners if each is not Banner.POSSIBLE_DUPLICATE)
    shown = (*banners, Banner.POSSIBLE_DUPLICATE) if doubtful and last.status is CaseStatus.OPEN else banners
    return CaseUpdated.model_validate({**dict(last), "banners": shown, "changes": (), "changed_on": today, "replaced": ()})


def same(old: CaseEvent | None, new: CaseEvent) -> bool:
    """Whether a reader would learn nothing from the new one."""
    return old is not None and _of_the_case(old) == _of_the_case(new)


def _of_the_case(event: CaseEvent) -> dict[str, object]:
    return {field: value for field, value in vars(event).items() if field not in _ABOUT_THE_MESSAGE}


def changes(old: CaseEvent | None, new: CaseEvent) -> list[CaseChange]:
    """What differs, in the codes of the contract."""
    before = old or new.model_copy(
        update={"proceedings": (), "terminations": (), "eviction": None, "deadlines": (), "tenant_ids": ()}
    )
    was = {each.proceeding_id: each for each in before.proceedings}
    now = {each.proceeding_id: each for each in new.proceedings}
    both = [(was[key], now[key]) for key in was.keys() & now.keys()]
    unknown = [(_nothing_known(each), each) for key, each in now.items() if key not in was]
    pairs = both + unknown

    def differs(*fields: str) -> bool:
        return any(getattr(a, field) != getattr(b, field) for a, b in pairs for field in fields)

    found = {
        CaseChange.SUIT: was.keys() != now.keys() or differs("filed_on", "court_code"),
        CaseChange.SERVICE: any(_services(a) != _services(b) for a, b in pairs),
        CaseChange.HEARING: differs("hearing_at", "hearing_status"),
        CaseChange.PROCEEDING_OUTCOME: differs("outcome", "outcome_on", "eviction_period_ends_on"),
        CaseChange.UNDERTAKING: any(
            b.outcome is ProceedingOutcome.HEALED and a.outcome is not ProceedingOutcome.HEALED for a, b in pairs
        ),
        CaseChange.TERMINATION: before.terminations != new.terminations,
        CaseChange.EVICTION: before.eviction != new.eviction,
        CaseChange.DEADLINES: before.deadlines != new.deadlines,
        CaseChange.PERSONS: old is not None
        and (set(old.tenant_ids) != set(new.tenant_ids) or any(_homes(a) != _homes(b) for a, b in both)),
        CaseChange.CLOSED: new.status is CaseStatus.CLOSED and before.status is not CaseStatus.CLOSED,
        CaseChange.REOPENED: new.status is CaseStatus.OPEN and before.status is CaseStatus.CLOSED,
        CaseChange.OPENED: old is None,
    }
    return [change for change, there in found.items() if there]


def as_told(event: CaseEvent, what: Sequence[CaseChange]) -> CaseEvent:
    """The event under the type that its changes make it."""
    kinds = {CaseChange.OPENED: CaseOpened, CaseChange.CLOSED: CaseClosed, CaseChange.REOPENED: CaseReopened}
    kind = next((kinds[change] for change in kinds if change in what), CaseUpdated)
    return kind.model_validate(vars(event) | {"changes": tuple(what)})


def _nothing_known(suit: ProceedingFact) -> ProceedingFact:
    return ProceedingFact(proceeding_id=suit.proceeding_id, channel=suit.channel, received_on=suit.received_on)


def _services(suit: ProceedingFact) -> dict[UUID, tuple[object, object]]:
    return {each.person_id: (each.served_on, each.evidence) for each in suit.defendants if each.served_on is not None}


def _homes(suit: ProceedingFact) -> dict[UUID, UUID | None]:
    return {each.person_id: each.address_id for each in suit.defendants}
