"""Changes for DKIM (RFC 6376): a key to publish, to replace or to alias, and the signing to it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from itertools import permutations

from senderauth import dkim, names
from senderauth.advice.proposals.ground import Ground, draft, foreign
from senderauth.advice.proposals.keys import PublicKey
from senderauth.advice.proposals.proposal import EITHER, Change, Proposal, Setting
from senderauth.advice.proposals.providers import providers_of
from senderauth.dns import Answer, Status
from senderauth.simulation import Signature
from senderauth.values import Reason, Trace

DEFAULT_SELECTOR = "mail"
MAX_ELSEWHERE = 6
_STRAY = re.compile(rb"[\\\"]|-----(?:BEGIN|END)[A-Z ]{1,30}-----")
WRAPPED = 12
"""Octets that openssl writes before a raw Ed25519 key (RFC 8410)."""


async def dkim_proposals(ground: Ground) -> list[tuple[Proposal, ...]]:
    """Groups of drafts: keys of planned signatures that cannot be used, then a signature by the author
    domain where there is none that counts.
    """
    groups = []
    signatures = {(s.domain, s.selector): s for v in ground.report.verdicts for s in v.dkim}
    for signature in signatures.values():
        unusable = signature.key is not None and signature.result not in ("pass", "temperror")
        if unusable and not foreign(signature.domain):
            groups.append(await _usable(ground, signature))
        if signature.result == "pass" and not foreign(signature.domain):
            groups.append(await _in_earnest(ground, signature))
    if foreign(ground.author):
        return groups
    own = [s for s in signatures.values() if s.domain == ground.author and s.selector is not None]
    if not own:
        groups.append(await _aliased(ground, [s for s in signatures.values() if s.result == "pass"]))
        groups.append(await _signed(ground))
    return [group for group in groups if group]


async def _usable(ground: Ground, signature: Signature) -> tuple[Proposal, ...]:
    """A key that verifiers can use, at the selector that signs or at a new one."""
    key = signature.key
    assert key is not None
    facts: dict[str, object] = {"domain": key.domain, "selector": key.selector, "name": key.name}
    group = await mended_keys(ground, [key])
    if not key.name:
        return tuple(group)
    if ground.key is not None and key.records and key.state in ("weak", "unusable"):
        group += await _replaced(ground, key, ground.key)
        if ground.made(signature) is None:
            return tuple(group)
    given = [(ground.key.record, ground.key.type, ground.key.bits, "")] if ground.key is not None else []
    for record, kind, bits, other in (*given, *await _elsewhere(ground, signature)):
        change = await ground.change(key.name, "TXT", record)
        if change is None:
            continue
        id = "dkim-unrevoke-key" if key.state == "revoked" else "dkim-publish-key"
        caution = Reason("caution-signer-has-private-key", {"name": key.name})
        if other:
            id, caution = (
                "dkim-copy-key",
                Reason("caution-change-both-keys", {"name": key.name, "other": other}),
            )
        told = {**facts, "type": kind, "bits": bits, "old_bits": key.bits, "other": other}
        proven = ground.made(signature) is not None and not other  # the message itself shows the private key
        cautions = () if proven else (caution,)
        group.append(draft(id, "domain-owner", told, change, cautions=cautions))
    group += await _moved(ground, signature, key)
    return tuple(group)


async def mended_keys(ground: Ground, keys: Iterable[dkim.Key]) -> list[Proposal]:
    """A draft for each key whose record alone is what is wrong."""
    made = []
    for key in keys:
        record = mended(key) or await _undone(ground, key)
        change = None if record is None else await ground.change(key.name, "TXT", record)
        if change is not None:
            facts: dict[str, object] = {"domain": key.domain, "selector": key.selector, "name": key.name}
            made.append(draft("dkim-mend-key", "domain-owner", facts, change))
    return made


async def _moved(ground: Ground, signature: Signature, key: dkim.Key) -> list[Proposal]:
    """The record of a missing key from the name where a mistyped zone file put it."""
    group = []
    planned = ground.made(signature) is None  # else the message itself shows the private key
    cautions = (Reason("caution-signer-has-private-key", {"name": key.name}),) if planned else ()
    for finding in ground.report.findings:
        if finding.id != "dkim-key-misplaced" or finding.evidence["right"] != key.name:
            continue
        domain = finding.subject.removeprefix(f"{key.selector}._domainkey.".lower())
        there = await dkim.fetch_key(ground.resolver, domain, key.selector)
        change = None
        if there.state == "valid" and there.record_text is not None:
            change = await ground.change(key.name, "TXT", there.record_text)
        if change is not None:
            facts: dict[str, object] = {"domain": key.domain, "selector": key.selector, "name": key.name}
            facts["other"] = finding.subject
            group += [
                draft("dkim-move-key", "domain-owner", facts, change, kind=kind, cautions=cautions)
                for kind in EITHER
            ]
    return group


async def _undone(ground: Ground, key: dkim.Key) -> str | None:
    """The record without what a control panel made of it: quotes, backslashes or the lines of a PEM file in
    the text, or its two strings as two records (RFC 6376 3.6.2.2).
    """
    if key.state != "malformed" or not key.name or key.canonical_name is not None:
        return None
    there = (await ground.ask(key.name, "TXT")).records
    for parts in permutations(there) if len(there) <= 2 else ():
        octets = _STRAY.sub(b"", b"".join(parts))
        answer = Answer(Status.NOERROR, (octets,))
        judged = dkim.judge_key(key.domain, key.selector, key.name, answer, Trace("dkim-key"))
        if judged.state == "valid" and octets not in there:
            return octets.decode("latin-1")
    return None


async def _in_earnest(ground: Ground, signature: Signature) -> tuple[Proposal, ...]:
    """The key without t=y, which asks verifiers to treat the mail as unsigned (RFC 6376 3.6.1)."""
    key = signature.key
    if key is None or not key.testing or key.records != 1 or key.record_text is None or key.canonical_name:
        return ()
    tags = dict(dkim.parse_key(key.record_text).tags.values)
    flags = [flag for flag in tags.pop("t", "").split(":") if flag.strip() != "y"]
    key_data = tags.pop("p", "")
    tags |= {"t": ":".join(flags)} if flags else {}
    tags["p"] = key_data
    text = "; ".join(f"{name}={value}" for name, value in tags.items())
    change = await ground.change(key.name, "TXT", text)
    facts = {"domain": key.domain, "selector": key.selector, "name": key.name}
    made = change and draft("dkim-end-test", "domain-owner", facts, change, kind="improvement")
    return (made,) if made else ()


async def _replaced(ground: Ground, key: dkim.Key, new: PublicKey) -> list[Proposal]:
    """A new selector: mail on its way is still checked with the old key (RFC 6376 3.1)."""
    selector = new.selector or f"{key.selector}-{new.bits}"
    name = names.normalise(f"{selector}._domainkey.{key.domain}")
    change = None if name is None else await ground.change(name, "TXT", new.record)
    if change is None:
        return []
    setting = Setting("dkim", "mail-admin", f"{key.domain}:{selector}")
    cautions = (Reason("caution-keep-old-key", {"name": key.name}),) if key.state == "weak" else ()
    facts: dict[str, object] = {"domain": key.domain, "selector": selector, "name": name}
    facts |= {"type": new.type, "bits": new.bits, "old_bits": key.bits}
    return [draft("dkim-replace-key", "domain-owner", facts, change, settings=(setting,), cautions=cautions)]


async def _elsewhere(ground: Ground, signature: Signature) -> list[tuple[str, str, int, str]]:
    """Keys of the domain at common selectors that may have made a signature of the message: which one did,
    the proof shows. (Record, type, bits, name.)
    """
    made = ground.made(signature)
    if made is None or made.signature is None or made.body_ok is False or made.header_ok:
        return []
    size = len(made.signature.octets) * 8
    selectors = dict.fromkeys(
        (*dkim.common_selectors(), *(s.selector for s in ground.report.found_signatures))
    )
    selectors.pop(made.selector, None)
    search = await dkim.find_keys(ground.resolver, signature.domain, selectors)
    return [
        (key.record_text, key.type, key.bits, key.name)
        for key in search.keys
        if key.state == "valid"
        and key.record_text is not None
        and key.type == made.signature.key_type
        and (key.type != "rsa" or (key.bits + 7) // 8 * 8 == size)
    ][:MAX_ELSEWHERE]


def mended(key: dkim.Key) -> str | None:
    """The record of a key without what makes it unusable, where that can be one thing only."""
    if key.records != 1 or key.record_text is None or key.canonical_name is not None:
        return None
    record = dkim.parse_key(key.record_text)
    tags = dict(record.tags.values)
    match key.reason.id:
        case "dkim-key-version-not-first":  # RFC 6376 3.6.1
            tags = {"v": tags.pop("v"), **tags}
        case "dkim-key-sha1-only":  # RFC 8301 3.1
            tags.pop("h")
        case "dkim-key-other-service":  # RFC 6376 3.6.1: mail is meant, a signature shows it
            tags.pop("s")
        case "dkim-key-ed25519-wrapped" if record.octets is not None:  # RFC 8463 4.2
            tags["p"] = base64.b64encode(record.octets[WRAPPED:]).decode()
        case "dkim-key-type-unknown" if dkim.rsa_numbers(record.octets or b""):  # RFC 6376 3.6.1
            tags["k"] = "rsa"
        case _:
            return None
    return "; ".join(f"{name}={value}" for name, value in tags.items())


async def _aliased(ground: Ground, passing: list[Signature]) -> tuple[Proposal, ...]:
    """The key of the service that signs already, under the author's name too: the service keeps and changes
    it, the domain points there (RFC 6376 3.6.2.1 follows CNAMEs as DNS does). Of a provider that is known
    all the aliases that it asks for.
    """
    group: list[Proposal] = []
    for signature in passing:
        if signature.selector is None or signature.key is None:
            continue
        sets = [provider.aliases(ground.author) for provider in providers_of([signature.domain])]
        target = signature.key.canonical_name or signature.key.name
        sets.append(((signature.selector, target),))
        sets.append(((f"{signature.domain.partition('.')[0]}-{signature.selector}", target),))
        for aliases in filter(None, sets):
            changes = [await _free_alias(ground, selector, target) for selector, target in aliases]
            made = [change for change in changes if change is not None]
            if len(made) < len(changes) or any(p.changes == tuple(made) for p in group):
                continue  # something stands there
            usable = [s for s, target in aliases if (await ground.ask(target, "TXT")).records]
            group.append(_alias(ground, signature, (usable or [aliases[0][0]])[0], made))
            if aliases is sets[0] and usable:
                break  # as the provider documents it
    return tuple(group)


async def _free_alias(ground: Ground, selector: str, target: str) -> Change | None:
    """The alias, where nothing stands at its name."""
    name = f"{selector}._domainkey.{ground.author}"
    change = await ground.change(name, "CNAME", target)
    return None if change is None or change.old or (await ground.ask(name, "TXT")).records else change


def _alias(ground: Ground, signature: Signature, selector: str, changes: list[Change]) -> Proposal:
    facts: dict[str, object] = {
        "domain": ground.author,
        "service": signature.domain,
        "name": [change.name for change in changes],
        "target": [value for change in changes for value in change.new],
    }
    value = f"{ground.author}:{selector}"
    if names.registrable(signature.domain) == names.registrable(ground.author):  # nobody else's to ask
        setting = Setting("dkim", "mail-admin", value)
        return draft("dkim-alias-own-key", "domain-owner", facts, *changes, settings=(setting,))
    setting = Setting("dkim", "provider", value)
    cautions = (Reason("caution-ask-service", {"service": signature.domain}),)
    return draft("dkim-alias-key", "domain-owner", facts, *changes, settings=(setting,), cautions=cautions)


async def _signed(ground: Ground) -> tuple[Proposal, ...]:
    """A key for the author domain, and signing with it."""
    if ground.key is None:
        return ()
    for selector in (ground.key.selector,) if ground.key.selector else selectors():
        name = names.normalise(f"{selector}._domainkey.{ground.author}")
        if name is None:
            continue
        there = await ground.ask(name, "TXT")
        if there.unknown or (there.records and ground.key.selector is None):
            continue
        change: Change | None = await ground.change(name, "TXT", ground.key.record)
        if change is None:
            continue
        facts: dict[str, object] = {"domain": ground.author, "selector": selector, "name": name}
        facts |= {"type": ground.key.type, "bits": ground.key.bits}
        setting = Setting("dkim", "mail-admin", f"{ground.author}:{selector}")
        cautions = (Reason("caution-signer-has-private-key", {"name": name}),)
        made = draft("dkim-sign", "mail-admin", facts, change, settings=(setting,), cautions=cautions)
        return (made,)
    return ()


def selectors() -> tuple[str, ...]:
    """Selectors for a new key, the first free one is taken."""
    return (DEFAULT_SELECTOR, f"{DEFAULT_SELECTOR}2", f"{DEFAULT_SELECTOR}3")
