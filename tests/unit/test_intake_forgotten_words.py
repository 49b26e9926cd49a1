"""Whoever was split off is not spelled out in the household that they left: they are erased elsewhere."""

from __future__ import annotations

from tests.unit.intake_town import Town, ref
from tests.unit.intake_words import party, stranger, suit


def test_the_household_that_was_left_has_no_word_of_who_went_and_every_word_of_who_stays() -> None:
    town = Town()
    one = town.hear(suit(stranger(1), party("Beispiel", "Berta"), proceeding=ref(1)))
    other = town.hear(suit(stranger(2), proceeding=ref(2)))
    into, _ = town.merge(one, other)
    chosen = [each for each in town.notices(into) if town.desk.statements[each].content.proceeding == ref(2)]  # type: ignore[attr-defined]  # a suit
    before = town.desk.households[town.desk.cases[into].household_id].ids
    new = town.split(into, chosen)
    left, went = (town.desk.households[town.desk.cases[each].household_id] for each in (into, new))
    gone, here = (stranger(n).family_name.lower() for n in (2, 1))
    assert [key for key in before if gone in key]
    assert not [key for key in left.ids if gone in key]
    assert [key for key in went.ids if gone in key]
    assert {key for key in before if here in key} <= left.ids.keys()
