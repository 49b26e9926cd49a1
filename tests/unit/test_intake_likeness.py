"""Which case a notice belongs to where names and addresses are not written alike."""

from __future__ import annotations

import pytest

from services.intake.desk import Desk
from services.intake.likeness import Level
from shared.contracts.codes import Banner, CaseStatus
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.notices import Party
from shared.contracts.topics.parts import GivenAddress
from tests.unit.intake_office import COURT, JOBCENTER, LANDLORD, Office, event_of
from tests.unit.intake_town import ref, terminated
from tests.unit.intake_words import party, suit

SLIP = GivenAddress(street="Hamer Straße", house_number="12", postcode="48153", place="Münster")
LETTER = GivenAddress(street="Hammer Str.", house_number="12a", postcode="48153", place="Münster")
AROUND = GivenAddress(street="Geiststraße", house_number="40", postcode="48151", place="Münster")
KNOWN = party("Schmidt-Öztürk", "Katharina")


@pytest.fixture
def office() -> Office:
    return Office.open()


def cases(office: Office) -> list[CaseEvent]:
    return [case.last for case in office.desk.cases.values() if case.last]


def asked(desk: Desk) -> list[frozenset[object]]:
    return [frozenset((each.one, each.other)) for each in desk.questions.values()]


@pytest.mark.parametrize(
    "spelled",
    [
        party("Schmidt-Oeztuerk", "Katharina", SLIP),
        party("Schmitt-Öztürk", "Katharina"),
        party("Katharina", "Schmidt Öztürk", LETTER),
        party("Dr. Schmidt-Öztürk", "Katharina", SLIP),
    ],
)
def test_another_spelling_of_one_household_is_its_case_and_one_person(office: Office, spelled: Party) -> None:
    office.hear(suit(KNOWN, proceeding=ref(1)))
    office.hear(terminated(spelled), LANDLORD)
    assert len(office.household.members) == 1
    assert len(office.case.tenant_ids) == len(office.case.proceedings[0].defendants) == 1
    assert len(office.case.terminations) == 1
    assert not office.desk.questions


def test_two_spellings_in_one_court_file_are_one_defendant_at_one_address(office: Office) -> None:
    office.hear(suit(KNOWN, proceeding=ref(1)), JOBCENTER)
    office.hear(suit(party("Schmitt-Öztürk", "Katharina", SLIP), proceeding=ref(1)))
    (proceeding,) = office.case.proceedings
    assert len(proceeding.defendants) == 1
    assert len(office.household.addresses) == 1


def test_what_likeness_attached_keeps_its_reasons_and_names_nobody(office: Office) -> None:
    office.hear(suit(KNOWN, proceeding=ref(1)))
    assert not office.desk.reasons
    office.hear(terminated(party("Schmitt-Öztürk", "Katharina")), LANDLORD)
    ((why,),) = office.desk.reasons.values()
    assert why.known == office.case.tenant_ids[0]
    levels = {each.field: each.level for each in why.features}
    assert (levels["given_name"], levels["family_name"]) == (Level.SAME, Level.CLOSE)


def test_an_exact_key_needs_no_reasons(office: Office) -> None:
    office.hear(suit(KNOWN, proceeding=ref(1)))
    office.hear(suit(KNOWN, proceeding=ref(2)))
    assert len(cases(office)) == 1
    assert not office.desk.reasons


def test_a_doubt_is_a_case_of_its_own_at_once_and_a_question(office: Office) -> None:
    office.hear(suit(KNOWN, proceeding=ref(1)))
    opened = event_of(office.hear(suit(party("Schmidt", "K.", SLIP), proceeding=ref(2))))
    assert Banner.POSSIBLE_DUPLICATE in opened.banners
    assert asked(office.desk) == [frozenset(each.case_id for each in cases(office))]
    office.hear(suit(party("Schmidt", "K.", SLIP), proceeding=ref(3)))
    assert len(office.desk.questions) == 1


def test_two_certain_households_contradict_each_other_and_a_person_decides(office: Office) -> None:
    office.hear(suit(party("Meier", "Annegret"), proceeding=ref(1)))
    office.hear(suit(party("Maier", "Annegret", AROUND), proceeding=ref(2)))
    both = [case.household_id for case in cases(office)]
    assert len(set(both)) == 2
    people = party("Meyer", "Annegret"), party("Mayer", "Annegret", AROUND)
    office.hear(suit(*people, proceeding=ref(3)))
    assert len(cases(office)) == 3
    assert len(office.desk.questions) == 2


def test_strangers_in_one_house_are_no_question(office: Office) -> None:
    office.hear(suit(KNOWN, proceeding=ref(1)))
    office.hear(suit(party("Kowalski", "Jan"), proceeding=ref(2)))
    assert len(cases(office)) == 2
    assert not office.desk.questions


def test_a_closed_partner_asks_for_no_banner(office: Office) -> None:
    office.hear(suit(KNOWN, proceeding=ref(1)))
    (first,) = office.desk.cases.values()
    office.desk.put_case(first.model_copy(update={"closed": True}))
    opened = event_of(office.hear(suit(party("Schmidt", "K.", SLIP), proceeding=ref(2))))
    assert opened.status is CaseStatus.OPEN
    assert Banner.POSSIBLE_DUPLICATE not in opened.banners
    assert len(office.desk.questions) == 1


def test_the_court_file_decides_before_the_people(office: Office) -> None:
    office.hear(suit(KNOWN, proceeding=ref(1)), COURT)
    office.hear(suit(party("Kowalski", "Jan", AROUND), proceeding=ref(2)), COURT)
    office.hear(suit(party("Schmitt-Öztürk", "Katharina"), proceeding=ref(2)), JOBCENTER)
    assert len(cases(office)) == 2
    assert len(office.desk.questions) == 1
