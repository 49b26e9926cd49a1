"""Who works where, and who stands in for whom. Pure look-ups in the city's data."""

from __future__ import annotations

from datetime import date

from shared.city import UNKNOWN, Caseworker, City


def team_of(city: City, district: str) -> str:
    """The team that answers for a district; a district the city does not know counts as unknown."""
    return city.team_of(district if district in city.districts else UNKNOWN).id


def caseworker(city: City, who: str | None) -> Caseworker | None:
    """The caseworker of that id, while they work here."""
    return next((each for each in city.caseworkers if each.id == who), None)


def of_team(city: City, team: str) -> tuple[Caseworker, ...]:
    """The team's caseworkers."""
    return tuple(each for each in city.caseworkers if each.team == team)


def stand_in(city: City, who: Caseworker, day: date) -> str | None:
    """Who stands in for somebody absent that day (Vertretung): the first in their order who is there."""
    there = (each for each in who.cover if (deputy := caseworker(city, each)) and not deputy.absent(day))
    return next(there, None) if who.absent(day) else None


def covered_by(city: City, deputy: str, day: date) -> tuple[str, ...]:
    """For whom somebody stands in that day."""
    return tuple(each.id for each in city.caseworkers if stand_in(city, each, day) == deputy)
