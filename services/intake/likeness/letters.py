"""Letters and sounds: what two spellings of one word have in common. For comparison only; what is stored stays NFC."""

from __future__ import annotations

import re
import unicodedata

_FOLDED = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "oe",
        "å": "aa",
        "þ": "th",
        "ĳ": "ij",
        "đ": "d",
        "ð": "d",
        "ɖ": "d",
        "ħ": "h",
        "ı": "i",
        "ɨ": "i",
        "ĸ": "k",
        "ƙ": "k",
        "ł": "l",
        "ƚ": "l",
        "ŋ": "ng",
        "ŧ": "t",
        "ə": "e",
        "ǝ": "e",
        "ɛ": "e",
        "ɔ": "o",
        "ɵ": "o",
        "ʒ": "z",
        "ƶ": "z",
        "ǥ": "g",
        "ɓ": "b",
        "ƒ": "f",
        **dict.fromkeys("'’‘ʼʹʻʾʿ`´", ""),
    }
)
"""Letters of DIN 91379 that Unicode does not decompose; umlauts as they are transcribed; no apostrophes (O'Brien = OBrien)."""

_FOLDS = re.compile("[^\x00-\x7f]|['`]")
"""Whether a text has anything to fold: translating costs more than looking."""

_NO_WORD = re.compile(r"[^a-z0-9]+")


def plain(text: str) -> str:
    """Lower case, no marks, umlauts transcribed, words one space apart: "MÜLLER-Łukasz" -> "mueller lukasz"."""
    bare = unicodedata.normalize("NFC", text).casefold()
    if _FOLDS.search(bare):
        bare = bare.translate(_FOLDED)
    if not bare.isascii():  # rare by now
        bare = "".join(char for char in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(char))
    return _NO_WORD.sub(" ", bare).strip()


_SOUNDS = {
    **dict.fromkeys("aeijouy", "0"),
    **dict.fromkeys("bp", "1"),
    **dict.fromkeys("dt", "2"),
    **dict.fromkeys("fvw", "3"),
    **dict.fromkeys("gkqc", "4"),
    "l": "5",
    **dict.fromkeys("mn", "6"),
    "r": "7",
    **dict.fromkeys("sz", "8"),
}


_HEARD_TOGETHER = frozenset("pdtxc")
"""Letters that sound otherwise before or behind some others."""


def sound(word: str) -> str:
    """How a plain word sounds to a German ear: Meier, Mayr -> "67"; Schmidt, Schmitt -> "862".

    Kölner Phonetik (H. J. Postel, Die Kölner Phonetik, IBM-Nachrichten 19, 1969, pages 925-931).
    """
    letters = word if word.isalpha() else "".join(char for char in word if char.isalpha())
    heard = ""
    for before, char, after in zip(("", *letters), letters, (*letters[1:], ""), strict=False):
        code = _code(before, char, after) if char in _HEARD_TOGETHER else _SOUNDS.get(char, "")
        if code and heard[-1:] != code[0]:
            heard += code
    return heard[:1] + heard[1:].replace("0", "")


def _code(before: str, char: str, after: str) -> str:
    if char == "p" and after == "h":
        return "3"
    if char in "dt" and after and after in "csz":
        return "8"
    if char == "x":
        return "8" if before and before in "ckq" else "48"
    if char == "c":
        hard = "ahkloqrux" if not before else "ahkoqux"
        return "4" if after and after in hard and before not in {"s", "z"} else "8"
    return _SOUNDS.get(char, "")
