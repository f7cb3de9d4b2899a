"""A second opinion on each signature: dkimpy, asked behind a guard. The only file that imports it.

dkimpy 1.1 is an independent reading of the same RFC, so where both agree an error of ours is unlikely. Where
they do not, the difference is shown: with its cause, if it is one of the known ones, or plainly as such. What
it gets wrong is listed at `LENIENT` and in `_stricter`, each with a test that notices when it is mended.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from senderauth.dkim.verification import SignatureResult
from senderauth.values import Finding, Severity

MAX_SIZE = 2_000_000
MAX_FOLDS = 5_000
MAX_BLANKS = 2_000_000
"""Sum of squares of the runs of blanks: what its regular expressions cost."""
MAX_WHY = 200

_BLANKS = re.compile(rb"[ \t]{32,}")
_FOLDED = re.compile(rb"(?:\n[ \t][^\n]*)++")

LENIENT = frozenset({
    "dkim-from-not-signed",  # RFC 6376 6.1.1; it then also accepts a changed From
    "dkim-sha1", "dkim-key-sha1-only", "dkim-key-forbids-hash",  # RFC 8301 3.1, RFC 6376 3.6.1
    "dkim-key-other-service", "dkim-identity-not-strict",
    "dkim-key-version-not-first", "dkim-length-beyond-body", "dkim-expires-before-signed",
    "dkim-name-unusable", "dkim-key-other-type", "dkim-key-hostile", "dkim-identity-outside",
    # RFC 6376 3.2, 3.5, 3.6.1: names with hyphens, numbers of 13 digits, junk in or behind the base64 of p=
    "dkim-not-a-tag", "dkim-tag-not-a-number", "dkim-key-not-base64", "dkim-key-not-a-key",
})  # fmt: skip
"""Rules that it does not enforce."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What dkimpy says of one signature."""

    verdict: Literal["pass", "fail", "refused", "crashed", "unasked"]
    """"fail" has six causes that it does not tell apart; "refused": it found the message or the signature
    badly formed; "crashed": an error that is none of its own; "unasked": a shape that it cannot bear.
    """
    why: str = ""
    """Its own words, or the name of the error."""


def second_opinion(message: bytes, index: int, answers: Mapping[str, bytes]) -> Opinion:
    """dkimpy's verdict on the signature of this index. `answers` are the key records by name, lower case and
    without a trailing dot; it asks nobody else.
    """
    if why := _unbearable(message):
        return Opinion("unasked", why)
    import dkim as dkimpy

    def answered(name: bytes | str, timeout: int = 0) -> bytes | None:  # noqa: ARG001
        text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        return answers.get(text.lower().removesuffix("."))

    try:
        good = dkimpy.DKIM(message).verify(idx=index, dnsfunc=answered)
    except dkimpy.DKIMException as error:
        return Opinion("refused", f"{type(error).__name__}: {error}"[:MAX_WHY])
    # It lets IndexError, ValueError, UnicodeError, binascii.Error, nacl's and dnspython's errors and more
    # through, as the octets please. Whatever it is must not end our verdict, so the net is wide on purpose.
    except Exception as error:
        return Opinion("crashed", type(error).__name__)
    return Opinion("pass" if good else "fail")


def _unbearable(message: bytes) -> str:
    """Why it is not asked: it takes quadratic time on runs of blanks and on folded fields."""
    if len(message) > MAX_SIZE:
        return "size"
    if sum((found.end() - found.start()) ** 2 for found in _BLANKS.finditer(message)) > MAX_BLANKS:
        return "blanks"
    end = message.find(b"\n\r\n") if b"\r\n" in message[:1_000] else message.find(b"\n\n")
    folded = _FOLDED.finditer(message, 0, end if end >= 0 else len(message))
    if any(found[0].count(b"\n") >= MAX_FOLDS for found in folded):
        return "folding"
    return ""


def compare(result: SignatureResult, opinion: Opinion) -> Finding | None:
    """What is to be told where both differ; None where they agree or nothing was asked of it."""
    if opinion.verdict == "unasked":
        return _finding(result, opinion, "dkim-second-unasked", "info")
    ours, theirs = result.result == "pass", opinion.verdict == "pass"
    if opinion.verdict == "crashed":
        return _finding(result, opinion, "dkim-second-crashed", "info")
    if ours == theirs:
        return None
    if theirs:
        if result.reason.id in LENIENT:
            return _finding(result, opinion, "dkim-second-lenient", "info")
        if result.reason.id == "dkim-expired":  # it judges by the clock of the machine, ten hours off
            return _finding(result, opinion, "dkim-second-own-clock", "info")
        return _finding(result, opinion, "dkim-second-differs", "medium")
    return _finding(result, opinion, _stricter(result, opinion), "info")


def _stricter(result: SignatureResult, opinion: Opinion) -> str:
    """Why it does not accept what we do."""
    if "x= value is past" in opinion.why or "t= value is in the future" in opinion.why:
        return "dkim-second-own-clock"
    if opinion.verdict == "refused" and opinion.why.startswith(
        ("MessageFormatError", "ValidationError", "UnknownKeyTypeError")
    ):
        # A list in q= or in s= of the key, base64 without padding, a blank before a colon, i= quoted …
        if "body hash mismatch" not in opinion.why:
            return "dkim-second-stricter"
    elif result.key is not None and result.key.records > 1:  # it takes the first only
        return "dkim-second-first-record"
    elif any(
        one.id == "dkim-duplicate-field-unsigned" and one.evidence.get("field") == "from"
        for one in result.findings
    ):
        return "dkim-second-adds-from"
    return "dkim-second-differs"


def _finding(result: SignatureResult, opinion: Opinion, id: str, severity: Severity) -> Finding:
    if id == "dkim-second-differs":
        severity = "medium"
    facts: dict[str, object] = {
        "domain": result.domain[:256],
        "selector": result.selector[:256],
        "ours": result.result,
        "rule": result.reason.id,
        "theirs": opinion.verdict,
        "why": opinion.why,
    }
    return Finding(id, severity, result.domain[:256] or "DKIM-Signature", facts, "RFC 6376 6.1", "dkimpy")
