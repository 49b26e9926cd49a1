"""Whether two records mean one person, and two lists of people one household. Pure; explains each decision.

`normal(record)` once, `keys(normal)` to find the few that may be the same, `compare(a, b)` to decide, and for households
`compare_households` and `choose`. Keys are kept as `stored` numbers beside the `packed` normal form; `candidates` chooses from
what they led to.
"""

from services.intake.likeness.blocking import CANDIDATES, MOST, WIDE, candidates, keys, stored
from services.intake.likeness.decision import Comparison, Feature, Verdict, compare, likely
from services.intake.likeness.household import HouseholdComparison, Match, choose, compare_households
from services.intake.likeness.levels import Level
from services.intake.likeness.record import Normal, Record, normal, packed, unpacked

__all__ = [
    "CANDIDATES",
    "MOST",
    "WIDE",
    "Comparison",
    "Feature",
    "HouseholdComparison",
    "Level",
    "Match",
    "Normal",
    "Record",
    "Verdict",
    "candidates",
    "choose",
    "compare",
    "compare_households",
    "keys",
    "likely",
    "normal",
    "packed",
    "stored",
    "unpacked",
]
