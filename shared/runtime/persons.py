"""Who may do what: persons of the city and its partners, each with roles and one personal token.

The file holds hashes of tokens. They need neither salt nor stretching, because a token is 256 random bits.
"""

import dataclasses
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import ConfigDict, TypeAdapter


class Role(StrEnum):
    """What a person may act as."""

    PARTNER = "partner"
    CLERK = "clerk"
    CASEWORKER = "caseworker"
    TEAM_LEAD = "team_lead"
    PRIVACY = "privacy"
    OPERATOR = "operator"
    REPORTING_READER = "reporting_reader"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody known by token. `source` is a partner's ``ce_source``; `acting` the role used in this request."""

    id: str
    roles: frozenset[Role]
    team: str | None = None
    provider: str | None = None
    source: str | None = None
    caseworker_id: str | None = None
    acting: Role | None = None

    def acting_as(self, role: Role) -> "Person":
        """The same person in one of their roles. Raises ``ValueError`` for a role they don't have."""
        if role not in self.roles:
            raise ValueError(f"this person has no role {role}")
        return dataclasses.replace(self, acting=role)


@dataclass(frozen=True, slots=True)
class _Entry(Person):
    __pydantic_config__ = ConfigDict(extra="forbid")

    token_sha256: str = field(kw_only=True, repr=False)


_FILE = TypeAdapter(list[_Entry], config=ConfigDict(hide_input_in_errors=True))


class Tokens:
    """All persons, found by their token."""

    def __init__(self, persons: Mapping[str, Person]) -> None:
        """`persons` by the SHA-256 of their token, in hex."""
        self._persons = [(bytes.fromhex(digest), person) for digest, person in persons.items()]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a persons file. Raises pydantic's ``ValidationError``, which names entry and field only."""
        persons: dict[str, Person] = {}
        for entry in _FILE.validate_json(path.read_bytes()):
            fields = {f.name: getattr(entry, f.name) for f in dataclasses.fields(Person)}
            persons[entry.token_sha256] = Person(**fields)
        return cls(persons)

    def person(self, token: str) -> Person | None:
        """Whose token this is; takes the same time for every answer."""
        digest = hashlib.sha256(token.encode()).digest()
        found: Person | None = None
        for known, person in self._persons:
            if hmac.compare_digest(known, digest):
                found = person
        return found


def make_token() -> tuple[str, str]:
    """A new token in clear, for the person alone, and its SHA-256 in hex, for the file."""
    clear = f"bleibe_{secrets.token_urlsafe(32)}"
    return clear, hashlib.sha256(clear.encode()).hexdigest()


def write_persons(path: Path, persons: Sequence[tuple[Person, str]]) -> None:
    """Write a persons file that only its owner may read, from persons and their tokens' hashes."""
    entries = [_Entry(**dataclasses.asdict(person), token_sha256=digest) for person, digest in persons]
    path.touch(mode=0o600)
    path.write_bytes(_FILE.dump_json(entries, indent=2, exclude_none=True))
