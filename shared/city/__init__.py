"""A city's facts: the models and the loader of its folder."""

from shared.city.load import CityDataError, load_city
from shared.city.model import (
    UNKNOWN,
    Absence,
    Caseworker,
    City,
    Court,
    Partner,
    Promises,
    Provider,
    QuarterRow,
    Retention,
    SampledAddress,
    Service,
    Street,
    Team,
    Visits,
)

__all__ = [
    "UNKNOWN",
    "Absence",
    "Caseworker",
    "City",
    "CityDataError",
    "Court",
    "Partner",
    "Promises",
    "Provider",
    "QuarterRow",
    "Retention",
    "SampledAddress",
    "Service",
    "Street",
    "Team",
    "Visits",
    "load_city",
]
