"""What households of the demo tell at the door. Pure."""

from __future__ import annotations

from deploy.demo.chance import Chance
from shared.contracts.codes import AdviceTopic, ArrearsCause, AssertedBy, Benefit, HouseholdType, Need
from shared.contracts.topics.field_reports import ReportedCause, Talk

_CAUSES = {
    ArrearsCause.UNEMPLOYMENT: 18, ArrearsCause.ILLNESS_ADDICTION_ACCIDENT: 12, ArrearsCause.SEPARATION_DIVORCE_DEATH: 10,
    ArrearsCause.BUDGETING: 12, ArrearsCause.LOW_INCOME_LONG_TERM: 10, ArrearsCause.BENEFIT_DELAY_OR_PROCESSING: 8,
    ArrearsCause.BENEFIT_NOT_CLAIMED: 6, ArrearsCause.UTILITY_BACKPAYMENT: 5, ArrearsCause.JOB_CHANGE_REDUCED_HOURS: 6,
    ArrearsCause.MENTAL_HEALTH_MAIL_UNOPENED: 5, ArrearsCause.RENT_WITHHELD_DEFECT: 3, ArrearsCause.REFUSED: 5,
}  # fmt: skip
_NEEDS = {
    Need.ARREARS_ASSUMPTION: 0.35, Need.DEBT_COUNSELLING: 0.25, Need.BENEFIT_CLAIM: 0.2, Need.LEGAL_ADVICE: 0.15,
    Need.MEDIATION_LANDLORD: 0.1, Need.HOUSING_SUPPORT_67: 0.08, Need.REHOUSING: 0.06, Need.FAMILY_CHILD: 0.05,
    Need.MENTAL_HEALTH: 0.04, Need.ADDICTION: 0.03, Need.WOMEN: 0.02,
}  # fmt: skip
_TOPICS = {
    AdviceTopic.SCHONFRIST: 0.8, AdviceTopic.ARREARS_ASSUMPTION: 0.6, AdviceTopic.BENEFITS: 0.4, AdviceTopic.DEFENCE: 0.3,
    AdviceTopic.INSTALMENTS: 0.4, AdviceTopic.ENFORCEMENT_PROTECTION: 0.1, AdviceTopic.REHOUSING: 0.1,
}  # fmt: skip
_BENEFITS = {Benefit.SGB2: 40, Benefit.SGB12: 10, Benefit.HOUSING_BENEFIT: 8, Benefit.NONE: 32, Benefit.UNKNOWN: 10}
_TYPES = {
    1: {HouseholdType.SINGLE: 60, HouseholdType.SINGLE_PARENT: 25, HouseholdType.OTHER: 5, HouseholdType.UNKNOWN: 10},
    2: {HouseholdType.COUPLE: 40, HouseholdType.COUPLE_WITH_CHILDREN: 50, HouseholdType.OTHER: 10},
}


def talk(residents: int, language: str | None, chance: Chance) -> Talk:
    """What was said, and what the household needs."""
    primary = chance.one_of(_CAUSES)
    causes = [ReportedCause(cause=primary, primary=True, asserted_by=AssertedBy.TENANT)]
    if chance.happens(0.3) and (second := chance.one_of(_CAUSES)) != primary:
        causes.append(ReportedCause(cause=second))
    needs = [need for need, share in _NEEDS.items() if chance.happens(share)]
    if language is not None and chance.happens(0.5):
        needs.append(Need.MIGRATION_LANGUAGE)
    return Talk(
        topics=tuple(topic for topic, share in _TOPICS.items() if chance.happens(share)),
        causes=tuple(causes),
        needs=tuple(needs),
        household_type=chance.one_of(_TYPES[min(residents, 2)]),
        benefit=chance.one_of(_BENEFITS),
        languages=(language,) if language is not None else (),
    )
