"""Every offered cure, written into the zone, cures what it says and takes no address its authorisation."""

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from senderauth import Scenario, ZoneResolver, spf, sync
from senderauth.advice import Proposal
from senderauth.advice.proposals.compare import cases
from senderauth.advice.proposals.proposal import record_of
from senderauth.advice.proposals.prove import as_set
from senderauth.dns import drive
from senderauth.report import handover, wording

Zone = dict[tuple[str, str], Any]

ADDRESSES = [f"198.51.100.{last}" for last in range(16)] + ["2001:db8::1", "2001:db8::2"]
DOMAIN = "shop.example"
HOSTS = [f"h{n}.example" for n in range(4)]
INCLUDED = [f"inc{n}.example" for n in range(4)]

networks = st.sampled_from(
    ["ip4:198.51.100.0/29", "ip4:198.51.100.3", "ip4:198.51.100.8/30", "ip4:198.51.100.9", "ip6:2001:db8::1"]
)
lookups = st.sampled_from(
    [
        *(f"a:{host}" for host in HOSTS),
        *(f"include:{name}" for name in INCLUDED),
        "mx",
        "a",
        f"mx:{HOSTS[0]}",
        "a:gone.example",
        "include:gone.example",
        "exists:gone.example",
        "exists:%{i}.list.example",
        "ptr",
    ]
)
qualified = st.tuples(st.sampled_from(["", "", "", "", "?", "-", "~"]), networks | lookups).map("".join)
mistakes = st.sampled_from(
    ["ipv4:198.51.100.1", "ip4:198.51.100.1,", "inlcude:inc1.example", "ip4:300.1.1.1"]
)
ends = st.sampled_from(["-all", "~all", "?all", "", "+all", "redirect=inc3.example"])


@st.composite
def records(draw: st.DrawFn, faults: bool = True) -> str:
    words = draw(st.lists(qualified, max_size=5))
    if faults and draw(st.integers(0, 5)) == 0:
        words.insert(draw(st.integers(0, len(words))), draw(mistakes))
    return " ".join(["v=spf1", *words, *filter(None, [draw(ends)])])


@dataclass(frozen=True)
class Case:
    zone: Zone
    scenario: Scenario


@st.composite
def sends(draw: st.DrawFn) -> Case:
    zone: Zone = {(host, "A"): [draw(st.sampled_from(ADDRESSES[:16]))] for host in HOSTS[:3]}
    zone |= {
        (HOSTS[0], "MX"): [(10, HOSTS[1])],
        (DOMAIN, "MX"): [(10, HOSTS[2]), (20, "gone.example")],
        (DOMAIN, "A"): ["198.51.100.15"],
        ("198.51.100.7.list.example", "A"): ["127.0.0.2"],
    }
    for name in INCLUDED[: draw(st.integers(1, 4))]:
        zone[name, "TXT"] = [draw(records(faults=False)).encode()]
    texts = [draw(records()) for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 1, 1, 2])))]
    if draw(st.integers(0, 6)) == 0:  # past the limit
        texts = [
            " ".join(["v=spf1", *(f"a:{HOSTS[n % 4]}" for n in range(8)), "mx", "mx", "a", "ptr", "-all"])
        ]
    zone[DOMAIN, "TXT"] = [text.encode() for text in texts] + [b"other-verification=1"]
    policy = draw(
        st.sampled_from(["", "v=DMARC1; p=none", "v=DMARC1; p=reject", "v=DMARC1; p=reject; aspf=s"])
    )
    if policy:
        zone[f"_dmarc.{DOMAIN}", "TXT"] = [policy.encode()]
    if draw(st.integers(0, 4)) == 0:
        zone[f"_adsp._domainkey.{DOMAIN}", "TXT"] = [b"dkim=all"]
    path = draw(st.sampled_from([None, None, None, "bounce@inc0.example"]))
    host = draw(st.sampled_from(ADDRESSES))
    return Case(zone, Scenario(f"a@{DOMAIN}", (host,), path, HOSTS[0], ()))


def written(zone: Zone, proposal: Proposal) -> Zone:
    """The zone once the change stands in it, made without the overlay."""
    after = dict(zone)
    for change in proposal.changes:
        if change.records:
            after[change.name, change.rdtype] = list(change.records)
        else:
            after.pop((change.name, change.rdtype))
    return after


def passing(zone: Zone, domain: str) -> set[str]:
    """The addresses that SPF passes, one by one: the brute-force model of the arithmetic."""
    resolver = ZoneResolver.from_records(zone)
    return {
        ip
        for ip in ADDRESSES
        if drive(spf.check_host(resolver, ip=ip, domain=domain, sender=f"a@{domain}", helo=HOSTS[0])).result
        == "pass"
    }


EXAMPLES = 1_500 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 40


@given(sends())
@settings(max_examples=EXAMPLES)
def test_an_offered_cure_cures_and_harms_nobody(case: Case) -> None:
    resolver = ZoneResolver.from_records(case.zone)
    before = sync.check(case.scenario, resolver)
    refused = {(c.receiver, c.address) for c in cases(before)}
    proposals = sync.propose(before, resolver)
    cured: set[tuple[str, str]] = set()
    for proposal in proposals:
        note(f"{proposal.id}: {proposal.changes} {proposal.settings}")
        if proposal.kind == "advice":
            cured |= {(c.receiver, c.address) for c in proposal.leaves}  # said plainly that nothing helps
            continue
        after_zone = written(case.zone, proposal)
        after = sync.check(as_set(case.scenario, proposal.settings), ZoneResolver.from_records(after_zone))
        left = {(c.receiver, c.address) for c in cases(after)}
        cures = {(c.receiver, c.address) for c in proposal.cures}
        assert cures <= refused
        assert not cures & left
        assert {(c.receiver, c.address) for c in proposal.leaves} <= left
        assert bool(cures) == (proposal.kind == "cure")
        cured |= cures
        if not proposal.narrows:
            for domain in {survey.domain for survey in before.surveys}:
                assert passing(case.zone, domain) <= passing(after_zone, domain)
    assert refused <= cured  # a cure or a plain word for each


@given(sends())
@settings(max_examples=15)
def test_the_lines_to_paste_say_what_was_tried(case: Case) -> None:
    resolver = ZoneResolver.from_records(case.zone)
    for proposal in sync.propose(sync.check(case.scenario, resolver), resolver):
        if not proposal.changes or proposal.id == "all-together":
            continue
        text = handover([proposal], "zone", wording("en"))
        if not any(change.new for change in proposal.changes):
            assert all(line.startswith(";") for line in text.splitlines())
            continue
        with TemporaryDirectory() as folder:
            file = Path(folder) / "paste.zone"
            file.write_text(text)
            pasted = ZoneResolver.from_files(file)
        for change in proposal.changes:
            if change.new:
                answer = drive(pasted.resolve(question(change.name, change.rdtype)))
                come = [value for value in change.new if value not in change.old]
                wanted = [record_of(change.rdtype, value) for value in come]
                assert list(answer.strings or map(plain, answer.records)) == list(map(plain, wanted))


def question(name: str, rdtype: str) -> Any:
    from senderauth.dns import Question

    return Question(name, rdtype)


def plain(record: Any) -> Any:
    return str(ip_address(record)) if isinstance(record, str) and ":" in record else record
