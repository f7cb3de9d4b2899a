"""Changes for DMARC (RFC 9989, RFC 7489): an aligned pass by the nearer way, records, reports, next steps."""

from __future__ import annotations

from senderauth import dmarc, names
from senderauth.advice.proposals.ground import Ground, draft, foreign
from senderauth.advice.proposals.proposal import EITHER, Change, Kind, Proposal, Setting, text_of
from senderauth.advice.proposals.providers import providers_of
from senderauth.advice.proposals.spf import V, ways_in
from senderauth.simulation import Verdict
from senderauth.values import Reason

BOUNCE_LABELS = ("bounce", "bounces", "return")
MILDER = ("none", "quarantine", "reject")
NEXT = {"none": "quarantine", "quarantine": "reject"}
MISSING = ("dmarc-record-missing", "authentication-level-too-low")
DESTINATION = "dmarc-report-destination-refuses"


async def dmarc_proposals(ground: Ground) -> list[tuple[Proposal, ...]]:
    """Groups of drafts for mail that fails DMARC, or whose author domain has no record that works."""
    groups: list[tuple[Proposal, ...]] = []
    if foreign(ground.author):
        return groups
    verdicts = [v for v in ground.report.verdicts if v.address]
    failing = [v for v in verdicts if "fail" in (v.dmarc.result, v.dmarc_rfc7489.result)]
    if failing:
        groups.append(await _relaxed(ground))
        groups.append(await _return_path(ground, failing))
    mended = await _mended(ground)
    groups.append(mended or await _moved(ground) or await _record(ground) or await _of_its_own(ground))
    groups.append(await _both_standards(ground))
    groups.append(await _next_step(ground))
    groups += await _destinations(ground)
    return [group for group in groups if group]


# --- alignment -----------------------------------------------------------------------------------------


async def _relaxed(ground: Ground) -> tuple[Proposal, ...]:
    """Relaxed alignment where only strictness stands in the way (RFC 9989 4.4)."""
    policy = ground.report.policies["rfc9989"]
    if policy.record is None or policy.location is None:
        return ()
    group = []
    for tags in (("adkim",), ("aspf",), ("adkim", "aspf")):
        if any(getattr(policy.record, tag) != "s" for tag in tags):
            continue
        text = with_tags(policy.record, dict.fromkeys(tags))
        change = await dmarc_change(ground, policy.location, text)
        if change is not None:
            facts = {"domain": policy.domain, "tags": list(tags), "name": policy.location}
            group.append(draft("dmarc-relax-alignment", "domain-owner", facts, change, relaxes=True))
    return tuple(group)


async def _return_path(ground: Ground, failing: list[Verdict]) -> tuple[Proposal, ...]:
    """A return path under the author's domain: its own where SPF passes for that already, else a name below
    it with what bounces need; last the author's domain itself with the hosts added.
    """
    path = ground.scenario.mail_from_address
    if path is None or path.domain == ground.author or foreign(ground.author):
        return ()
    if not all(provider.takes_return_paths for provider in providers_of([path.domain])):
        return ()
    local = path.local or "bounce"
    facts: dict[str, object] = {"author_domain": ground.author, "mail_from_domain": path.domain}
    cautions = (Reason("caution-bounces-move", {"service": path.domain}),)
    own = (Setting("mail-from", "sender", f"{local}@{ground.author}"),)
    told = {**facts, "return_path": ground.author}
    group = [draft("dmarc-own-return-path", "sender", told, settings=own, cautions=cautions)]
    for label in BOUNCE_LABELS:
        name = f"{label}.{ground.author}"
        free = [await ground.ask(name, rdtype) for rdtype in ("TXT", "MX", "A", "CNAME")]
        if names.normalise(name) is None or any(answer.unknown or answer.records for answer in free):
            continue
        for changes in await _bounce_domain(ground, name, path.domain, failing):
            setting = (Setting("mail-from", "provider", f"{local}@{changes[0].name}"),)
            told = {**facts, "return_path": changes[0].name}
            made = draft(
                "dmarc-return-path", "domain-owner", told, *changes, settings=setting, cautions=cautions
            )
            group.append(made)
        break
    return tuple(group)


