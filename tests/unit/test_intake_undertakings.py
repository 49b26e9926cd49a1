"""An undertaking counts for the case that has its suit, whether it is heard before a split or after it."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.contracts.topics.referrals import UndertakingSent
from tests.unit.intake_town import Town, ref
from tests.unit.intake_words import TODAY, party, suit


def _sent(town: Town, case_id: UUID, proceeding_id: UUID) -> None:
    ids = {"case_id": case_id, "referral_id": UUID(int=7), "proceeding_id": proceeding_id, "provider": "jobcenter"}
    town.told("referrals", "referral", UndertakingSent.model_validate({**ids, "sent_on": TODAY}))


def _undertaken(town: Town, case_id: UUID) -> int:
    return sum(isinstance(each.content, UndertakingSent) for each in town.desk.said_in(case_id))


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("goes", [True, False])
def test_it_goes_with_its_suit(before: bool, goes: bool) -> None:
    town = Town()
    case = town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(1)))
    (first,) = town.notices(case)
    (staying,) = (each.proceeding_id for each in town.event(case).proceedings)
    assert case == town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(2)))
    (chosen,) = set(town.notices(case)) - {first}
    (going,) = {each.proceeding_id for each in town.event(case).proceedings} - {staying}
    about = going if goes else staying
    if before:
        _sent(town, case, about)
    new = town.split(case, [chosen])
    assert [each.proceeding_id for each in town.event(new).proceedings] == [going]
    if not before:
        _sent(town, case, about)
    assert (_undertaken(town, case), _undertaken(town, new)) == ((0, 1) if goes else (1, 0))
