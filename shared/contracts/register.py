"""The register of processing activities (Verzeichnis von Verarbeitungstätigkeiten, Art. 30 GDPR) and the code lists, as pages."""

from __future__ import annotations

import inspect
from enum import StrEnum

from shared.contracts import codes
from shared.contracts.catalogue import CATALOGUE, Kind, Topic
from shared.contracts.fields import FieldClass, leaves
from shared.contracts.parties import purpose, readers, writers

_MADE = "<!-- Made by `bleibe contracts`; change shared/contracts instead. -->"
_COMPACTED = {Kind.REGISTER: "the newest of each key, until a tombstone erases it", Kind.PUBLIC: "the newest of each key"}
_TELLING = (FieldClass.PERSONAL, FieldClass.SPECIAL, FieldClass.STAFF)


def processing_register() -> str:
    """One row a topic: what it is for, what may stand in it, how long, who writes and reads it; then the telling fields."""
    lines = [
        "# Register of processing activities",
        "",
        _MADE,
        "",
        "What travels on Kafka (Verzeichnis von Verarbeitungstätigkeiten, Art. 30 GDPR). Field classes: `identifier` a random",
        "id, `code` an entry of a list, `measure` a bool, date, number or band, `special` a category of Art. 9 GDPR, `personal`",
        "a name, address, docket, exact sum or free text, `staff` a caseworker or another member of staff.",
        "",
        "| topic | purpose | kind | field classes | kept on Kafka | written by | read by |",
        "|---|---|---|---|---|---|---|",
        *(_row(topic) for topic in CATALOGUE),
        "",
        "## Fields that tell of a person",
        "",
        "Topics not listed carry identifiers, codes and measures only.",
        "",
        "| topic | class | fields |",
        "|---|---|---|",
    ]
    for topic in CATALOGUE:
        for field_class in _TELLING:
            told = [leaf for event in topic.events for leaf in leaves(event) if leaf.field_class is field_class]
            names = sorted({leaf.path.rpartition(".")[2] for leaf in told})
            if names:
                lines.append(f"| `{_name(topic)}` | {field_class} | {', '.join(f'`{name}`' for name in names)} |")
    return "\n".join(lines) + "\n"


def code_lists() -> str:
    """Every code list with its members, the topics that use it and its source."""
    used = _uses()
    lines = ["# Code lists", "", _MADE, "", "A source of `Bleibe` means that the list is our own."]
    for name, listed in sorted(vars(codes).items()):
        if not (isinstance(listed, type) and issubclass(listed, StrEnum) and listed is not StrEnum):
            continue
        about, _, source = inspect.cleandoc(listed.__doc__ or "").partition("\n\nSource: ")
        lines += [
            "",
            f"## {name}",
            "",
            about,
            "",
            f"- Source: {source or 'Bleibe.'}",
            f"- On: {', '.join(f'`{topic}`' for topic in used.get(name, []))}",
            f"- Codes: {', '.join(f'`{member.value}`' for member in listed)}",
        ]
    return "\n".join(lines) + "\n"


def _row(topic: Topic) -> str:
    classes = {leaf.field_class for event in topic.events for leaf in leaves(event)}
    cells = (
        f"`{_name(topic)}`",
        purpose(topic),
        topic.kind,
        ", ".join(each for each in FieldClass if each in classes),
        f"{topic.retention_days} days" if topic.retention_days else _COMPACTED[topic.kind],
        ", ".join(writers(topic)),
        ", ".join(readers(topic)),
    )
    return f"| {' | '.join(cells)} |"


def _name(topic: Topic) -> str:
    return f"{topic.name}.<{topic.family}>" if topic.family else topic.name


def _uses() -> dict[str, list[str]]:
    """Code list -> topics, by the names of the parts that the topics' schemas are built of."""
    found: dict[str, list[str]] = {}
    for topic in CATALOGUE:
        parts = {name for event in topic.events for name in event.model_json_schema().get("$defs", {})}
        for name in sorted(parts):
            found.setdefault(name, []).append(_name(topic))
    return found
