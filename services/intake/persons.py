"""The people and addresses of a household, and the ids that outlive every message about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.addresses import Located
from services.intake.facts import Statement, best
from services.intake.matching import address_of, dwelling_of, named, people
from shared.contracts.codes import Disclosure
from shared.contracts.topics.households import AddressRecord, Member
from shared.contracts.topics.notices import SelfReported, SuitFiled
from shared.contracts.topics.parts import Address


@dataclass(frozen=True, slots=True)
class Atlas:
    """What the city knows of addresses; `find` tells both at once, so that an address is taken apart once."""

    find: Callable[[Address], tuple[str, Located]]

    def key(self, address: Address) -> str:
        """A key that two spellings of one address share."""
        return self.find(address)[0]

    def locate(self, address: Address) -> Located:
        """Where an address lies."""
        return self.find(address)[1]


class Ids:
    """Random ids by what they stand for: given once, kept for ever.

    `known` maps keys such as `person|<name>` to ids; works on a copy, so that a decision that fails leaves no trace.
    """

    def __init__(self, known: dict[str, UUID], new_id: Callable[[], UUID]) -> None:
        self.known = dict(known)
        self.new = new_id

    def of(self, key: str) -> UUID:
        """The id of the thing known by this key, from now on if not before."""
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.new()
        return found

    def person(self, name: str) -> UUID:
        """The id of the person with this key of matching.named; several spellings may share one."""
        return self.of(f"person|{name}")

    def current(self, told: UUID | None) -> UUID | None:
        """The id that one told earlier goes by since a merge or split."""
        return None if told is None else self.known.get(f"was|{told}", told)

    def address(self, key: str) -> UUID:
        """The id of the address with this key of the atlas."""
        return self.of(f"address|{key}")


def members(statements: Sequence[Statement], ids: Ids) -> tuple[Member, ...]:
    """Everybody these statements name, in the order in which they were first heard of."""
    spoken: dict[UUID, list[tuple[Statement, int]]] = {}
    for each in statements:
        for n, (name, _) in enumerate(named(each.content)):
            spoken.setdefault(ids.person(name), []).append((each, n))
    result = []
    for person_id, said in spoken.items():
        parties = [(each, people(each.content)[n]) for each, n in said]
        newest = max(parties, key=lambda pair: pair[0].weight)[1]
        result.append(
            Member(
                person_id=person_id,
                family_name=newest.family_name,
                given_name=newest.given_name,
                language=best((each, party.language) for each, party in parties),
                telephone=best(
                    (each, each.content.telephone) for each, n in said if isinstance(each.content, SelfReported) and n == 0
                ),
            )
        )
    return tuple(result)


def home_of(person_id: UUID, statements: Iterable[Statement], ids: Ids) -> Address | None:
    """Where the weightiest of these statements says somebody lives."""
    return best(
        (each, address_of(each.content, party))
        for each in statements
        for name, party in named(each.content)
        if ids.person(name) == person_id
    )


def dwelling(statements: Sequence[Statement]) -> Address | None:
    """The threatened dwelling: as a suit states it, else where the first message found the household. A move changes nothing."""
    stated = best((each, each.content.dwelling) for each in statements if isinstance(each.content, SuitFiled))
    return stated or next((address for each in statements if (address := dwelling_of(each.content))), None)


def addresses(statements: Sequence[Statement], ids: Ids, atlas: Atlas) -> tuple[AddressRecord, ...]:
    """Every address that is named, and whose. One that is neither the suit's dwelling nor everybody's is for its people only."""
    threatened: set[UUID] = set()
    everybody: set[UUID] = set()
    written: dict[UUID, list[tuple[Statement, Address]]] = {}
    dwellers: dict[UUID, dict[UUID, None]] = {}
    for each in statements:
        stated = each.content.dwelling if isinstance(each.content, SuitFiled) else None
        if stated is not None:
            address_id = ids.address(atlas.key(stated))
            threatened.add(address_id)
            written.setdefault(address_id, []).append((each, stated))
        for name, party in named(each.content):
            person_id = ids.person(name)
            everybody.add(person_id)
            if (address := address_of(each.content, party)) is not None:
                address_id = ids.address(atlas.key(address))
                written.setdefault(address_id, []).append((each, address))
                dwellers.setdefault(address_id, {})[person_id] = None
    shared = threatened | {each for each, own in dwellers.items() if set(own) == everybody}
    result = []
    for address_id, said in written.items():
        address = best(said)
        assert address is not None
        place = atlas.locate(address)
        result.append(
            AddressRecord(
                address_id=address_id,
                person_ids=tuple(dwellers.get(address_id, ())),
                address=Address(**vars(address)),
                district=place.district,
                quarter=place.quarter,
                in_city=place.in_city,
                disclosure=Disclosure.HOUSEHOLD if address_id in shared else Disclosure.PERSON_ONLY,
            )
        )
    return tuple(result)
