"""Which case a notice speaks of: keys that two spellings of the same court file or the same person share; likeness knows more."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from shared.contracts.fields import Event
from shared.contracts.topics.notices import (
    ArrearsWarningReported,
    EvictionDateNotified,
    Notice,
    Party,
    ProceedingRef,
    SelfReported,
    ServiceReported,
    SuitFiled,
    TerminationReported,
)
from shared.contracts.topics.parts import Address

_OF_DEFENDANTS = (SuitFiled, ServiceReported)
_OF_TENANTS = (TerminationReported, ArrearsWarningReported, SelfReported)

_TRANSCRIBED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "oe", "å": "aa"})
_DOCKET = re.compile(r"0*([0-9]+)([a-z]+)0*([0-9]+)[^0-9a-z]+(?:19|20)?([0-9]{2})")
_SPACES = re.compile(r"\s+")
_WORD = re.compile(r"[^\W_]+")
_NO_WORD = re.compile(r"[\W_]+")


def plain(text: str) -> str:
    """Lower case without accents, umlauts as they are transcribed (ü = ue)."""
    folded = unicodedata.normalize("NFC", text).casefold()
    if not folded.isascii():
        folded = folded.translate(_TRANSCRIBED)
    if folded.isascii():  # as nearly every name is by now
        return folded
    return "".join(char for char in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(char))


def name_key(family_name: str, given_name: str | None = None) -> str:
    """A person's name in any order of its words."""
    return " ".join(sorted(_WORD.findall(plain(f"{family_name} {given_name or ''}"))))


def docket_key(ref: ProceedingRef) -> str:
    """Court and docket without the freedom of spelling: 05 C 0123/2026 = 5 C 123/26 = 5C123-26."""
    squeezed = _SPACES.sub("", plain(ref.docket))
    usual = _DOCKET.fullmatch(squeezed)
    docket = "{}{}{}/{}".format(*usual.groups()) if usual else _NO_WORD.sub("/", squeezed).strip("/")
    return f"docket|{ref.court_code}|{docket}"


def docket_of(content: Event) -> str | None:
    """The key of the court file that a notice names."""
    return docket_key(content.proceeding) if isinstance(content, Notice) and content.proceeding else None


def people(content: Event) -> tuple[Party, ...]:
    """Whose home is in danger: defendants, tenants or debtors."""
    if isinstance(content, _OF_DEFENDANTS):
        return content.defendants
    if isinstance(content, _OF_TENANTS):
        return content.tenants
    return content.debtors if isinstance(content, EvictionDateNotified) else ()


def named(content: Event) -> Iterator[tuple[str, Party]]:
    """The people of a notice, each with a key of its own: father and son of one name are two."""
    seen: dict[str, int] = {}
    for party in people(content):
        key = name_key(party.family_name, party.given_name)
        seen[key] = seen.get(key, 0) + 1
        yield (key if seen[key] == 1 else f"{key} #{seen[key]}"), party


def address_of(content: Event, party: Party) -> Address | None:
    """Where the notice says a person lives: with the others, where it gives no address of their own."""
    return party.address or dwelling_of(content)


def dwelling_of(content: Event) -> Address | None:
    """The threatened dwelling, or the first address that is named."""
    stated = content.dwelling if isinstance(content, SuitFiled) else None
    return stated or next((party.address for party in people(content) if party.address), None)


def addresses(content: Event) -> Iterator[Address]:
    """Every address that a notice names."""
    if (dwelling := dwelling_of(content)) is not None:
        yield dwelling
    yield from (party.address for party in people(content) if party.address is not None)


def homes(content: Event) -> list[Address]:
    """Where the people of a notice live, as far as it says."""
    return [address for party in people(content) if (address := address_of(content, party)) is not None]


def household_keys(content: Event, address_key: Callable[[Address], str]) -> tuple[str, ...]:
    """A key for each person at their address, sorted."""
    return tuple(
        sorted(
            f"person|{name}|{address_key(address)}"
            for name, party in named(content)
            if (address := address_of(content, party)) is not None
        )
    )
