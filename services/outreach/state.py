"""What a batch works on, and how each change of a file ends: visits arranged, teams told. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.outreach.arranging import Desk, arrange
from services.outreach.assignment import dispatch
from services.outreach.casefile import CaseFile, Note
from services.outreach.planning import Diary
from shared.city import City
from shared.contracts.catalogue import ASSESSMENTS, OUTCOMES, VISITS, Topic
from shared.contracts.fields import Event
from shared.contracts.topics.households import HouseholdRecorded
from shared.messaging.model import Said

TOPIC_OF: dict[type[Event], Topic] = {event: topic for topic in (VISITS, ASSESSMENTS, OUTCOMES) for event in topic.events}


@dataclass(slots=True)
class State:
    """What a batch works on, and what it has changed so far.

    `kin`: the family of each case that a merge or split touched; `aliases`: absorbed cases and what they are part of now;
    `erased`: those of them that are erased. `handed_over`: to which case each report went with a split.
    """

    now: datetime
    city: City
    new_id: Callable[[], UUID]
    files: dict[UUID, CaseFile]
    registers: dict[UUID, HouseholdRecorded]
    diary: Diary
    kin: dict[UUID, UUID] = field(default_factory=dict)
    aliases: dict[UUID, UUID] = field(default_factory=dict)
    erased: set[UUID] = field(default_factory=set)
    changed_files: set[UUID] = field(default_factory=set)
    erased_files: set[UUID] = field(default_factory=set)
    changed_registers: set[UUID] = field(default_factory=set)
    erased_registers: set[UUID] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)
    related: bool = False
    merged: set[UUID] = field(default_factory=set)
    handed_over: dict[UUID, UUID] = field(default_factory=dict)
    _cases_of: dict[UUID, set[UUID]] = field(init=False, default_factory=dict)
    """Every case that is or was a household's: a batch asks for each household."""

    def __post_init__(self) -> None:
        for file in self.files.values():
            self._note_household(file)

    def _note_household(self, file: CaseFile) -> None:
        self._cases_of.setdefault(file.case.household_id, set()).add(file.case.case_id)

    def draft(self) -> State:
        """The same, to be changed by itself."""
        return replace(
            self,
            files=dict(self.files),
            diary=self.diary.copy(),
            kin=dict(self.kin),
            aliases=dict(self.aliases),
            erased=set(self.erased),
            changed_files=set(self.changed_files),
            erased_files=set(self.erased_files),
            notes=list(self.notes),
            merged=set(self.merged),
            handed_over=dict(self.handed_over),
        )

    def adopt(self, draft: State) -> None:
        """Let what was changed in the draft count."""
        self.files, self.diary, self.kin = draft.files, draft.diary, draft.kin
        self.aliases, self.erased = draft.aliases, draft.erased
        self.changed_files, self.erased_files, self.notes = draft.changed_files, draft.erased_files, draft.notes
        self.related, self.merged, self.handed_over = draft.related, draft.merged, draft.handed_over
        self._cases_of = draft._cases_of

    def put(self, file: CaseFile) -> None:
        """Keep a changed file."""
        case_id = file.case.case_id
        self.files[case_id] = file
        self.changed_files.add(case_id)
        self.erased_files.discard(case_id)
        self._note_household(file)

    def of_household(self, household_id: UUID) -> list[CaseFile]:
        """The files of a household's cases."""
        cases = sorted(self._cases_of.get(household_id, ()))
        return [file for each in cases if (file := self.files.get(each)) and file.case.household_id == household_id]

    def hand_over(self, left: CaseFile, entered: CaseFile) -> None:
        """The reports that only the second file has now, after a split, and their notes are its case's."""
        to, staying = entered.case.case_id, {each.id for each in left.reports}
        gone = {each.id for each in entered.reports if each.id not in staying}
        self.handed_over |= dict.fromkeys(gone, to)
        self.notes = [replace(each, case_id=to) if each.report_id in gone else each for each in self.notes]

    def relate(self, cases: Iterable[UUID]) -> None:
        """These cases, and all of their families, are to be read together from now on."""
        named = set(cases)
        families = {self.kin.get(each, each) for each in named}
        together = named | {each for each, family in self.kin.items() if family in families}
        if any(self.kin.get(each) != min(families) for each in together):
            self.kin |= dict.fromkeys(together, min(families))
            self.related = True

    def family(self, case_id: UUID) -> list[CaseFile]:
        """The file that this id means, and then the others of its family."""
        named = self.aliases.get(case_id, case_id)
        kin = sorted(each for each, family in self.kin.items() if family == self.kin.get(named) and each != named)
        return [self.files[each] for each in (named, *kin) if each in self.files]


def finish(
    state: State,
    before: CaseFile | None,
    file: CaseFile,
    said: Sequence[Event],
    registers: tuple[HouseholdRecorded | None, HouseholdRecorded | None],
    diary: Diary | None = None,
) -> list[Said]:
    """Arrange the visits, see what leaves to the teams, and only then let it count."""
    diary = diary or state.diary.copy()
    file, plans = arrange(file, registers[1], Desk(state.now, state.city, diary, state.new_id))
    file, assignments = dispatch(before, file, registers[0], registers[1], state.now.date())
    told = [Said(TOPIC_OF[type(event)].name, str(file.case.case_id), event) for event in (*said, *plans)]
    if file != before:
        state.put(file)
        state.diary = diary
    return [*told, *assignments]
