"""Pages for people: German first, readable, printable, without anything loaded from elsewhere."""

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.responses import HTMLResponse

from shared.runtime.clock import BERLIN
from shared.runtime.texts import Lang, Texts

_HERE: Final = Path(__file__).parent
_LOCALES: Final = {"de": "de_DE", "en": "en_GB"}
_SHORT_DAY: Final = {"de": "EEE, dd.MM.yyyy", "en": "EEE, dd/MM/yyyy"}


class Pages:
    """Renders the templates of a service's folder; each extends ``base.html`` and fills ``title`` and ``main``.

    `folder` holds templates and, if it has texts of its own, ``texts.json``. `nav` is pairs of address and text key.
    In a template: ``t(key, name=…)`` is a text in the page's language, ``english(key)`` the one to stand beside it; the
    filters ``tag`` (Mo., 23.11.2026),
    ``tag_lang`` (Montag, 23. November 2026), ``uhrzeit`` (08:15) and ``zahl`` (1.234,5) follow it too.
    """

    def __init__(self, folder: Path | None = None, nav: Sequence[tuple[str, str]] = ()) -> None:
        folders = [_HERE / "templates"] if folder is None else [folder, _HERE / "templates"]
        own_texts = [] if folder is None or not (folder / "texts.json").exists() else [folder / "texts.json"]
        self._texts = Texts(_HERE / "texts.json", *own_texts)
        self._nav = nav
        self._jinja = Environment(loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined)
        self._jinja.filters.update(tag=_tag, tag_lang=_tag_lang, uhrzeit=_uhrzeit, zahl=_zahl)

    def render(self, template: str, *, lang: Lang = "de", status: int = 200, **context: object) -> HTMLResponse:
        """The page; browsers keep no copy of it and load nothing but what it holds. Raises jinja2's errors."""
        nonce = secrets.token_urlsafe(16)

        def t(key: str, **values: object) -> str:
            return self._texts(key, lang, **values)

        def english(key: str) -> str:
            return self._texts(key, "en")

        body = self._jinja.get_template(template).render(
            context, t=t, english=english, lang=lang, locale=_LOCALES[lang], nav=self._nav, nonce=nonce
        )
        policy = (
            f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'nonce-{nonce}'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        headers = {
            "Cache-Control": "no-store",
            "Content-Language": lang,
            "Content-Security-Policy": policy,
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }
        return HTMLResponse(body, status, headers)


def _day(at: date) -> date:
    return at.astimezone(BERLIN).date() if isinstance(at, datetime) else at


@pass_context
def _tag(page: Context, at: date) -> str:
    return format_date(_day(at), _SHORT_DAY[page["lang"]], locale=page["locale"])


@pass_context
def _tag_lang(page: Context, at: date) -> str:
    return format_date(_day(at), "full", locale=page["locale"])


@pass_context
def _uhrzeit(page: Context, at: datetime) -> str:
    return format_time(at.astimezone(BERLIN), "HH:mm", locale=page["locale"])


@pass_context
def _zahl(page: Context, number: float | Decimal) -> str:
    return format_decimal(number, locale=page["locale"])
