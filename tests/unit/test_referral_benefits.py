"""An application goes to the office that is competent for the household's benefit."""

from __future__ import annotations

import pytest

from services.referral.routing import Choice, Directory, ProviderKind, Service, Wanted, choose
from shared.contracts.codes import Benefit, Need, TransmissionBasis


def office(code: str, *benefits: Benefit) -> Service:
    return Service(
        code=code,
        provider=code,
        kind=ProviderKind.AUTHORITY,
        needs=frozenset({Need.ARREARS_ASSUMPTION}),
        districts=frozenset({"NORD"}),
        languages=frozenset({"de"}),
        capacity=40,
        basis=TransmissionBasis.SGB10_69_1_1,
        benefits=frozenset(benefits),
    )


OFFICES = Directory((office("sgb12", Benefit.SGB12, Benefit.NONE), office("sgb2", Benefit.SGB2)))


def asked(benefit: Benefit) -> Choice:
    wanted = Wanted(Need.ARREARS_ASSUMPTION, "NORD", ("de",), benefit)
    return choose(OFFICES, wanted, (), lambda _: 0, lambda _: True)


@pytest.mark.parametrize(
    ("benefit", "code"),
    [(Benefit.SGB2, "sgb2"), (Benefit.SGB12, "sgb12"), (Benefit.NONE, "sgb12"), (Benefit.UNKNOWN, "sgb12")],
)
def test_the_competent_office_is_asked(benefit: Benefit, code: str) -> None:
    service = asked(benefit).service
    assert service is not None
    assert service.code == code


def test_nobody_is_asked_who_is_not_competent() -> None:
    assert asked(Benefit.HOUSING_BENEFIT).service is None
