"""DKIM keys in DNS: is there a key at this selector that a verifier can use? (RFC 6376 3.6, RFC 8301)"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from senderauth import names
from senderauth.dkim.record import MAX_CACHED, KeyRecord, parse_key, rsa_numbers
from senderauth.dns import Answer, Question, Resolver, Status, prefetch
from senderauth.values import Finding, Reason, Severity, Step, Trace, frozen

State = Literal["valid", "weak", "revoked", "missing", "malformed", "unusable", "temperror"]

MIN_BITS = 1024  # RFC 8301 3.2: below it a verifier must not accept
GOOD_BITS = 2048
MAX_BITS = 8_192  # RFC 8301 3.2 asks verifiers for 4096; more is work for nothing
MAX_RECORDS = 10
ED25519_DER = bytes.fromhex("302a300506032b6570032100")
"""What openssl writes before the 32 octets."""
PROBES = 8
"""Common selectors that are asked for even where nothing should be below `_domainkey`."""
WILDCARD = 8
"""The same record at so many selectors is a wildcard's."""


@frozen
class Key:
    """What stands at one selector."""

    domain: str
    selector: str
    name: str
    """`<selector>._domainkey.<domain>`"""
    state: State
    """"weak": too small to be accepted; "unusable": for another service or hash, or of an unknown type."""
    reason: Reason
    type: str
    """"rsa", "ed25519", or what k= says; empty without a record."""
    bits: int
    """Modulus size of rsa, 256 for ed25519; 0 where there is no key."""
    flags: tuple[str, ...]
    testing: bool
    """t=y (RFC 6376 3.6.1)"""
    strict: bool
    """t=s: i= must be exactly d="""
    hashes: tuple[str, ...] | None
    """h=; None: all."""
    services: tuple[str, ...]
    """s=; ("*",) where it is not said, empty without a record."""
    notes: str
    """n=, for people."""
    record_text: str | None
    """The record that was judged; of several the best."""
    records: int
    """How many TXT records stand there."""
    canonical_name: str | None
    """Where a CNAME leads."""
    octets: bytes | None
    """p= decoded."""
    candidates: tuple[KeyRecord, ...]
    """What a signature can be tried with: all records with a key in them, best first, also those that must
    not be accepted.
    """
    findings: tuple[Finding, ...]
    trace: Step


@frozen
class KeyOutline:
    """As much of a `Key` as an audit tells."""

    state: State
    type: str
    bits: int
    testing: bool
    findings: tuple[Finding, ...]


@frozen
class KeySearch:
    """What common selectors lead to. A key that is not found this way may still exist."""

    domain: str
    keys: tuple[Key, ...]
    """Those found, valid ones first."""
    tried: tuple[str, ...]
    unknown: tuple[str, ...]
    """Selectors that DNS would not tell of."""
    none_possible: bool
    """`_domainkey.<domain>` does not exist, so nothing below it does (RFC 8020). Only then is it proven
    that there is no key.
    """
    users: Mapping[str, str]
    """Who commonly uses a selector that was found."""
    findings: tuple[Finding, ...] = ()
    """About the search and all keys together; those about one key are in the key."""
    trace: Step | None = None


@lru_cache(maxsize=1)
def common_selectors() -> Mapping[str, str]:
    """Common selectors and who uses them."""
    text = files("senderauth.dkim").joinpath("selectors.toml").read_text("utf-8")
    table: dict[str, str] = tomllib.loads(text)["selectors"]
    return table


async def fetch_key(resolver: Resolver, domain: str, selector: str) -> Key:
    """The key of a selector, judged as a verifier would before any message (RFC 6376 6.1.2)."""
    name = names.normalise(f"{selector}._domainkey.{domain}")
    if name is None:
        trace = Trace("dkim-key", domain=domain[:256], selector=selector[:256])
        reason = Reason("dkim-selector-unusable", {"selector": selector[:100], "domain": domain[:256]})
        return _empty(domain, selector, "", "malformed", reason, trace)
    answer = await resolver.resolve(Question(name, "TXT"))
    if answer.records and sum(map(len, answer.records)) <= MAX_CACHED:
        return _known(domain, selector, name, answer.status, answer.records, answer.canonical_name)
    return _told(domain, selector, name, answer)


