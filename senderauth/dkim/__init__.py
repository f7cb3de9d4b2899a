"""DKIM (RFC 6376): keys in DNS, signatures of messages, and what broke them.

Names are loaded when first used: who checks keys only pays for keys only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from senderauth.dkim.keys import Key, KeyOutline, KeySearch, common_selectors, fetch_key, find_keys
from senderauth.dkim.keys import judge as judge_key
from senderauth.dkim.keys import narrowed as narrowed_key
from senderauth.dkim.keys import outline as outline_key
from senderauth.dkim.misplaced import find_misplaced
from senderauth.dkim.record import KeyRecord, TagList, parse_key, rsa_numbers, tag_list
from senderauth.values import later

if TYPE_CHECKING:
    from senderauth.dkim.canonical import Field, Message, canonical_field, split
    from senderauth.dkim.crypto import verifies
    from senderauth.dkim.diagnosis import Diagnosis, diagnose
    from senderauth.dkim.hashing import BodyHashes, Header
    from senderauth.dkim.second import Opinion, compare, second_opinion
    from senderauth.dkim.signature import Reader, Signature, parse_signature, without_signature
    from senderauth.dkim.verification import MAX_SIGNATURES, SignatureResult, verify

__all__ = [
    "MAX_SIGNATURES",
    "BodyHashes",
    "Diagnosis",
    "Field",
    "Header",
    "Key",
    "KeyOutline",
    "KeyRecord",
    "KeySearch",
    "Message",
    "Opinion",
    "Reader",
    "Signature",
    "SignatureResult",
    "TagList",
    "canonical_field",
    "common_selectors",
    "compare",
    "diagnose",
    "fetch_key",
    "find_keys",
    "find_misplaced",
    "judge_key",
    "narrowed_key",
    "outline_key",
    "parse_key",
    "parse_signature",
    "rsa_numbers",
    "second_opinion",
    "split",
    "tag_list",
    "verifies",
    "verify",
    "without_signature",
]

_LATER = {
    "BodyHashes": "hashing",
    "Diagnosis": "diagnosis",
    "Field": "canonical",
    "Header": "hashing",
    "MAX_SIGNATURES": "verification",
    "Message": "canonical",
    "Opinion": "second",
    "Reader": "signature",
    "Signature": "signature",
    "SignatureResult": "verification",
    "canonical_field": "canonical",
    "compare": "second",
    "diagnose": "diagnosis",
    "parse_signature": "signature",
    "second_opinion": "second",
    "split": "canonical",
    "verifies": "crypto",
    "verify": "verification",
    "without_signature": "signature",
}

if not TYPE_CHECKING:  # a module-level __getattr__ would hide wrong names from a type checker
    __getattr__ = later(__name__, _LATER, globals())
