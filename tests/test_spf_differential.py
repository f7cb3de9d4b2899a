"""check_host against two other evaluators, pyspf and spftrace, on generated zones.

All three read the same zone and must say the same. Where they may differ, the difference is in
`EXPLAINED`, with the rule; everything else is a failure.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from senderauth.dns import ZoneResolver, drive
from senderauth.spf import Result, check_host
from senderauth.values import Step

DOMAINS = ["a.example", "b.example", "c.example", "d.example"]
NAMES = [*DOMAINS, "none.example", "h1.example", "h2.example"]
ADDRESSES = ["192.0.2.1", "192.0.2.77", "198.51.100.9", "2001:db8::1"]

names = st.sampled_from(NAMES)
specs = st.one_of(
    names,
    st.sampled_from(
        ["%{d}", "%{o}", "%{l}.h1.example", "%{i}.x.example", "%{ir}.%{v}.x.example", "%{d2}", "h1.%{o2}"]
    ),
)
qualifiers = st.sampled_from(["", "", "", "-", "~", "?", "+"])
prefixes = st.sampled_from(["", "/24", "/32", "//64", "/24//64", "/0"])
sound = st.one_of(
    st.builds("{}all".format, qualifiers),
    st.builds(
        "{}ip4:{}".format,
        qualifiers,
        st.sampled_from(["192.0.2.1", "192.0.2.0/24", "198.51.100.0/28", "0.0.0.0/0"]),
    ),
    st.builds("{}ip6:{}".format, qualifiers, st.sampled_from(["2001:db8::1", "2001:db8::/32", "::/0"])),
    st.builds("{}a{}".format, qualifiers, prefixes),
    st.builds("{}a:{}{}".format, qualifiers, specs, prefixes),
    st.builds("{}mx:{}{}".format, qualifiers, names, prefixes),
    st.builds("{}include:{}".format, qualifiers, specs),
    st.builds("{}exists:{}".format, qualifiers, specs),
    st.builds("{}ptr:{}".format, qualifiers, names),
    st.builds("redirect={}".format, specs),
    st.builds("exp={}".format, names),
    st.sampled_from(["x-unknown=1", "ra=postmaster", "rp=50"]),
)
broken = st.sampled_from(
    [
        "ip4:192.0.2.999",
        "ip4",
        "all:x",
        "bogus",
        "a:1.2.3.4",
        "mx/33",
        "include:",
        "%{x}",
        "a//129",
        "ip6:192.0.2.1",
        "ptr/24",
        "exists",
    ]
)
terms = st.lists(st.one_of(sound, sound, sound, sound, sound, sound, sound, broken), max_size=5)
records = st.builds(lambda words: " ".join(["v=spf1", *words]), terms)
zones = st.fixed_dictionaries(
    {domain: st.lists(records, min_size=0 if domain != "a.example" else 1, max_size=1) for domain in DOMAINS}
)
HOSTS: dict[str, dict[str, Any]] = {
    "a.example": {"A": ["192.0.2.1"], "MX": [(10, "h1.example")]},
    "b.example": {"A": ["198.51.100.9"], "MX": [(10, "h2.example"), (20, "h1.example")]},
    "c.example": {"AAAA": ["2001:db8::1"]},
    "h1.example": {"A": ["192.0.2.77"], "AAAA": ["2001:db8::1"]},
    "h2.example": {"A": ["192.0.2.200"]},
    "77.2.0.192.in-addr.arpa": {"PTR": ["h1.example", "none.example"]},
}

# Where pyspf says otherwise on purpose, and what in the zone lets it.
PYSPF_DIFFERS = {
    "refuses a record that includes its own domain, reached or not": lambda text, name: (
        f"include:{name}" in text
        or "include:%{" in text
        or f"redirect={name}" in text
        or "redirect=%{" in text
    ),
    # RFC 7208 5.5 passes over the client's names that lead nowhere, and 4.6.4 does not say if they count
    "counts the client's own names without address as void lookups": lambda text, _: "ptr" in text,
    # RFC 7208 6 says so of redirect and exp only
    "refuses an unknown modifier that stands twice": lambda text, _: any(
        text.count(f" {word}=") > 1 for word in ("x-unknown", "ra", "rp")
    ),
}


def ours(zone: dict[str, list[str]], ip: str, sender: str, helo: str) -> tuple[str, int]:
    result = judged(zone, ip, sender, helo)
    return result.result, result.void_lookups


def judged(zone: dict[str, list[str]], ip: str, sender: str, helo: str) -> Result:
    records: dict[tuple[str, str], Any] = {}
    for name, node in HOSTS.items():
        for rdtype, values in node.items():
            records[name, rdtype] = values
    for name, texts in zone.items():
        records[name, "TXT"] = [text.encode() for text in texts]
    return drive(check_host(ZoneResolver.from_records(records), ip, "a.example", sender, helo))


def theirs_pyspf(spf: Any, zone: dict[str, list[str]], ip: str, sender: str, helo: str) -> str:
    def lookup(name: str, rdtype: str, tcpfallback: bool = True, timeout: int = 30) -> list[Any]:
        key = name.lower().rstrip(".")
        if rdtype in ("TXT", "SPF"):
            texts = zone.get(key, []) if rdtype == "TXT" else []
            return [((key, rdtype), (text.encode(),)) for text in texts]
        return [((key, rdtype), value) for value in HOSTS.get(key, {}).get(rdtype, [])]

    spf.DNSLookup = lookup
    result: str = spf.query(i=ip, s=sender, h=helo, strict=1, verbose=False).check()[0]
    return result


def theirs_spftrace(spftrace: Any, zone: dict[str, list[str]], ip: str, sender: str, helo: str) -> str:
    world: dict[str, list[tuple[str, str]]] = {}
    for name, node in HOSTS.items():
        for rdtype, values in node.items():
            for value in values:
                text = value[1] if rdtype == "MX" else value
                world.setdefault(name, []).append((rdtype, text))
    for name, texts in zone.items():
        world.setdefault(name, []).extend(("TXT", text) for text in texts)
    resolver = spftrace.ZoneResolver(world)
    result: str = spftrace.check(ip, sender, helo, resolver=resolver).result
    return result


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(zone=zones, ip=st.sampled_from(ADDRESSES), local=st.sampled_from(["user", "x.y"]))
def test_pyspf_says_the_same(zone: dict[str, list[str]], ip: str, local: str) -> None:
    spf = pytest.importorskip("spf")
    sender, helo = f"{local}@a.example", "mail.a.example"

    our, their = ours(zone, ip, sender, helo)[0], theirs_pyspf(spf, zone, ip, sender, helo)
    if our != their:
        found = [
            why
            for why, holds in PYSPF_DIFFERS.items()
            if any(holds(t, n) for n, ts in zone.items() for t in ts)
        ]
        assert found, (our, their)
        assert their == "permerror"


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(zone=zones, ip=st.sampled_from(ADDRESSES), local=st.sampled_from(["user", "x.y"]))
def test_spftrace_says_the_same(zone: dict[str, list[str]], ip: str, local: str) -> None:
    spftrace = pytest.importorskip("spftrace")
    sender, helo = f"{local}@a.example", "mail.a.example"

    our, their = ours(zone, ip, sender, helo)[0], theirs_spftrace(spftrace, zone, ip, sender, helo)
    if our == "permerror":
        assert their == our or asks_in_vain_twice(zone, ip, sender, helo), (our, their)
    elif our != their:  # counts the client's own names without address as void lookups, as pyspf does
        assert their == "permerror", (our, their)
        assert any("ptr" in text for texts in zone.values() for text in texts), (our, their)


def asks_in_vain_twice(zone: dict[str, list[str]], ip: str, sender: str, helo: str) -> bool:
    """spftrace counts a question without records once, however many terms ask it; RFC 7208 4.6.4 limits
    the terms, and pyspf counts as we do.
    """
    result = judged(zone, ip, sender, helo)
    vain = {
        (step.facts["name"], step.facts["type"])
        for step in walk(result.trace)
        if step.id == "dns" and step.facts["type"] != "TXT" and not step.facts["records"]
    }
    return result.reason.id == "spf-too-many-voids" and result.void_lookups > len(vain)


def walk(step: Step) -> Iterator[Step]:
    for inner in step.inner:
        yield inner
        yield from walk(inner)
