"""What intake itself says of merges and splits, each key read at its own pace, leaves outreach with what intake has."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.catalogue import CASES, HOUSEHOLDS
from shared.messaging.model import Said
from tests.unit import intake_town as intake
from tests.unit.outreach_room import Town
from tests.unit.outreach_story import nobody_twice, teams_know, told_is_so


@given(intake.steps, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_every_defendant_of_every_living_case_is_covered_or_excused(story: list[object], pace: Random) -> None:
    said = intake.Town()
    intake.play(said, story)
    town = Town()
    keys: dict[tuple[str, str], list[Said]] = {}
    for each in said.said:
        if each.topic in (CASES.name, HOUSEHOLDS.name):
            keys.setdefault((each.topic, each.key), []).append(each)
    while any(keys.values()):
        event = pace.choice([key for key in keys.values() if key]).pop(0)
        town.decide(event.data, event.topic, event.key)
        nobody_twice(town)
    told_is_so(town)
    teams_know(town)
    assert set(town.state.files) == {case.id for case in said.living()}
    for file in town.state.files.values():
        assert not file.waiting
        for suit in file.case.proceedings:
            for one in suit.defendants:
                line = one.person_id, one.address_id, suit.proceeding_id
                covered = any(
                    (each.person_id, each.address_id, each.proceeding_id) == line for each in file.owed if not each.void
                )
                excused = any((each.person_id, each.proceeding_id) == (line[0], line[2]) for each in file.excused)
                assert covered != excused
