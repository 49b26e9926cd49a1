"""An earlier healing of the same household warns that the Schonfrist may be used up."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from services.intake.desk import Desk
from services.intake.law.healing import Healing
from services.intake.matching import household_keys
from services.intake.room import IntakeRoom
from shared.city import load_city
from shared.contracts.codes import Banner
from shared.contracts.topics.cases import CaseEvent
from shared.runtime.settings import MUENSTER
from tests.unit.intake_words import TODAY, heard, suit

ROOM = IntakeRoom(load_city(MUENSTER))


def banners(*earlier: Healing) -> tuple[Banner, ...]:
    """What the case of a new suit warns of, where these healings outlived the household's erasure."""
    desk = Desk(TODAY, ROOM._atlas, ROOM._clockwork, uuid4)
    (key,) = household_keys(suit(), desk.atlas.key)
    desk.healed = {key: earlier}
    (event,) = [one.data for one in ROOM.decide(desk, heard(suit())).said if isinstance(one.data, CaseEvent)]
    return event.banners


@pytest.mark.parametrize(
    ("earlier", "warned"),
    [
        ((), ()),
        ((Healing(healed_on=TODAY - timedelta(days=700)),), (Banner.SCHONFRIST_EXHAUSTED,)),
        ((Healing(healed_on=TODAY - timedelta(days=760)),), ()),
        ((Healing(healed_on=TODAY - timedelta(days=100), after_suit=None),), (Banner.SCHONFRIST_LEGAL_REVIEW,)),
        ((Healing(healed_on=TODAY + timedelta(days=1)),), ()),  # later than the notice it might use up
    ],
)
def test_a_healing_within_two_years_is_told(earlier: tuple[Healing, ...], warned: tuple[Banner, ...]) -> None:
    assert banners(*earlier) == warned
