"""`bleibe deadlines`: the legal clock by itself; needs no running system."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from pydantic import ValidationError

from deploy.cli.output import fail
from services.intake import law


def deadlines(facts: Path, *, as_json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> None:
    """Compute the deadlines of an eviction proceeding from a JSON file of facts, and explain each.

    Keys, each may be left out: filed_on, served_on (a date, or a list with one entry per defendant), hearing_at,
    judgment_served_on, default_judgment_served_on, eviction_at, eviction_date_served_on, eviction_period_ends_on,
    tenancy_ends_on, land, landlord_land, today; services/intake/law/documents.py says more of each.

    Example: bleibe deadlines docs/examples/facts.json --json

    Args:
        facts: the file.
        as_json: print a JSON array instead of text.
    """
    try:
        document = facts.read_bytes()
    except OSError as error:
        fail(f"{facts} lässt sich nicht lesen / cannot be read: {error.strerror}.", 2)
    try:
        found = law.deadlines(law.facts_from_json(document), law.load_rules())
    except ValidationError as error:
        fail(f"{facts}: " + "; ".join(_told(each) for each in error.errors(include_url=False, include_input=False)), 2)
    texts = law.load_texts()
    if as_json:
        print(json.dumps([law.to_json(each, texts) for each in found], ensure_ascii=False, indent=2))
        return
    print(
        "\n\n".join(_lines(law.to_json(each, texts)) for each in found) or "Keine Frist folgt aus diesen Angaben / no deadline."
    )


def _told(error: Any) -> str:  # noqa: ANN401  pydantic's own dictionary
    """What is wrong, where, and what to write instead; never the value."""
    where = ".".join(str(part) for part in error["loc"])
    kind = str(error["type"])
    if kind == "extra_forbidden":
        return f"{where}: no such key; there are {', '.join(law.FactsDocument.model_fields)}"
    if kind.startswith(("date", "datetime")):
        return f"{where}: write a day as 2026-11-23, a moment as 2027-01-14T09:30:00+01:00 ({error['msg']})"
    if kind == "json_invalid":
        return f"this is no JSON object; docs/examples/facts.json is one ({error['msg']})"
    return f"{where}: {error['msg']}" if where else str(error["msg"])


def _lines(deadline: dict[str, Any]) -> str:
    """German first, English below."""
    head = f"{deadline['date']}  {deadline['rule']}  ({deadline['norm']}; {deadline['basis']})"
    wrap = textwrap.TextWrapper(110, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join([head, *(wrap.fill(deadline["explanation"][language]) for language in ("de", "en"))])
