"""A row as one line of JSON.

Theory of operation. What a row says, `document` tells; here the same octets are written at once, in a third
of the time, for there may be millions: the names of fields are part of the text around values, and a value is
written by what the row says that it is. Words that only we choose need no escapes. What is rare goes the
general way. A test holds both together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any

from senderauth.audit.row import (
    ADSP,
    DKIM,
    DMARC,
    FIELDS,
    FIX,
    MX,
    SCHEMA,
    SPF,
    Key,
    Policy,
    Row,
    Spoofing,
)
from senderauth.values import Facts, Finding, harmless, plain

as_json: Callable[[Any], str] = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), check_circular=False
).encode


def line_of(row: Row, fields: tuple[str, ...] = FIELDS) -> bytes:
    """The row's document as one line, with the fields wanted; all of them where none are chosen."""
    if row.fix is not None and fields == FIELDS:
        fields = (*FIELDS, FIX)
    text = ",".join([_WRITERS[field](row) for field in fields])
    if not text.isascii() or "\x7f" in text:
        text = harmless(text)
    return f'{{"schema":"{SCHEMA}",{text}}}\n'.encode()


def _rare(field: str) -> Callable[[Row], str]:
    """For a field that is null or empty nearly everywhere."""
    null, empty = f'"{field}":null', f'"{field}":[]'

    def written(row: Row) -> str:
        value = getattr(row, field)
        if value is None:
            return null
        return f'"{field}":{as_json(plain(value))}' if value != () else empty

    return written


def _text(value: str | None) -> str:
    return "null" if value is None else quoted(value)


def _texts(values: tuple[str, ...]) -> str:
    return f"[{','.join(map(quoted, values))}]" if values else "[]"


_kept_texts = lru_cache(maxsize=1_024)(_texts)
"""For selectors: the same ones in all rows, and never long."""


def _facts(facts: Facts) -> str:
    """Names of facts need no escapes either."""
    if not facts:
        return "{}"
    each = [
        f'"{name}":{quoted(value) if value.__class__ is str else _value(value)}'
        for name, value in facts.items()
    ]
    return f"{{{','.join(each)}}}"


def _value(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    if value.__class__ is int:
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_value, value))}]"
    return as_json(plain(value))


def _spf(spf: SPF) -> str:
    terminal = f'"{spf.terminal}"' if spf.terminal else "null"
    return (
        f'"spf":{{"state":"{spf.state}","record":{_text(spf.record)},"terminal":{terminal},'
        f'"lookups":{spf.lookups},"void_lookups":{spf.void_lookups},"addresses4":{spf.addresses4},'
        f'"addresses6":{spf.addresses6},"exact":{_TRUTH[spf.exact]},"includes":{_texts(spf.includes)},'
        f'"problems":{_texts(spf.problems)}}}'
    )


def _dmarc(dmarc: DMARC) -> str:
    newer = _policy(dmarc.rfc9989)
    older = newer if dmarc.rfc7489 is dmarc.rfc9989 else _policy(dmarc.rfc7489)  # nearly always one object
    return (
        f'"dmarc":{{"rfc9989":{newer},"rfc7489":{older},'
        f'"record":{_text(dmarc.record)},"reports":{_TRUTH[dmarc.reports]},"pct":{dmarc.pct},'
        f'"testing":{_TRUTH[dmarc.testing]}}}'
    )


def _policy(policy: Policy) -> str:
    word = f'"{policy.policy}"' if policy.policy else "null"
    return (
        f'{{"state":"{policy.state}","policy":{word},"location":{_text(policy.location)},'
        f'"inherited":{_TRUTH[policy.inherited]},'
        f'"organizational_domain":{quoted(policy.organizational_domain)},'
        f'"reason":{{"id":"{policy.reason.id}","facts":{_facts(policy.reason.facts)}}}}}'
    )


def _adsp(adsp: ADSP) -> str:
    practice = f'"{adsp.practice}"' if adsp.practice else "null"
    return f'"adsp":{{"state":"{adsp.state}","practice":{practice}}}'


def _dkim(dkim: DKIM) -> str:
    return (
        f'"dkim":{{"state":"{dkim.state}","asked":{_kept_texts(dkim.asked)},'
        f'"tried":{_kept_texts(dkim.tried)},"keys":[{",".join(map(_key, dkim.keys))}]}}'
    )


def _key(key: Key) -> str:
    return (
        f'{{"selector":{quoted(key.selector)},"state":"{key.state}","type":{quoted(key.type)},'
        f'"bits":{key.bits},"testing":{_TRUTH[key.testing]}}}'
    )


def _mx(mx: MX) -> str:
    return f'"mx":{{"state":"{mx.state}","hosts":{_texts(mx.hosts)}}}'


def _spoofing(spoofing: Spoofing) -> str:
    forged, own = spoofing.forged, spoofing.own
    return (
        f'"spoofing":{{"answer":"{spoofing.answer}",'
        f'"reason":{{"id":"{spoofing.reason.id}","facts":{_facts(spoofing.reason.facts)}}},'
        f'"address":{_text(spoofing.address)},"spf":"{spoofing.spf}",'
        f'"forged":{_outcomes(tuple(forged), tuple(forged.values()))},'
        f'"own":{_outcomes(tuple(own), tuple(own.values()))}}}'
    )


@lru_cache(maxsize=1_024)
def _outcomes(receivers: tuple[str, ...], outcomes: tuple[str, ...]) -> str:
    """What each receiver does; there are few combinations."""
    return as_json(dict(zip(receivers, outcomes, strict=True)))


def _finding(finding: Finding) -> str:
    return (
        f'{{"id":"{finding.id}","severity":"{finding.severity}","subject":{quoted(finding.subject)},'
        f'"evidence":{_facts(finding.evidence)},"rfc":"{finding.rfc}","source":"{finding.source}"}}'
    )


_TRUTH = {True: "true", False: "false"}
_WRITERS: Mapping[str, Callable[[Row], str]] = {
    "n": lambda row: f'"n":{row.n}',
    "given": lambda row: f'"given":{quoted(row.given)}',
    "domain": lambda row: f'"domain":{quoted(row.domain)}',
    "state": lambda row: f'"state":"{row.state}"',
    "grade": lambda row: f'"grade":"{row.grade}"' if row.grade else '"grade":null',
    "spoofing": lambda row: _spoofing(row.spoofing) if row.spoofing else '"spoofing":null',
    "spf": lambda row: _spf(row.spf) if row.spf else '"spf":null',
    "dmarc": lambda row: _dmarc(row.dmarc) if row.dmarc else '"dmarc":null',
    "adsp": lambda row: _adsp(row.adsp) if row.adsp else '"adsp":null',
    "dkim": lambda row: _dkim(row.dkim) if row.dkim else '"dkim":null',
    "mx": lambda row: _mx(row.mx) if row.mx else '"mx":null',
    "mta_sts": lambda row: f'"mta_sts":"{row.mta_sts}"' if row.mta_sts else '"mta_sts":null',
    "tls_rpt": lambda row: f'"tls_rpt":"{row.tls_rpt}"' if row.tls_rpt else '"tls_rpt":null',
    "findings": lambda row: f'"findings":[{",".join(map(_finding, row.findings))}]',
    **{field: _rare(field) for field in ("error", "hosts", "unknown", "elapsed", FIX)},
}
