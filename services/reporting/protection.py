"""Small numbers protected: which counts of a table must stay unpublished so that none below k can be worked out. Pure.

A table is a circulation: each count is an edge, each sum a node where what flows in flows out. A table of districts by
codes, for example, is `city -> district -> code -> city`, its margins the edges at the city. Tables that share totals are
one circulation. So all that a reader can compute from published counts and their sums is covered (secondary suppression).

Zeros are published: they are about nobody. A reader therefore knows that a protected count is at least 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

K = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """A count, and the sums it is part of. `margin`: a total, given up last. `hidden`: never published anyway."""

    id: str
    tail: str
    head: str
    value: int
    margin: bool = False
    hidden: bool = False


def protect(cells: Sequence[Cell], k: int = K) -> frozenset[str]:
    """The ids of the counts that must not be published, hidden ones included.

    Afterwards no count from 1 to k - 1 is published, none of the protected ones can be computed from the published, and
    nor can a sum of protected ones below k that share a row, a column or a total.

    Raises:
        ValueError: the cells do not add up, so they are no circulation.
    """
    _must_balance(cells)
    unknown = {cell.id for cell in cells if cell.hidden or 0 < cell.value < k}
    while (more := _exposed(cells, unknown, k)) is not None:
        unknown.add(more)
    return frozenset(unknown)


def computable(cells: Sequence[Cell], unknown: Iterable[str]) -> frozenset[str]:
    """Which of the unknown counts have only one value that fits all the others, so that a reader can work them out."""
    open_cells = [cell for cell in cells if cell.id in set(unknown)]
    return frozenset(cell.id for cell in open_cells if not _can_differ(cell, open_cells))


def _exposed(cells: Sequence[Cell], unknown: set[str], k: int) -> str | None:
    """A further count to protect; None where no more is needed."""
    open_cells = [cell for cell in cells if cell.id in unknown]
    for node in sorted({end for cell in open_cells for end in (cell.tail, cell.head)}):
        inward = [cell for cell in open_cells if cell.head == node]
        outward = [cell for cell in open_cells if cell.tail == node]
        # Unknown on one side only: their sum is known from the other side.
        if not (inward and outward) and 0 < sum(cell.value for cell in inward + outward) < k:
            return _cheapest(cells, unknown, {node})
    for cell in open_cells:
        needs_cover = cell.value > 0 and not (cell.hidden and cell.value >= k)
        if needs_cover and not _can_differ(cell, open_cells):
            return _cheapest(cells, unknown, {cell.tail, cell.head})
    return None


def _cheapest(cells: Sequence[Cell], unknown: set[str], nodes: set[str]) -> str:
    """The published count whose loss costs least, at one of the nodes if there is one: no total, and small.

    There always is one: were all counts above zero unknown, each could be larger along the loop it is part of.
    """
    spare = [cell for cell in cells if cell.id not in unknown and cell.value > 0]
    near = [cell for cell in spare if nodes & {cell.tail, cell.head}]
    return min(near or spare, key=lambda cell: (cell.margin, cell.value, cell.id)).id


def _can_differ(cell: Cell, open_cells: Sequence[Cell]) -> bool:
    """Whether another table, equal in all that is published, has another value here.

    One more (or one less) here needs a way round through the other unknown counts: along an edge one more, against it one
    less, which a count can afford while it stays at least 1.
    """
    arcs: dict[str, set[str]] = {}
    for other in open_cells:
        if other is not cell:
            arcs.setdefault(other.tail, set()).add(other.head)
            if _can_fall(other):
                arcs.setdefault(other.head, set()).add(other.tail)
    return _reaches(arcs, cell.head, cell.tail) or (_can_fall(cell) and _reaches(arcs, cell.tail, cell.head))


def _can_fall(cell: Cell) -> bool:
    return cell.value > (0 if cell.hidden else 1)


def _reaches(arcs: Mapping[str, set[str]], start: str, goal: str) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        if node == goal:
            return True
        new = arcs.get(node, set()) - seen
        seen |= new
        waiting.extend(new)
    return False


def _must_balance(cells: Sequence[Cell]) -> None:
    flows: dict[str, int] = {}
    for cell in cells:
        flows[cell.tail] = flows.get(cell.tail, 0) - cell.value
        flows[cell.head] = flows.get(cell.head, 0) + cell.value
    if any(flows.values()):
        raise ValueError("these counts do not add up; every count needs its total")
