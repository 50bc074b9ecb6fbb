"""What every transform starts with: trimming, placeholders, and folding text to plain words."""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from leadline.sdk.records import Json

PLACEHOLDERS = frozenset({
    "", "-", "--", "---", "–", "—", "_", ".", "..", "...", "?", "??", "???", "*", "/", "xx", "xxx", "xxxx",
    "n/a", "na", "n.a.", "n.a", "n\\a", "#n/a", "n/d", "n.d.", "none", "-none-", "--none--", "null", "nil", "nan",
    "undefined", "void", "empty", "blank", "(blank)", "unknown", "unkown", "uknown", "unk", "unspecified",
    "not known", "not available", "not applicable", "not specified", "not provided", "not set", "not given",
    "no answer", "no value", "no data", "no response", "prefer not to say", "tbd", "tba", "tbc", "to be determined",
    "select", "- select -", "-select-", "--select--", "-- select --", "select one", "select...", "select an option",
    "please select", "-- please select --", "please choose", "choose", "choose one", "pick one", "test", "testing",
    "test test", "asdf", "asdfasdf", "qwerty", "foo", "bar", "lorem ipsum", "dummy", "[not provided]", "(not set)",
    "unbekannt", "keine angabe", "k.a.", "k. a.", "bitte wählen", "bitte auswählen", "inconnu", "non renseigné",
    "non spécifié", "desconocido", "sin especificar", "no especificado", "sconosciuto", "onbekend", "okänd",
})  # fmt: skip

# Zero-width and direction marks survive copying from web pages and make equal words differ.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_ABBREVIATION = re.compile(r"\b((?:[a-z]\.){2,}[a-z]?|(?:[a-z]\.)+[a-z])(?![a-z])")
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ı": "i", "&": " and "})


def clean(raw: Json) -> Json:
    """Trimmed value, runs of blanks made one; None for a placeholder, an empty text or an empty list."""
    if isinstance(raw, str):
        text = raw.strip()
        if not (text.isascii() and text.isprintable()):
            text = " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())
        elif "  " in text:
            text = " ".join(text.split())
        return None if is_placeholder(text) else text
    if isinstance(raw, list | tuple):
        return [item for item in map(clean, raw) if item is not None] or None
    return raw


def is_placeholder(text: str) -> bool:
    """Whether a trimmed text only stands for "nobody filled this in"."""
    return len(text) <= 24 and text.casefold() in PLACEHOLDERS


@lru_cache(maxsize=16_384)
def fold(text: str) -> str:
    """Lower-case ASCII words: no accents, `&` is `and`, `C.F.O.` is `cfo`, other punctuation is a blank."""
    text = text.casefold().translate(_LETTERS)
    text = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    text = _ABBREVIATION.sub(lambda match: match[0].replace(".", ""), text.replace("'", "").replace("’", ""))
    return _NOT_WORD.sub(" ", text).strip()


def nearest(word: str, known: Collection[str], *, cutoff: float) -> str | None:
    """The known word that `word` is probably a slip of; None when there is none or two are as near."""
    near = get_close_matches(word, known, n=2, cutoff=cutoff)
    if len(near) == 2 and _distance_like(word, near[0]) == _distance_like(word, near[1]):
        return None
    return near[0] if near else None


def _distance_like(word: str, other: str) -> tuple[int, int]:
    """A coarse measure for ties: letters not in common, difference in length."""
    return len(set(word) ^ set(other)), abs(len(word) - len(other))