async def _bounce_domain(
    ground: Ground, name: str, service: str, failing: list[Verdict]
) -> list[tuple[Change, ...]]:
    """The records of a name for bounces: an alias that the service is known to offer; or the MX records of
    the present return path, and SPF that includes it, or names the hosts.
    """
    found: list[tuple[Change, ...]] = []
    for provider in providers_of([service]):
        if provider.return_path is not None:
            label, target = provider.return_path
            change = await ground.change(f"{label}.{ground.author}", "CNAME", target)
            if change is not None and not change.old:
                found.append((change,))
    exchanges = [text_of(record) for record in (await ground.ask(service, "MX")).records]
    if not exchanges or exchanges == ["0 ."]:
        exchanges = [text_of(record) for record in (await ground.ask(ground.author, "MX")).records]
    if not exchanges or exchanges == ["0 ."]:
        return found
    mx = await ground.change(name, "MX", *sorted(exchanges))
    texts = []
    if all(verdict.spf.result == "pass" for verdict in failing):
        texts.append(f"{V} include:{service} -all")
    for _, terms in await ways_in(ground, name, failing):
        texts.append(" ".join([V, *map(str, terms), "-all"]))
    for text in texts:
        txt = await ground.change(name, "TXT", text)
        if mx is not None and txt is not None:
            found.append((mx, txt))
    return found


# --- records ---------------------------------------------------------------------------------------------


async def _record(ground: Ground) -> tuple[Proposal, ...]:
    """A first record at the organizational domain, where both standards look for it. It asks for nothing but
    reports, so nothing is refused for it (RFC 9989 7.4).
    """
    if any(p.policy is not None or p.unknown for p in ground.report.policies.values()):
        return ()
    name = f"_dmarc.{ground.organization}"
    change = await dmarc_change(ground, name, first_record(ground))
    if change is None or change.old:  # a record that cannot be used is for its owner to read
        return ()
    facts = {"domain": ground.organization, "name": name}
    cautions: tuple[Reason, ...] = (Reason("caution-staged-policy", {"domain": ground.organization}),)
    if "rua=" in change.new[0]:
        cautions = (Reason("caution-report-mailbox", {"domain": ground.organization}), *cautions)
    kinds: tuple[Kind, ...] = EITHER if ground.complaints(*MISSING) else ("improvement",)
    return tuple(
        draft("dmarc-first-record", "domain-owner", facts, change, kind=kind, cautions=cautions)
        for kind in kinds
    )


async def _mended(ground: Ground) -> tuple[Proposal, ...]:
    """What stands where the record is looked for and was meant as one, put right; else the same without
    asking for anything, where that would harm the mail at hand.
    """
    group: list[Proposal] = []
    for domain in dict.fromkeys((ground.author, ground.organization)):
        name = f"_dmarc.{domain}"
        answer = await ground.ask(name, "TXT")
        text = None if answer.unknown or answer.chain else dmarc.mend(answer.records)
        if text is None:
            continue
        meant = [dmarc.meant_as_record(octets) for octets in answer.records]
        values = tuple(map(text_of, answer.records))
        old = tuple(value for value, is_meant in zip(values, meant, strict=True) if is_meant)
        kept = tuple(value for value in values if value not in old)
        for mended in dict.fromkeys((text, with_tags(dmarc.parse(text), {"p": "none"}))):
            asked = dmarc.parse(mended).p or "none"
            facts = {"domain": domain, "name": name, "after": asked}
            cautions = [Reason("caution-read-reports-first", {"after": asked})] if asked != "none" else []
            change = Change(name, "TXT", old, (mended,), kept)
            kinds: tuple[Kind, ...] = EITHER if ground.complaints(*MISSING) else ("improvement",)
            group += [
                draft("dmarc-mend-record", "domain-owner", facts, change, kind=kind, cautions=tuple(cautions))
                for kind in kinds
            ]
    return tuple(group)