@lru_cache(maxsize=256)
def _known(
    domain: str, selector: str, name: str, status: Status, records: tuple[bytes, ...], target: str | None
) -> Key:
    """The keys that sign much mail are judged once, which is a twentieth of a message's verification."""
    return _told(domain, selector, name, Answer(status, records, canonical_name=target))


def _told(domain: str, selector: str, name: str, answer: Answer) -> Key:
    """The key of an answer, with the question in its trace."""
    trace = Trace("dkim-key", domain=domain[:256], selector=selector[:256])
    records = [text.decode("latin-1")[:1_000] for text in answer.records[:MAX_RECORDS]]
    trace.note("dns", name=name, type="TXT", status=answer.status.value, records=records)
    return judge(domain, selector, name, answer, trace)


def judge(domain: str, selector: str, name: str, answer: Answer, trace: Trace) -> Key:
    """The key that an answer holds. Of several records the best one counts (RFC 6376 6.1.2 step 3)."""
    if answer.unknown:
        reason = Reason("dkim-key-unknown", {"name": name, "status": answer.status.value})
        return _empty(domain, selector, name, "temperror", reason, trace)
    if not answer.records:
        facts = {"name": name, "status": answer.status.value, "target": answer.canonical_name or ""}
        return _empty(domain, selector, name, "missing", Reason("dkim-key-missing", facts), trace)
    judged = _ranked(name, answer)
    state, _, record, bits = judged[0]
    trace.note("dkim-key-judged", state=state, type=record.type, bits=bits, flags=list(record.flags))
    candidates = tuple(one[2] for one in judged if one[3])
    place = domain, selector, name
    return _key(place, judged[0], len(answer.records), answer.canonical_name, candidates, trace.root)


def outline(name: str, answer: Answer) -> KeyOutline:
    """As `judge`, without what an audit never reads: half the time, and a domain has several keys."""
    if answer.unknown or not answer.records:
        key = judge("", "", name, answer, Trace("dkim-key"))
        return KeyOutline(key.state, key.type, key.bits, key.testing, key.findings)
    best = _ranked(name, answer)[0]
    state, _, record, bits = best
    findings = tuple(_all_findings(name, best, len(answer.records)))
    return KeyOutline(state, record.type, bits, "y" in record.flags, findings)


ORDER: tuple[State, ...] = ("valid", "weak", "unusable", "revoked", "malformed")


def _ranked(name: str, answer: Answer) -> list[Judged]:
    """The records that an answer holds, the best first."""
    judged = [_judged(parse_key(text), name) for text in answer.records[:MAX_RECORDS]]
    if len(judged) > 1:
        judged.sort(key=lambda one: ORDER.index(one[0]))
    return judged


def narrowed(key: Key, record: KeyRecord) -> Key:
    """The key as this one of its candidates makes it, the one that a signature verifies with."""
    if len(key.candidates) == 1 and key.records == 1:
        return key
    place = key.domain, key.selector, key.name
    judged = _judged(record, key.name)
    return _key(place, judged, key.records, key.canonical_name, key.candidates, key.trace)


def _key(
    place: tuple[str, str, str],
    judged: Judged,
    count: int,
    canonical_name: str | None,
    candidates: tuple[KeyRecord, ...],
    trace: Step,
) -> Key:
    """The key that one record makes, of so many."""
    state, reason, record, bits = judged
    found = _all_findings(place[2], judged, count)
    return Key(
        *place, state, reason, record.type, bits, record.flags,
        "y" in record.flags, "s" in record.flags, record.hashes, record.services, record.notes, record.text,
        count, canonical_name, record.octets, candidates, tuple(found), trace,
    )  # fmt: skip


def _empty(domain: str, selector: str, name: str, state: State, reason: Reason, trace: Trace) -> Key:
    severity: Severity = "medium" if state == "temperror" else "high"
    found = Finding(reason.id, severity, name or domain, dict(reason.facts), "RFC 6376 6.1.2")
    return Key(
        domain, selector, name, state, reason, "", 0, (), False, False,
        None, (), "", None, 0, None, None, (), (found,), trace.root,
    )  # fmt: skip


