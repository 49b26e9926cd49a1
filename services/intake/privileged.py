"""Whether an earlier healing has used the Schonfrist up (§ 569 III Nr. 2 S. 2 BGB), told as a banner. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from services.intake.casefile import CaseFile
from services.intake.law.healing import HEALABLE, Healing, Privilege, privilege
from services.intake.stage import SAFE
from shared.contracts.codes import Banner

_BANNERS = {Privilege.EXHAUSTED: Banner.SCHONFRIST_EXHAUSTED, Privilege.LEGAL_REVIEW: Banner.SCHONFRIST_LEGAL_REVIEW}


def warned(file: CaseFile, earlier: Iterable[Healing]) -> CaseFile:
    """The file with the banner that `earlier` healings of this household earn it, its own earlier suits' included."""
    since = _since(file)
    if file.stage in SAFE or since is None:
        return file
    before = [each for each in earlier if each.healed_on is None or each.healed_on < since]
    banner = _BANNERS.get(privilege(before, since))
    return file if banner is None else replace(file, banners=(*file.banners, banner))


def _since(file: CaseFile) -> date | None:
    """When the newest termination that could be healed had come, or where none is known the newest suit still going on."""
    notices = [each.received_on for each in file.terminations if HEALABLE & set(each.types)]
    suits = [each.received_on for each in file.proceedings if each.outcome is None]
    return max(notices or suits, default=None)