async def _moved(ground: Ground) -> tuple[Proposal, ...]:
    """The record that stands where nobody looks, at its right name, mended where it needs that; else the same
    without asking for anything. What stands at the wrong name harms nobody and may stay.
    """
    places: dict[str, list[str]] = {}
    for finding in ground.report.findings:
        if finding.id == "dmarc-record-misplaced":
            places.setdefault(str(finding.evidence["right"]), []).append(finding.subject)
    group: list[Proposal] = []
    for name, wrong in places.items():
        there = [text for place in wrong for text in (await ground.ask(place, "TXT")).records]
        meant = list(dict.fromkeys(text for text in there if dmarc.meant_as_record(text)))
        text = dmarc.mend(meant) or (text_of(meant[0]) if len(meant) == 1 else "")
        record = dmarc.parse(text)
        if record.p is None:
            continue
        for moved in dict.fromkeys((text, with_tags(record, {"p": "none"}))):
            change = await dmarc_change(ground, name, moved)
            if change is None or change.old:
                continue
            asked = dmarc.parse(moved).p or "none"
            domain = name.removeprefix("_dmarc.")
            facts = {"domain": domain, "name": name, "other": wrong, "after": asked}
            cautions = [Reason("caution-read-reports-first", {"after": asked})] if asked != "none" else []
            if asked != record.p:
                cautions.append(Reason("caution-staged-policy", {"domain": domain}))
            group += [
                draft("dmarc-move-record", "domain-owner", facts, change, kind=kind, cautions=tuple(cautions))
                for kind in (EITHER if ground.complaints(*MISSING) else ("improvement",))
            ]
    return tuple(group)


async def _of_its_own(ground: Ground) -> tuple[Proposal, ...]:
    """What a record at the public suffix asks for (RFC 9989 4.10, psd=y mostly), in one of the domain's own:
    RFC 7489 does not ask there. Where nobody knows what is sent, only if it asks for nothing.
    """
    new, old = ground.report.policies["rfc9989"], ground.report.policies["rfc7489"]
    if new.unknown or old.unknown or new.policy is None or new.location is None or old.policy is not None:
        return ()
    above = not names.is_below(new.location.removeprefix("_dmarc."), ground.organization)
    if not above or (new.policy != "none" and not ground.report.verdicts):
        return ()
    name = f"_dmarc.{ground.organization}"
    change = await dmarc_change(ground, name, first_record(ground, new.policy))
    if change is None or change.old:
        return ()
    facts = {"domain": ground.organization, "name": name, "location": new.location, "after": new.policy}
    strict = new.policy != "none"
    cautions = (Reason("caution-read-reports-first", {"after": new.policy}),) if strict else ()
    made = draft("dmarc-own-record", "domain-owner", facts, change, kind="improvement", cautions=cautions)
    return (made,)


def first_record(ground: Ground, asked: str = "none") -> str:
    """With reports to a mailbox that every domain with mail must have (RFC 5321 4.5.1)."""
    takes_mail = any(d.state in ("mx", "address") for d in ground.report.domains if d.role == "author")
    rua = f"; rua=mailto:postmaster@{ground.organization}" if takes_mail else ""
    return f"v=DMARC1; p={asked}{rua}"


async def _both_standards(ground: Ground) -> tuple[Proposal, ...]:
    """One policy under both standards where one record of the domain's own says two: without pct, which RFC
    9989 ignores, and t, which RFC 7489 does not know. The milder one, so that nothing more is refused.
    """
    new, old = ground.report.policies["rfc9989"], ground.report.policies["rfc7489"]
    name = new.location
    if new.record is None or name is None or name != old.location or new.inherited or old.inherited:
        return ()
    asked: list[str] = [new.policy or "none", old.policy or "none"]
    if old.sampled and asked[1] != "none":  # RFC 7489 6.6.4: the rest gets one level less
        asked[1] = MILDER[MILDER.index(asked[1]) - 1]
    if asked[0] == asked[1]:
        return ()
    milder = min(asked, key=MILDER.index)
    change = await dmarc_change(ground, name, with_tags(new.record, {"p": milder, "pct": None, "t": None}))
    if change is None:
        return ()
    facts: dict[str, object] = {"domain": ground.author, "name": name, "after": milder}
    part = f" (pct={old.record.pct})" if old.sampled and old.record is not None else ""
    facts |= {"rfc9989": asked[0], "rfc7489": f"{old.policy}{part}"}
    made = draft("dmarc-both-standards", "domain-owner", facts, change, kind="improvement", relaxes=True)
    return (made,)