Judged = tuple[State, Reason, KeyRecord, int]
"""A record's state, why, the record, and the size of its key."""


def _judged(record: KeyRecord, name: str) -> Judged:
    """One record in the order of RFC 6376 6.1.2, and its key size."""

    def say(state: State, id: str, size: int = 0, **facts: object) -> Judged:
        return state, Reason(id, {"name": name, **facts}), record, size

    if record.revoked and not record.problems:
        return say("revoked", "dkim-key-revoked")
    if record.problems:
        problem = record.problems[0]
        return "malformed", Reason(problem.id, {"name": name, **problem.facts}), record, 0
    bits, id = key_size(record)
    if id:
        return say("unusable" if id == "dkim-key-type-unknown" else "malformed", id, type=record.type)
    if record.hashes is not None and "sha256" not in record.hashes:  # RFC 8301 3.1
        return say("unusable", "dkim-key-sha1-only", bits, hashes=list(record.hashes))
    if "*" not in record.services and "email" not in record.services:
        return say("unusable", "dkim-key-other-service", bits, services=list(record.services))
    if record.type == "rsa" and bits < MIN_BITS:
        return say("weak", "dkim-key-too-small", bits, bits=bits, minimum=MIN_BITS)
    return say("valid", "dkim-key-valid", bits, type=record.type, bits=bits)


