"""Whom to ask: the services of providers (Träger, Ämter, Wohnungsunternehmen) and the choice among them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.codes import Benefit, Need, TransmissionBasis

HEALTH = frozenset({Need.ADDICTION, Need.MENTAL_HEALTH})
"""Needs that tell of a person's health: nobody hears of them without consent in writing (§ 67b II SGB X, Art. 9 GDPR)."""

UNKNOWN_DISTRICT = "UNKNOWN"


class ProviderKind(StrEnum):
    """What a provider may answer: an authority (Amt) decides, the others accept or reject."""

    AUTHORITY = "AUTHORITY"
    PROVIDER = "PROVIDER"
    HOUSING_COMPANY = "HOUSING_COMPANY"


@dataclass(frozen=True, slots=True)
class Service:
    """A provider's service (Hilfeangebot): the needs it meets, where, in which languages, for how many cases at a time."""

    code: str
    provider: str
    kind: ProviderKind
    needs: frozenset[Need]
    districts: frozenset[str]
    languages: frozenset[str]
    capacity: int
    basis: TransmissionBasis
    active: bool = True
    benefits: frozenset[Benefit] = frozenset()

    def basis_for(self, need: Need) -> TransmissionBasis:
        """On what a handover for this need rests: health data always on consent."""
        return TransmissionBasis.CONSENT if need in HEALTH else self.basis

    def by_law(self, need: Need) -> bool:
        """Whether the application is this authority's own task (§ 69 I Nr. 1 SGB X): told at once, not only when it accepts."""
        return self.kind is ProviderKind.AUTHORITY and self.basis_for(need) is TransmissionBasis.SGB10_69_1_1

    def meets(self, wanted: Wanted) -> bool:
        """Whether need, district and benefit fit; what nobody knows is no reason to send a household away."""
        here = wanted.district == UNKNOWN_DISTRICT or wanted.district in self.districts
        theirs = not self.benefits or wanted.benefit is Benefit.UNKNOWN or wanted.benefit in self.benefits
        return self.active and wanted.need in self.needs and here and theirs


@dataclass(frozen=True, slots=True)
class Directory:
    """All services of all providers, in the registry's order."""

    services: tuple[Service, ...]

    def kind_of(self, provider: str) -> ProviderKind | None:
        """What a provider is, None for one the registry does not have."""
        return next((each.kind for each in self.services if each.provider == provider), None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for, in codes."""

    need: Need
    district: str
    languages: tuple[str, ...]
    benefit: Benefit = Benefit.UNKNOWN


@dataclass(frozen=True, slots=True)
class Choice:
    """The service to ask, or None; `consent_would_help` where somebody might be asked if only the household agreed."""

    service: Service | None
    consent_would_help: bool = False


def choose(
    directory: Directory,
    wanted: Wanted,
    tried: Iterable[str],
    held: Callable[[str], int],
    permitted: Callable[[Service], bool],
) -> Choice:
    """The best service of a provider not yet tried: speaks the language, then the least loaded, then the registry's order.

    `held` counts a service's open referrals: what is at capacity is passed over. Nobody is asked whom the household's
    data could not be given to.
    """
    passed = frozenset(tried)
    fitting = [each for each in directory.services if each.provider not in passed and each.meets(wanted)]
    allowed = [each for each in fitting if permitted(each)]
    free = [each for each in allowed if held(each.code) < each.capacity]
    if not free:
        return Choice(None, consent_would_help=len(allowed) < len(fitting))

    def rank(service: Service) -> tuple[bool, float]:
        foreign = bool(wanted.languages) and service.languages.isdisjoint(wanted.languages)
        return foreign, held(service.code) / service.capacity

    return Choice(min(free, key=rank))
