"""Reply codes and enhanced status codes: found in text, and what they mean by themselves (RFC 5321 4.2,
RFC 3463, RFC 7372, RFC 7505).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from senderauth.catalogue.load import LANGUAGES, Language

_ENHANCED = r"[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)"
_BOTH = re.compile(rf"(?<![\w.])([245]\d\d)[-;: ]{{1,2}}[#(]{{0,2}}({_ENHANCED})")
# By itself a code looks like the number of a version or a section: only where an answer has it.
_ANSWER = (
    r"^|[(\[#:;=,<>\"'-]|\b(?:status|code|errorcode|error|dsn|smtp|said|returned|got|with|reply|response)\b"
)
_ALONE = re.compile(rf"(?:{_ANSWER})[ \t#]{{0,8}}([45]\.\d{{1,3}}\.\d{{1,3}}(?!\.?\d))", re.M | re.I)
_REPLY = re.compile(
    r"(?:^[ \t>\"(]{0,8}|[:>)\]] ?|[\[(]|\bsaid |\berror )([245]\d\d)(?=[ ;-]|$)", re.MULTILINE
)
_ANY_REPLY = re.compile(rf"(?:{_ANSWER})[ \t]{{1,8}}([45][0-7]\d)(?=[ -][A-Za-z<#(\[])", re.M | re.I)
# What the sender's own server told Exim's probe: not the code of this answer.
_PROBED = re.compile(r"\b[45]\d\d-Response: [^\n]{0,300}?(?=\n|\Z|[45]\d\d[- ]Sender verify)")
_CODE = re.compile(rf"^\s*([245]\d\d)?[-; ]*#?({_ENHANCED})?\s*$")


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of one answer; empty where there is none."""

    reply: str = ""
    """Three digits."""
    enhanced: str = ""
    """Class, subject, detail."""

    @property
    def conflict(self) -> bool:
        """Whether the two say different classes, against RFC 3463 2. Seen in the wild."""
        return bool(self.reply and self.enhanced) and self.reply[0] != self.enhanced[0]

    @property
    def final(self) -> bool | None:
        """Whether the refusal was final; None where no code tells. The reply code decides: it is what the
        sending server obeys.
        """
        code = self.reply or self.enhanced
        return code[0] == "5" if code[:1] in ("4", "5") else None

    def __str__(self) -> str:
        return " ".join(code for code in (self.reply, self.enhanced) if code)


def find_codes(raw: str) -> Codes:
    """The first answer's codes in a text."""
    raw = _PROBED.sub("", raw) if "-Response: " in raw else raw
    both = _BOTH.search(raw)
    if both:
        return Codes(both[1], both[2])
    alone = _ALONE.search(raw)
    reply = _REPLY.search(raw) or _ANY_REPLY.search(raw)
    return Codes(reply[1] if reply else "", alone[1] if alone else "")


def read_codes(code: str) -> Codes:
    """Codes given by themselves, such as "550 5.7.26", "550" or "5.7.26"; none where they are not codes."""
    found = _CODE.match(code)
    return Codes(found[1] or "", found[2] or "") if found else Codes()


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(files("senderauth.catalogue").joinpath("codes.toml").read_text("utf-8"))


@cache
def _words(language: Language) -> Mapping[str, str]:
    if language not in LANGUAGES:
        raise ValueError(f"no wording in {language!r}; there is {', '.join(LANGUAGES)}")
    folder = files("senderauth.catalogue").joinpath("text", language)
    words: Mapping[str, str] = tomllib.loads(folder.joinpath("codes.toml").read_text("utf-8"))["codes"]
    return words


def meanings(codes: Codes) -> tuple[str, ...]:
    """Keys of what the codes say, from the most exact: "x.7.26", "x.7", "550", "5". Each has words."""
    keys = []
    if codes.enhanced:
        _, subject, detail = codes.enhanced.split(".")
        keys += [f"x.{subject}.{detail}", f"x.{subject}"]
    keys += [codes.reply, (codes.reply or codes.enhanced)[:1]]
    known = _data()
    return tuple(key for key in keys if key in known)


def code_words(key: str, language: Language = "en") -> str:
    """What the code of that key says, one sentence."""
    return _words(language)[key]


def code_source(key: str) -> str:
    """Where the code of that key is defined."""
    return str(_data()[key]["rfc"])


def entry_by_code(codes: Codes) -> str:
    """The entry that the registry's meaning of the codes leads to, or empty: most codes decide nothing."""
    key = f"x{codes.enhanced[1:]}" if codes.enhanced else codes.reply
    row = _data().get(key, {})
    return str((row.get("passing") if codes.final is False else None) or row.get("entry", ""))


def entry_by_provider_code(codes: Codes, provider: str) -> str:
    """The entry that the provider means by the code where it uses it in its own sense, or empty."""
    if not codes.enhanced:
        return ""
    if not provider and len(codes.enhanced.rpartition(".")[2]) == 3:
        provider = "microsoft"
    own = _data()["provider"].get(provider, {})
    return str(own.get(codes.enhanced) or own.get("x" + codes.enhanced[1:], ""))


def entry_by_word(codes: Codes, lower: str) -> tuple[str, str]:
    """The entry that the code's subject and a word in the normalised text mean together, and the word."""
    _, subject, detail = codes.enhanced.split(".") if codes.enhanced else ("", "", "")
    if subject == "1" and (detail in ("7", "8") or "sender address rejected" in lower):
        # Of the sender's address (RFC 3463 3.2, Postfix); the rest of the subject is not.
        return "", ""
    for row in _data()["subject"]["words"]:
        if row["subject"] == subject or (not subject and row["subject"] == "7" and codes.reply):
            for word in row["words"]:
                if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", lower):
                    return row["entry"], word
    return "", ""
