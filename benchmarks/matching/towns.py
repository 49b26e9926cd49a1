"""Households of towns that nobody lives in, fixed by their number: names as unequally common as German ones, streets, postcodes.

A postcode has 10,000 households on 90 streets and five postcodes make a town, so that more households are more towns.
"""

from __future__ import annotations

import random
from bisect import bisect
from itertools import accumulate

from services.intake.likeness import Record

_ONSETS = "b br d f fr g gr h j k kl kr l m n p r s sch schm st t w z".split()  # noqa: SIM905  reads as words
_VOWELS = "a e i o u au ei ie ö ü".split()  # noqa: SIM905  as above
_CODAS = "ck ff l ll ld m mann n ng nn r rt s ss t tz".split()  # noqa: SIM905  as above
_HOUSEHOLDS, _STREETS, _POSTCODES = 10_000, 90, 5


class Towns:
    """The inhabitants, by number: the same number is the same household in towns of any size."""

    def __init__(self) -> None:
        draw = random.Random("names")  # noqa: S311  towns, not secrets
        self._family, self._given = _Names(draw, 40_000, 2), _Names(draw, 3_000, 1)
        self._streets = _Names(draw, 20_000, 2)

    def household(self, number: int) -> Record:
        """A household's person and address."""
        draw = random.Random(number)  # noqa: S311  as above
        postcode = number // _HOUSEHOLDS
        street = random.Random(f"{postcode} {draw.randrange(_STREETS)}")  # noqa: S311  as above
        return Record(
            family_name=self._family.one(draw),
            given_name=self._given.one(draw),
            street=f"{self._streets.one(street)}{street.choice((' Straße', 'straße', 'weg', 'allee', ' Platz'))}",
            number=str(draw.randint(1, 120)),
            postcode=f"{10_000 + postcode:05}",
            place=f"Stadt {_word(random.Random(f'town {postcode // _POSTCODES}'), 2)}",  # noqa: S311  as above
        )

    def miswritten(self, number: int) -> Record:
        """The same household as somebody else writes it: two letters of the family name or street swapped, Str. for Straße."""
        draw, record = random.Random(f"slip {number}"), self.household(number)  # noqa: S311  as above
        field = draw.choice(("family_name", "street"))
        text = getattr(record, field)
        at = draw.randrange(1, max(2, len(text) - 1))
        slipped = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        return record._replace(**{field: slipped})._replace(street=record.street.replace("straße", "str."))


class _Names:
    """Names by rank: the second is half as common as the first, the third a third, levelled out as German surnames are."""

    def __init__(self, draw: random.Random, count: int, syllables: int) -> None:
        self._names = [_word(draw, draw.randint(1, syllables)).capitalize() for _ in range(count)]
        self._sums = list(accumulate(1 / (rank + 10) for rank in range(count)))

    def one(self, draw: random.Random) -> str:
        return self._names[bisect(self._sums, draw.random() * self._sums[-1])]


def _word(draw: random.Random, syllables: int) -> str:
    parts = [f"{draw.choice(_ONSETS)}{draw.choice(_VOWELS)}{draw.choice(_CODAS)}" for _ in range(syllables)]
    return "".join(parts) + draw.choice(("", "e", "er", "ert"))
