"""No protected number can be worked out: tried by an attacker that knows the rules and solves for every table that fits."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.protection import Cell, K, computable, protect


def table(counts: Sequence[Sequence[int]]) -> list[Cell]:
    """Rows by columns with both margins and the grand total."""
    cells = [
        Cell(f"{row}{column}", f"r{row}", f"c{column}", value)
        for row, values in enumerate(counts)
        for column, value in enumerate(values)
    ]
    cells += [Cell(f"row{row}", "city", f"r{row}", sum(values), margin=True) for row, values in enumerate(counts)]
    cells += [Cell(f"column{c}", f"c{c}", "all", sum(values), margin=True) for c, values in enumerate(zip(*counts, strict=True))]
    return [*cells, Cell("total", "all", "city", sum(map(sum, counts)), margin=True)]


def fitting(cells: Sequence[Cell], unknown: frozenset[str], up_to: int) -> Iterator[dict[str, int]]:
    """Every table that fits what is published, by brute force over the inner cells: what an attacker can do at most."""
    inner = [cell for cell in cells if not cell.margin]
    ranges = [range(1, up_to + 1) if cell.id in unknown else (cell.value,) for cell in inner]
    published = {cell.id: cell.value for cell in cells if cell.margin and cell.id not in unknown}
    for values in itertools.product(*ranges):
        guess = {cell.id: value for cell, value in zip(inner, values, strict=True)}
        sums: dict[str, int] = {"total": sum(values)}
        for cell, value in zip(inner, values, strict=True):
            sums[f"row{cell.tail[1:]}"] = sums.get(f"row{cell.tail[1:]}", 0) + value
            sums[f"column{cell.head[1:]}"] = sums.get(f"column{cell.head[1:]}", 0) + value
        if all(sums[each] == value for each, value in published.items()):
            yield guess | sums


counts = st.integers(0, 12) | st.integers(0, 3)
tables = st.tuples(st.integers(1, 7), st.integers(1, 6)).flatmap(
    lambda size: st.lists(st.lists(counts, min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0])
)
small_tables = st.sampled_from([(1, 3), (2, 2)]).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, 6), min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0])
)


@settings(deadline=None)  # the machine is shared
@given(tables)
def test_nothing_below_k_is_published_and_no_protected_count_can_be_computed(values: list[list[int]]) -> None:
    cells = table(values)
    unknown = protect(cells)
    assert all(cell.id in unknown for cell in cells if 0 < cell.value < K)
    assert not computable(cells, unknown)


@settings(deadline=None)  # the machine is shared
@given(tables)
def test_no_row_column_or_total_gives_away_a_small_sum(values: list[list[int]]) -> None:
    cells = table(values)
    unknown = protect(cells)
    for node in {cell.tail for cell in cells}:
        sides = [
            [cell.value for cell in cells if cell.head == node and cell.id in unknown],
            [cell.value for cell in cells if cell.tail == node and cell.id in unknown],
        ]
        if bool(sides[0]) != bool(sides[1]):
            assert sum(sides[0] + sides[1]) >= K


@settings(deadline=None)  # the machine is shared
@given(small_tables)
def test_an_attacker_who_tries_every_table_is_never_sure(values: list[list[int]]) -> None:
    cells = table(values)
    unknown = protect(cells)
    left: dict[str, set[int]] = {each: set() for each in unknown}
    for guess in fitting(cells, unknown, up_to=9):
        for each, seen in left.items():
            seen.add(guess[each])
        if all(len(seen) > 1 for seen in left.values()):
            return
    assert all(len(seen) > 1 for seen in left.values()), "a protected count has one value only"


@settings(deadline=None)  # the machine is shared
@given(small_tables)
def test_what_the_audit_calls_computable_is_what_brute_force_finds(values: list[list[int]]) -> None:
    cells = table(values)
    primary = frozenset(cell.id for cell in cells if 0 < cell.value < K and not cell.margin)
    found: dict[str, set[int]] = {each: set() for each in primary}
    for guess in fitting(cells, primary, up_to=8):
        for each, seen in found.items():
            seen.add(guess[each])
    assert {each for each, seen in found.items() if len(seen) == 1} == computable(cells, primary)


def test_a_cell_of_three_is_not_given_away_by_its_margin() -> None:
    cells = table([[3, 20], [30, 40]])
    unknown = protect(cells)
    assert {"00", "01", "10"} <= unknown
    assert computable(cells, {"00"}) == {"00"}


def test_two_loops_joined_by_one_cell_give_that_cell_away_unless_the_audit_sees_it() -> None:
    values = [[9, 9, 0, 0], [9, 9, 7, 0], [0, 0, 9, 9], [0, 0, 9, 9]]
    two_in_each_row_and_column = {"00", "01", "10", "11", "12", "22", "23", "32", "33"}
    assert computable(table(values), two_in_each_row_and_column) == {"12"}


def test_a_table_without_small_numbers_is_published_whole() -> None:
    assert protect(table([[5, 0], [12, 7]])) == frozenset()


def test_a_hidden_count_is_covered_too() -> None:
    cells = [
        Cell("primary", "p", "cause", 20),
        Cell("further", "f", "cause", 2, hidden=True),
        Cell("any", "cause", "end", 22, margin=True),
        Cell("back_p", "end", "p", 20, hidden=True),
        Cell("back_f", "end", "f", 2, hidden=True),
    ]
    assert protect(cells) & {"primary", "any"}


def test_counts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="add up"):
        protect([Cell("a", "x", "y", 3)])
