"""Which field classes may stand on which kind of topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import BaseModel

from shared.contracts.catalogue import Kind
from shared.contracts.fields import FieldClass, leaves

_FACT = frozenset({FieldClass.IDENTIFIER, FieldClass.CODE, FieldClass.MEASURE})
_ALLOWED = {
    Kind.PRIVATE: frozenset(FieldClass),
    Kind.REGISTER: _FACT | {FieldClass.PERSONAL},
    Kind.FACT: _FACT,
    Kind.SPECIAL_FACT: _FACT | {FieldClass.SPECIAL},
    Kind.PUBLIC: _FACT - {FieldClass.IDENTIFIER},
}


def misplaced(kind: Kind, events: Iterable[type[BaseModel]]) -> Iterator[str]:
    """One sentence for each field that may not stand there, has no class, or takes any text where only codes belong."""
    free_text_allowed = FieldClass.PERSONAL in _ALLOWED[kind]
    for event in events:
        for path, field_class, free_string in leaves(event):
            where = f"{event.__name__}.{path}"
            if field_class is None:
                yield f"{where} has no field class"
            elif field_class not in _ALLOWED[kind]:
                yield f"{where} is {field_class}, which a {kind} topic never carries"
            elif free_string and not (free_text_allowed and field_class in {FieldClass.PERSONAL, FieldClass.STAFF}):
                yield f"{where} is called {field_class} but takes any text"
