"""What a page sends back, and where it leads next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlencode
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from services.intake.door import body
from services.intake.facts import StatementKey
from shared.messaging.model import Rejected
from shared.runtime.problems import Problem

if TYPE_CHECKING:
    from fastapi import Request

    from shared.runtime.texts import Lang

MAX_FIELDS: Final = 1_000


async def posted(request: Request) -> dict[str, list[str]]:
    """A submitted form; what was left empty is missing. Raises Problem for what is none."""
    try:
        return parse_qs((await body(request)).decode("utf-8", "replace"), max_num_fields=MAX_FIELDS)
    except (Rejected, ValueError) as error:
        raise Problem("bad_request") from error


def first(form: dict[str, list[str]], name: str) -> str:
    """A field's first value without the spaces around it; empty where it was left out."""
    return form.get(name, [""])[0].strip()


def number(text: str) -> UUID | None:
    """The id that somebody typed or a page sent; None for anything else."""
    try:
        return UUID(text)
    except ValueError:
        return None


def notice_key(text: str) -> StatementKey | None:
    """The notice that a form named by its source and id; None for anything else."""
    source, _, notice_id = text.rpartition(" ")
    found = number(notice_id)
    return None if found is None else (source, found)


def to(address: str, lang: Lang, **query: str) -> Response:
    """On to another page, in the same language."""
    query |= {} if lang == "de" else {"lang": lang}
    return RedirectResponse(f"{address}?{urlencode(query)}" if query else address, 303)