USUAL = {
    162: (bytes.fromhex("30819f300d06092a864886f70d010101050003818d0030818902818100"), 1024),
    294: (bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100"), 2048),
    550: (bytes.fromhex("30820222300d06092a864886f70d01010105000382020f003082020a0282020100"), 4096),
}
"""What stands before the modulus of nearly every key, by the length of all, and how many bits the modulus has
where its highest one is set. To see that takes a tenth of the time that `rsa_numbers` takes."""
USUAL_END = bytes.fromhex("0203010001")
"""The exponent 65537 behind it."""


def key_size(record: KeyRecord) -> tuple[int, str]:
    """The key's size in bits, or 0 and the id of what is wrong with it."""
    octets = record.octets or b""
    if record.type == "ed25519":  # RFC 8463 4.2: the raw 32 octets
        if len(octets) == 32:
            return 256, ""
        return 0, "dkim-key-ed25519-wrapped" if octets[:12] == ED25519_DER else "dkim-key-not-a-key"
    if record.type != "rsa":
        return 0, "dkim-key-type-unknown"
    head, bits = USUAL.get(len(octets), (b"", 0))
    if bits and octets.startswith(head) and octets.endswith(USUAL_END) and octets[len(head)] & 0x80:
        return bits, ""
    numbers = rsa_numbers(octets)
    if numbers is None:
        return 0, "dkim-key-not-a-key"
    modulus, exponent = numbers
    # RFC 6376 8.13: hostile keys cost the verifier its time
    if modulus.bit_length() > MAX_BITS or exponent.bit_length() > 64 or exponent < 3 or exponent % 2 == 0:
        return 0, "dkim-key-hostile"
    return modulus.bit_length(), ""


def _all_findings(name: str, judged: Judged, count: int) -> list[Finding]:
    """About one record of so many."""
    found = list(_findings(name, *judged))
    if count > 1:
        facts = {"count": count}
        found.insert(0, Finding("dkim-key-several-records", "high", name, facts, "RFC 6376 3.6.2.2"))
    return found


KNOWN_TAGS = frozenset("vhknpst")


def _findings(name: str, state: State, reason: Reason, record: KeyRecord, bits: int) -> Iterator[Finding]:
    if state != "valid":
        severity: Severity = "medium" if state == "revoked" else "high"
        evidence = {key: value for key, value in reason.facts.items() if key != "name"}
        yield Finding(reason.id, severity, name, evidence, "RFC 6376 6.1.2")
        return
    if record.type == "rsa" and bits < GOOD_BITS:
        yield Finding("dkim-key-small", "medium", name, {"bits": bits, "advised": GOOD_BITS}, "RFC 8301 3.2")
    if record.type == "ed25519":
        yield Finding("dkim-key-ed25519", "low", name, {}, "RFC 8463 3")
    if "y" in record.flags:
        yield Finding("dkim-key-testing", "medium", name, {}, "RFC 6376 3.6.1")
    if record.hashes is not None and "sha1" in record.hashes:
        yield Finding("dkim-key-allows-sha1", "low", name, {"hashes": list(record.hashes)}, "RFC 8301 3.1")
    if not record.tags.values.keys() <= KNOWN_TAGS:
        unknown = [tag for tag in record.tags.values if tag not in KNOWN_TAGS]
        yield Finding("dkim-key-unknown-tags", "info", name, {"tags": unknown[:10]}, "RFC 6376 3.6.1")


async def find_keys(resolver: Resolver, domain: str, selectors: Iterable[str] | None = None) -> KeySearch:
    """Tries common selectors, or these, side by side where the resolver can."""
    if isinstance(selectors, str):  # each letter would be one, and none would be found
        raise TypeError("selectors is a list of texts, not one text")
    known = common_selectors()
    tried = tuple(dict.fromkeys(selectors)) if selectors is not None else tuple(known)
    trace = Trace("dkim-key-search", domain=domain[:256], count=len(tried))
    base = names.normalise(f"_domainkey.{domain}")
    if base is None:
        return KeySearch(domain, (), tried, (), False, {}, (), trace.root)
    probes = tried[:PROBES]
    prefetch(resolver, [Question(base, "TXT"), *_questions(domain, probes)])
    answer = await resolver.resolve(Question(base, "TXT"))
    trace.note("dns", name=base, type="TXT", status=answer.status.value, records=[])
    nothing = answer.name_missing  # RFC 8020: nothing is below a name that does not exist
    if not nothing:
        probes = tried
        prefetch(resolver, _questions(domain, tried))
    keys = [await fetch_key(resolver, domain, selector) for selector in probes]
    findings: list[Finding] = []
    if nothing and any(key.records for key in keys):
        # A name server that denies names which only have others below them; many verifiers never ask there
        findings.append(Finding("dkim-domainkey-denied", "medium", base, {"name": base}, "RFC 8020 2"))
        nothing = False
        prefetch(resolver, _questions(domain, tried[PROBES:]))
        keys += [await fetch_key(resolver, domain, selector) for selector in tried[PROBES:]]
    found = [key for key in keys if key.state not in ("missing", "temperror")]
    found, said = _sorted_out(domain, found)
    trace.note("dkim-key-search-done", found=[key.selector for key in found], none_possible=nothing)
    return KeySearch(
        domain,
        tuple(found),
        tuple(key.selector for key in keys),
        tuple(key.selector for key in keys if key.state == "temperror"),
        nothing,
        {key.selector: known.get(key.selector, "") for key in found},
        (*findings, *said),
        trace.root,
    )


def _questions(domain: str, selectors: Iterable[str]) -> list[Question]:
    asked = (names.normalise(f"{selector}._domainkey.{domain}") for selector in selectors)
    return [Question(name, "TXT") for name in asked if name is not None]


def _sorted_out(domain: str, keys: list[Key]) -> tuple[list[Key], list[Finding]]:
    """The keys, valid ones first, without what a wildcard answers everywhere; and what that tells."""
    findings = []
    texts = Counter(key.record_text for key in keys if key.canonical_name is None)
    text, count = texts.most_common(1)[0] if texts else (None, 0)
    if count >= WILDCARD:  # a wildcard above or below _domainkey
        facts = {"count": count, "record": (text or "")[:200]}
        findings.append(Finding("dkim-key-wildcard", "medium", domain, facts, "RFC 6376 6.1.2"))
        same = [key for key in keys if key.record_text == text]
        keys = [key for key in keys if key.record_text != text]
        if same[0].state == "valid":
            keys.append(same[0])
    keys.sort(key=lambda key: (key.state != "valid", -key.bits))
    alike: dict[bytes, list[str]] = {}
    for key in keys:
        if key.state == "valid" and key.octets and key.canonical_name is None:
            alike.setdefault(key.octets, []).append(key.selector)
    for selectors in alike.values():
        if len(selectors) > 1:
            facts = {"selectors": selectors}
            findings.append(Finding("dkim-keys-identical", "low", domain, facts, "RFC 6376 3.1"))
    return keys, findings
