"""User-facing texts: JSON catalogues of German and English beside each other, never sentences in code."""

import json
from pathlib import Path
from typing import Literal, TypeAlias

Lang: TypeAlias = Literal["de", "en"]


class Texts:
    """The texts of one or more catalogue files: ``{"key": {"de": "…", "en": "…"}}``, with ``{name}`` to fill in.

    A later file's text replaces an earlier one's. Raises ``ValueError`` for a key without both languages.
    """

    def __init__(self, *files: Path) -> None:
        self._texts: dict[str, dict[Lang, str]] = {}
        for file in files:
            self._texts.update(json.loads(file.read_text(encoding="utf-8")))
        for key, text in self._texts.items():
            if set(text) != {"de", "en"}:
                raise ValueError(f"text {key!r} needs both de and en")

    def __call__(self, key: str, lang: Lang = "de", **values: object) -> str:
        """The text in one language. Raises ``KeyError`` for a key no file knows."""
        return self._texts[key][lang].format_map(values)


def preferred(accept_language: str | None) -> Lang:
    """German, unless the reader's browser or client asks for English first (RFC 9110, section 12.5.4)."""
    first = (accept_language or "de").split(",")[0].strip().lower()
    return "en" if first.startswith("en") else "de"