async def _next_step(ground: Ground) -> tuple[Proposal, ...]:
    """One step further, none to quarantine to reject, once all that is planned passes and reports come in to
    show the rest; before a further policy the present one for all mail, without pct and t.
    """
    policy = ground.report.policies["rfc9989"]
    passing = ground.report.verdicts and all(
        v.signing != "unsigned" and v.dmarc.result == v.dmarc_rfc7489.result == "pass"
        for v in ground.report.verdicts
    )
    if policy.record is None or policy.location is None or policy.policy is None:
        return ()
    signed = any(s.result == "pass" and s.key is not None for v in ground.report.verdicts for s in v.dkim)
    asked = policy.requested or ""
    unheard = any(finding.id == DESTINATION for finding in ground.report.findings)
    partly = asked != "none" and (policy.record.t or policy.record.pct < 100)
    if not passing or not signed or unheard or not (partly or asked in NEXT):
        return ()
    if not policy.record.rua:
        return await _reported(ground, policy.record, policy.location, policy.domain)
    after = asked if partly else NEXT[asked]
    tag = "sp" if policy.inherited and policy.record.has("sp") else "p"
    text = with_tags(policy.record, {tag: after, "pct": None, "t": None})
    change = await dmarc_change(ground, policy.location, text)
    if change is None:
        return ()
    whole = [
        f"{t.name}={t.value}"
        for t in policy.record.tags
        if t.name == tag or (partly and t.name in ("pct", "t"))
    ]
    facts = {
        "domain": policy.domain,
        "name": policy.location,
        "before": "; ".join(whole),
        "after": f"{tag}={after}",
    }
    cautions = (Reason("caution-read-reports-first", {"after": after}),)
    return (draft("dmarc-next-step", "domain-owner", facts, change, kind="improvement", cautions=cautions),)


async def _reported(ground: Ground, record: dmarc.Record, name: str, domain: str) -> tuple[Proposal, ...]:
    """Reports first: without them nobody sees what a further step would harm."""
    rua = first_record(ground).partition("rua=")[2]
    change = await dmarc_change(ground, name, with_tags(record, {"rua": rua})) if rua else None
    if change is None or name != f"_dmarc.{ground.organization}":
        return ()
    cautions = (Reason("caution-report-mailbox", {"domain": ground.organization}),)
    facts = {"domain": domain, "name": name}
    return (draft("dmarc-ask-reports", "domain-owner", facts, change, kind="improvement", cautions=cautions),)


async def _destinations(ground: Ground) -> list[tuple[Proposal, ...]]:
    """The record by which the receiver of reports agrees (RFC 9990 4); only its owner can publish it."""
    groups: list[tuple[Proposal, ...]] = []
    for finding in ground.report.findings:
        name = finding.evidence.get("name")
        if finding.id != DESTINATION or not isinstance(name, str):
            continue
        change = await dmarc_change(ground, name, "v=DMARC1")
        if change is not None:
            facts = {"name": name, **{fact: finding.evidence.get(fact, "") for fact in ("host", "uri")}}
            groups.append((draft("dmarc-allow-reports", "receiver", facts, change, kind="improvement"),))
    return groups


async def dmarc_change(ground: Ground, name: str, text: str) -> Change | None:
    """A change of the DMARC record at a name."""
    return await ground.change(name, "TXT", text, like="v=dmarc1")


def with_tags(record: dmarc.Record, wanted: dict[str, str | None]) -> str:
    """The record with these tags set in place, or left out where the value is None."""
    parts = []
    left = dict(wanted)
    for tag in record.tags:
        if tag.name not in wanted:
            parts.append(f"{tag.name}={tag.value}")
        elif (value := left.pop(tag.name, None)) is not None:
            parts.append(f"{tag.name}={value}")
    added = [f"{name}={value}" for name, value in left.items() if value is not None]
    place = 1 if "p" in left else len(parts)  # RFC 7489 6.3 wants p second
    parts[place:place] = added
    return "; ".join(parts)
