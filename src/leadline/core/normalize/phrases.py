"""Lists of phrases, written to be read and extended, compiled to one pattern.

A list is text with commas between phrases. `*` at the end of a word stands for any ending. Phrases
are matched as whole words on folded text (`text.fold`), the longest first.
"""

from __future__ import annotations

import re


def phrases(listed: str) -> list[str]:
    """The phrases of a list, blanks made single."""
    return [phrase for part in listed.split(",") if (phrase := " ".join(part.split()))]


def pattern(listed: str, *, not_after: str = "", not_before: str = "") -> re.Pattern[str]:
    """Match any phrase, but not right after a word of `not_after` or right before one of `not_before`."""
    before = "".join(rf"(?<!\b{re.escape(word)} )" for word in phrases(not_after))
    after = f"(?! (?:{_alternatives(not_before)}))" if not_before else ""
    return re.compile(rf"{before}\b(?:{_alternatives(listed)})\b{after}")


def _alternatives(listed: str) -> str:
    longest_first = sorted(phrases(listed), key=lambda phrase: (-len(phrase), phrase))
    return "|".join(re.escape(phrase).replace(r"\*", r"\w*").replace(r"\ ", " ") for phrase in longest_first)
