"""Proposals: for each kind of trouble the change that is offered, and what its proof says."""

import json
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from senderauth import Scenario, ZoneResolver, spf, sync
from senderauth.advice import Proposal, new_pair, propose, public_key
from senderauth.advice.proposals.compare import cases
from senderauth.advice.proposals.proposal import strings
from senderauth.advice.proposals.providers import is_mailbox_provider, providers, providers_of
from senderauth.advice.proposals.spf import as_version, before_end, inserted, mend, merge, without_faults
from senderauth.dns import Answer, Question, Status, drive
from senderauth.report import handover, proposals_document, proposals_text, schema, wording
from senderauth.report.proposals import difference
from tests.test_cases import CASES, REWRITE, judge

Zone = dict[tuple[str, str], Any]
SHOP: Zone = {("shop.example", "MX"): [(10, "mx.shop.example")], ("mx.shop.example", "A"): ["192.0.2.25"]}
IP = "203.0.113.9"
GOOD = new_pair("ed25519").public


def txt(**names: str) -> Zone:
    """TXT records; "_" in a name's keyword is a dot, "apex" the domain."""
    return {
        ("shop.example" if n == "apex" else f"{n.replace('__', '.')}.shop.example", "TXT"): [t.encode()]
        for n, t in names.items()
    }


def proposed(zone: Zone, scenario: Scenario | None = None, **options: Any) -> tuple[Proposal, ...]:
    resolver = ZoneResolver.from_records(SHOP | zone)
    scenario = scenario or Scenario("a@shop.example", (IP,), signers=())
    return sync.propose(sync.check(scenario, resolver), resolver, **options)


def only(proposals: tuple[Proposal, ...], id: str) -> Proposal:
    found = [proposal for proposal in proposals if proposal.id == id]
    assert found, [proposal.id for proposal in proposals]
    return found[0]


# --- SPF ------------------------------------------------------------------------------------------------


def test_a_first_record_is_worth_it_where_a_missing_reverse_name_keeps_it_from_curing() -> None:
    found = only(proposed({}), "spf-first-record")
    assert (found.kind, found.changes[0].new) == ("improvement", (f"v=spf1 ip4:{IP} ~all",))


@pytest.mark.parametrize(
    ("record", "id", "new"),
    [
        ("v=spf1 mx -all", "spf-add-address", f"v=spf1 mx ip4:{IP} -all"),
        ("v=spf1 mx ~all exp=why.%{d}", "spf-add-address", None),  # softfail is refused by nobody usual
        ("v=spf1 -ip4:203.0.113.0/24 -all", "spf-add-address", f"v=spf1 ip4:{IP} -ip4:203.0.113.0/24 -all"),
        ("v=spf1 mx redirect=mx.shop.example", "spf-add-address", None),
        ("v=spf1 ipv4:192.0.2.1 -all", "spf-mend-syntax", f"v=spf1 ip4:192.0.2.1 ip4:{IP} -all"),
        ("v=spf1 ip4:192.0.2.1, ip4:203.0.113.9, -all", "spf-mend-syntax",
         "v=spf1 ip4:192.0.2.1 ip4:203.0.113.9 -all"),
        ("v=spf1 mx include:gone.example -all", "spf-drop-dead-terms", f"v=spf1 mx ip4:{IP} -all"),
        ("v=spf1 mx redirect=gone.example", "spf-drop-dead-terms", f"v=spf1 mx ip4:{IP} ~all"),
        ("v=spf1 redirect=gone.example mx", "spf-drop-dead-terms", f"v=spf1 mx ip4:{IP} ~all"),
        ("ip4:192.0.2.1 -all", "spf-mend-version", f"v=spf1 ip4:192.0.2.1 ip4:{IP} -all"),
    ],
)  # fmt: skip
def test_an_spf_record_gets_what_it_lacks_and_keeps_the_rest(record: str, id: str, new: str | None) -> None:
    found = [p for p in proposed(txt(apex=record)) if p.id == id]
    if new is None:
        return
    (change,) = found[0].changes
    assert (change.old, change.new) == ((record,), (new,))
    assert found[0].proof is not None
    assert found[0].proof.holds


def test_other_txt_records_at_the_name_stay() -> None:
    zone: Zone = {("shop.example", "TXT"): [b"other=1", b"v=spf1 mx -all"]}
    (change,) = only(proposed(zone), "spf-add-address").changes
    assert change.kept == ("other=1",)
    assert change.records[0] == (b"other=1",)


def test_a_redirect_stays_behind_what_is_added() -> None:
    zone = txt(apex="v=spf1 redirect=_spf.shop.example", _spf="v=spf1 mx -all")
    (change,) = only(proposed(zone), "spf-add-address").changes
    assert change.new == (f"v=spf1 ip4:{IP} redirect=_spf.shop.example",)


def test_a_network_that_the_user_names_takes_the_place_of_the_address() -> None:
    found = only(proposed(txt(apex="v=spf1 -all"), network=ip_network("203.0.113.0/28")), "spf-add-network")
    assert found.changes[0].new == ("v=spf1 ip4:203.0.113.0/28 -all",)
    assert found.proof is not None
    (reach,) = found.proof.reach
    assert (reach.lost, reach.gained4, reach.gained6) == (0, 16, 0)
    assert "caution-domain-sends-nothing" in {caution.id for caution in found.cautions}


@pytest.mark.parametrize(
    ("network", "why"),
    [
        ("0.0.0.0/0", "wider than /8"),
        ("192.0.0.0/7", "wider than /8"),
        ("2000::/3", "wider than /16"),
        ("10.0.0.0/8", "private"),
        ("192.168.4.0/24", "private"),
        ("127.0.0.1/32", "loopback"),
        ("224.0.0.0/8", "multicast"),
        ("fe80::/64", "link-local"),
    ],
)
def test_a_network_that_no_mail_is_sent_from_is_refused(network: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"network {network}: .*{why}"):
        proposed(txt(apex="v=spf1 -all"), network=ip_network(network))


def test_the_include_of_a_provider_only_where_its_record_covers_the_host() -> None:
    zone: Zone = {
        **txt(apex="v=spf1 mx -all"),
        ("9.113.0.203.in-addr.arpa", "PTR"): ["out9.sendgrid.net"],
        ("out9.sendgrid.net", "A"): [IP],
    }
    covering = {("sendgrid.net", "TXT"): [b"v=spf1 ip4:203.0.113.0/24 ~all"]}
    found = only(proposed(zone | covering), "spf-add-include")
    assert found.changes[0].new == ("v=spf1 mx include:sendgrid.net -all",)
    assert found.proof is not None
    assert found.proof.reach[0].remaining == 8
    elsewhere = {("sendgrid.net", "TXT"): [b"v=spf1 ip4:192.0.2.0/24 ~all"]}
    assert "spf-add-include" not in {p.id for p in proposed(zone | elsewhere)}


def test_a_first_record_names_the_other_senders_too() -> None:
    zone = txt(_dmarc="v=DMARC1; p=reject")
    other = Scenario("b@shop.example", ("198.51.100.1",), signers=())
    found = only(proposed(zone, senders=[other]), "spf-first-record")
    assert found.changes[0].new == (f"v=spf1 ip4:{IP} ip4:198.51.100.1 ~all",)
    assert found.proof is not None
    assert not found.proof.others[0].worse


def test_two_records_become_one() -> None:
    zone: Zone = {("shop.example", "TXT"): [b"v=spf1 mx -all", f"v=spf1 ip4:{IP} mx ~all".encode()]}
    (change,) = only(proposed(zone), "spf-merge-records").changes
    assert change.new == (f"v=spf1 mx ip4:{IP} ~all",)


def test_a_record_past_the_limit_keeps_its_addresses_within_it() -> None:
    hosts = {(f"h{n}.shop.example", "A"): [f"198.51.100.{n}"] for n in range(12)}
    record = " ".join(["v=spf1", *(f"a:h{n}.shop.example" for n in range(12)), f"ip4:{IP}", "-all"])
    found = only(proposed(txt(apex=record) | hosts), "spf-within-limits")
    assert found.proof is not None
    (reach,) = found.proof.reach
    assert reach.lookups == (12, 2)  # a host without an IPv6 address is a void lookup for IPv6 clients
    assert reach.voids == (12, 2)
    assert (reach.lost, reach.gained4) == (0, 0)
    assert "caution-watch-networks" in {caution.id for caution in found.cautions}


def test_a_broken_record_that_this_mail_gets_past_is_worth_mending_too() -> None:
    record = " ".join([f"v=spf1 ip4:{IP}", *(f"include:gone{n}.example" for n in range(3)), "-all"])
    found = only(proposed(txt(apex=record)), "spf-drop-dead-terms")
    assert found.kind == "improvement"
    assert found.changes[0].new == (f"v=spf1 ip4:{IP} -all",)
    nobody = Scenario("shop.example", ())
    assert "spf-mend-syntax" in {p.id for p in proposed(txt(apex="v=spf1 mx al"), nobody)}


@pytest.mark.parametrize(
    ("record", "vendor", "new"),
    [
        ("v=spf1 include:vendor.shop.example -all", "v=spf1 ip4:192.0.2.77 include:shop.example -all",
         f"v=spf1 ip4:192.0.2.77 ip4:{IP} -all"),  # a loop
        ("v=spf1 include:vendor.shop.example -all", "v=spf1 ip4:192.0.2.77 include:gone.example -all",
         f"v=spf1 ip4:192.0.2.77 ip4:{IP} -all"),
        ("v=spf1 include:vendor.shop.example -all", "v=spf1 ip4:192.0.2.77 redirect=gone.example",
         f"v=spf1 ip4:192.0.2.77 ip4:{IP} -all"),
        ("v=spf1 mx include:vendor.shop.example -all", "v=spf1 include:shop.example -all",
         f"v=spf1 mx ip4:{IP} -all"),
    ],
)  # fmt: skip
def test_an_include_that_ends_in_an_error_gives_way_to_what_it_lets_through(
    record: str, vendor: str, new: str
) -> None:
    found = only(proposed(txt(apex=record, vendor=vendor)), "spf-drop-dead-terms")
    assert found.changes[0].new == (new,)
    assert found.proof is not None
    assert found.proof.holds


@pytest.mark.parametrize(
    ("record", "vendor"),
    [
        ("v=spf1 redirect=vendor.shop.example", "v=spf1 include:gone.example -all"),
        ("v=spf1 ?include:vendor.shop.example", "v=spf1 include:gone.example -all"),
        ("v=spf1 include:vendor.shop.example", "v=spf1 include:below.shop.example -all"),  # a macro before
    ],
)
def test_nothing_is_said_to_be_taken_out_that_stays(record: str, vendor: str) -> None:
    below = "v=spf1 exists:%{i}.shop.example include:gone.example"
    found = proposed(txt(apex=record, vendor=vendor, below=below))
    assert [p.id for p in found if p.kind == "cure"] == ["spf-add-address"]


@pytest.mark.parametrize(
    ("parts", "new"),
    [
        ((b"v=spf1 ip4:192.0.2.0/24", b"include:esp.example -all"),
         f"v=spf1 ip4:192.0.2.0/24 include:esp.example ip4:{IP} -all"),
        ((b"v=spf1 mx include:esp.example", b"-all"), f"v=spf1 mx include:esp.example ip4:{IP} -all"),
        ((b"v=spf1 mx include:esp.exa", b"mple -all"), None),  # nothing is glued there
    ],
)  # fmt: skip
def test_strings_that_run_into_each_other_are_parted_again(parts: tuple[bytes, ...], new: str | None) -> None:
    zone: Zone = {("shop.example", "TXT"): [parts], ("esp.example", "TXT"): [b"v=spf1 ip4:198.51.100.7 -all"]}
    found = [p for p in proposed(zone) if p.id == "spf-part-strings"]
    assert [change.new for p in found for change in p.changes] == ([] if new is None else [(new,)])


def test_a_record_that_becomes_too_long_is_split_into_included_ones() -> None:
    nets = " ".join(f"ip4:198.51.{n}.1" for n in range(60))
    zone = txt(
        apex="v=spf1 " + " ".join(f"a:h{n}.shop.example" for n in range(12)) + f" {nets} ip4:{IP} -all"
    )
    hosts = {(f"h{n}.shop.example", "A"): [f"192.0.2.{n}"] for n in range(12)}
    found = only(proposed(zone | hosts), "spf-within-limits")
    names = [change.name for change in found.changes]
    assert names[:2] == ["shop.example", "_spf1.shop.example"]
    assert all(len(change.new[0]) <= 450 for change in found.changes)
    assert found.proof is not None
    assert found.proof.reach[0].lost == 0


def test_an_open_record_is_closed_around_the_known_hosts() -> None:
    other = Scenario("b@shop.example", ("198.51.100.1",), signers=())
    found = only(proposed(txt(apex="v=spf1 mx +all"), senders=[other]), "spf-close-all")
    assert (found.kind, found.narrows) == ("improvement", True)
    assert found.changes[0].new == (f"v=spf1 mx ip4:{IP} ip4:198.51.100.1 ~all",)
    assert found.proof is not None
    assert found.proof.reach[0].lost == 2**32 + 2**128 - 3


def test_a_change_that_harms_another_sender_is_not_offered() -> None:
    record = "v=spf1 ip4:198.51.100.1 ip4:203.0.113.0/24 ~all"
    proposals = proposed(txt(apex=record, _dmarc="v=DMARC1; p=reject"))
    assert all(p.proof is None or p.proof.holds for p in proposals)


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("v=spf1 ip4: 192.0.2.1 -all", "v=spf1 ip4:192.0.2.1 -all"),
        ("v=spf1 includes:a.example al", "v=spf1 include:a.example all"),
        ("v=spf1 mx all-", "v=spf1 mx -all"),
        ("v=spf1 mx/ -all", "v=spf1 mx -all"),
        ("v=spf1 include:https://a.example/ -all", "v=spf1 include:a.example -all"),
        ("v=spf1 a.example -all", None),  # include: or a: — nobody can tell
        ("v=spf1 ip4:300.1.1.1 -all", None),
        ("v=spf1 redirect=a.example redirect=a.example", "v=spf1 redirect=a.example"),
        ("v=spf1 redirect=a.example redirect=b.example", None),
    ],
)
def test_syntax_is_mended_only_where_it_can_mean_one_thing(text: str, mended: str | None) -> None:
    record = mend(text)
    assert (record and str(record)) == mended


@pytest.mark.parametrize(
    ("text", "left", "dropped"),
    [
        ("v=spf1 mx ip4:300.1.1.1 ipv4:192.0.2.1 -all", "v=spf1 mx ip4:192.0.2.1 -all", ["ip4:300.1.1.1"]),
        ("v=spf1 a:mail_server ptr: mx -all", "v=spf1 mx -all", ["a:mail_server", "ptr:"]),
        ("v=spf1 -ip4:300.1.1.1 mx ~all", None, []),  # it was to turn somebody away
        ("v=spf1 mx redirect=_spf", None, []),
    ],
)
def test_what_nobody_understands_can_be_left_out_where_that_opens_nothing(
    text: str, left: str | None, dropped: list[str]
) -> None:
    record, gone = without_faults(text)
    assert ((record and str(record)), gone) == (left, dropped)


@pytest.mark.parametrize(
    ("record", "id", "new", "caution"),
    [
        ("v=spf1 ip4:203.0.113 -all", "spf-mend-syntax", f"v=spf1 ip4:{IP} -all",
         "caution-terms-not-understood"),
        (f"v=spf1 ip4={IP} -all", "spf-mend-equals", f"v=spf1 ip4:{IP} -all", None),
        ("v=spf1 ipv4:192.0.2.1 +all", "spf-mend-syntax", f"v=spf1 ip4:192.0.2.1 ip4:{IP} ~all",
         "caution-name-all-senders"),
        ("v=spf1 a:x1 include:gone.example mx -all", "spf-mend-syntax", None, None),
        ("v=spf1 exists:gone.example a:gone.example mx:gone.example ip4:203.0.113.9 -all",
         "spf-within-limits", f"v=spf1 ip4:{IP} -all", "caution-terms-dropped"),
        ("v=spf1 exists:gone.example a:gone.example mx:gone.example ip4:203.0.113.9 -all",
         "spf-put-first",
         f"v=spf1 ip4:{IP} exists:gone.example a:gone.example mx:gone.example -all", None),
    ],
)  # fmt: skip
def test_records_that_fail_are_mended_by_the_least(
    record: str, id: str, new: str | None, caution: str | None
) -> None:
    zone = txt(apex=record) | REJECT | {("gone.example", "SOA"): []}
    found = [p for p in proposed(zone) if p.id == id]
    if new is None:
        assert not found  # the name that is there is of one label: a: cannot be left out and stay mended
        return
    assert found[0].changes[0].new == (new,)
    if caution is not None:
        assert caution in {reason.id for reason in found[0].cautions}


def test_of_the_terms_past_the_limit_no_more_are_replaced_than_needed() -> None:
    zone: Zone = {(f"n{n}.e{e}.shop.example", "TXT"): [f"v=spf1 ip4:198.51.1{e}{n}.0/24 -all".encode()]
                  for e in range(5) for n in range(2)}  # fmt: skip
    zone |= {(f"e{e}.shop.example", "TXT"):
             [f"v=spf1 include:n0.e{e}.shop.example include:n1.e{e}.shop.example -all".encode()]
             for e in range(5)}  # fmt: skip
    record = f"v=spf1 mx {' '.join(f'include:e{e}.shop.example' for e in range(5))} ip4:{IP} -all"
    found = only(proposed(zone | REJECT | txt(apex=record)), "spf-within-limits")
    assert [reason.facts["terms"] for reason in found.cautions] == [
        ["include:e0.shop.example", "include:e1.shop.example"]
    ]
    assert found.proof is not None
    assert found.proof.reach[0].lookups == (16, 10)


def test_terms_without_an_ipv6_address_are_no_reason_to_replace_them_for_an_ipv4_host() -> None:
    zone: Zone = {(f"h{n}.shop.example", "A"): [f"198.51.100.{n}"] for n in range(4)}
    found = proposed(zone | REJECT | txt(apex=f"v=spf1 {' '.join(f'a:{n}' for n, _ in zone)} -all"))
    assert [p.id for p in found if p.kind == "cure"] == ["spf-add-address"]
    assert only(found, "spf-within-limits").kind == "improvement"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v=spf1ip4:192.0.2.1 -all", "v=spf1 ip4:192.0.2.1 -all"),
        ("v=spf1; mx -all", "v=spf1 mx -all"),
        (' "v=spf1 mx -all"', "v=spf1 mx -all"),
        ("v= spf1 mx -all", "v=spf1 mx -all"),
        ("spf1 mx -all", "v=spf1 mx -all"),
        ("v=spf2 mx -all", "v=spf1 mx -all"),
        ("ip4:192.0.2.1 include:esp.example -all", "v=spf1 ip4:192.0.2.1 include:esp.example -all"),
        ("spf2.0/pra mx -all", None),  # Sender ID (RFC 4406)
        ("v=spf10 mx", None),
        ("verification=1", None),
    ],
)
def test_a_misspelt_version_is_known(text: str, version: str | None) -> None:
    assert as_version(text) == version


@pytest.mark.parametrize(
    ("texts", "merged"),
    [
        (["v=spf1 a -all", "v=spf1 a -all"], "v=spf1 a -all"),
        (["v=spf1 a -all", "v=spf1 mx ?all"], "v=spf1 a mx ?all"),
        (["v=spf1 +all", "v=spf1 mx -all"], "v=spf1 mx -all"),
        (["v=spf1 redirect=a.example", "v=spf1 mx -all"], "v=spf1 mx include:a.example -all"),
        (["v=spf1 redirect=a.example", "v=spf1 redirect=b.example"], None),
        (["v=spf1 a:[bad", "v=spf1 mx -all"], None),
    ],
)
def test_records_are_merged_without_a_guess(texts: list[str], merged: str | None) -> None:
    record = merge([spf.parse(text) for text in texts])
    assert (record and str(record)) == merged


def test_terms_go_before_the_end_and_not_twice() -> None:
    record = spf.parse("v=spf1 mx exp=why.example -all ptr")
    term = spf.parse("v=spf1 mx").mechanisms[0]
    assert before_end(record) == 2
    assert str(inserted(record, [term], 2)) == "v=spf1 mx exp=why.example -all ptr"


def test_long_records_are_cut_after_a_space() -> None:
    parts = strings("v=spf1 " + " ".join(f"ip4:198.51.100.{n}" for n in range(40)))
    assert all(len(part) <= 255 for part in parts)
    assert all(part.endswith(b" ") for part in parts[:-1])
    assert [len(part) for part in strings("x" * 600)] == [255, 255, 90]


# --- DKIM, DMARC, ADSP, hosts --------------------------------------------------------------------------

REJECT = txt(_dmarc="v=DMARC1; p=reject")
# 512 bits
WEAK = (
    "v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAq1SpjOsfCtMCAwEAAQ=="
)


def signed(selector: str, domain: str = "shop.example") -> Scenario:
    return Scenario(f"a@{'shop.example'}", (IP,), signers=((domain, selector),))


@pytest.mark.parametrize(
    ("record", "id"),
    [
        (None, "dkim-publish-key"),
        ("v=DKIM1; p=", "dkim-unrevoke-key"),
        ("v=spf1 -all", "dkim-publish-key"),  # what a wildcard answers
        (WEAK, "dkim-replace-key"),
    ],
)
def test_a_key_that_cannot_be_used_is_replaced_by_the_one_given(record: str | None, id: str) -> None:
    keys = {("s1._domainkey.shop.example", "TXT"): [record.encode()]} if record else {}
    found = only(proposed(REJECT | txt(apex="v=spf1 -all") | keys, signed("s1"), key=GOOD), id)
    (change,) = found.changes
    assert change.new == (GOOD.record,)
    if id == "dkim-replace-key":  # mail on its way is still checked with the old one
        assert change.name == "s1-256._domainkey.shop.example"
        assert found.settings[0].value == "shop.example:s1-256"
    else:
        assert change.name == "s1._domainkey.shop.example"
    assert "dmarc-tree-walk" in {case.receiver for case in found.cures}


def test_a_key_that_only_its_record_spoils_is_mended_without_a_new_one() -> None:
    tags = GOOD.record.removeprefix("v=DKIM1; ")
    keys = {("s1._domainkey.shop.example", "TXT"): [f"{tags}; v=DKIM1".encode()]}
    found = only(proposed(REJECT | txt(apex="v=spf1 -all") | keys, signed("s1")), "dkim-mend-key")
    assert found.changes[0].new == (GOOD.record,)


@pytest.mark.parametrize("type", ["dsa", "rsa-sha256"])
def test_a_key_of_an_unknown_type_is_named_by_what_it_is(type: str) -> None:
    pair = new_pair("rsa").public
    keys = {("s1._domainkey.shop.example", "TXT"): [pair.record.replace("k=rsa", f"k={type}").encode()]}
    found = only(proposed(REJECT | txt(apex="v=spf1 -all") | keys, signed("s1")), "dkim-mend-key")
    assert found.changes[0].new == (pair.record,)


PAIR = new_pair("rsa").public.record


@pytest.mark.parametrize(
    "records",
    [
        [PAIR[:200], PAIR[200:]],  # one string each became one record each
        [PAIR[200:], PAIR[:200]],
        [f'"{PAIR}"'],
        [PAIR.replace(";", "\\;")],
        [PAIR.replace("p=", "p=-----BEGIN PUBLIC KEY-----") + "-----END PUBLIC KEY-----"],
    ],
)
def test_what_a_panel_did_to_a_key_is_undone(records: list[str]) -> None:
    keys: Zone = {("s1._domainkey.shop.example", "TXT"): [record.encode() for record in records]}
    found = only(proposed(REJECT | txt(apex="v=spf1 -all") | keys, signed("s1")), "dkim-mend-key")
    assert found.changes[0].new == (PAIR,)
    assert (found.changes[0].old, found.changes[0].kept) == (tuple(records), ())


@pytest.mark.parametrize("ip", ["10.0.0.1", "127.0.0.1", "fe80::1"])
def test_an_address_that_no_receiver_meets_is_not_authorised(ip: str) -> None:
    found = proposed(txt(apex="v=spf1 mx -all"), Scenario("a@shop.example", (ip,), signers=()))
    assert not any(p.id.startswith("spf-") for p in found)


def test_unsigned_mail_gets_a_key_at_a_free_selector() -> None:
    zone = REJECT | txt(apex="v=spf1 -all", mail___domainkey="v=DKIM1; p=")
    found = only(proposed(zone, key=GOOD), "dkim-sign")
    assert found.settings[0].value == "shop.example:mail2"


def test_without_a_key_it_says_how_to_name_one() -> None:
    zone = REJECT | {("gone.example", "TXT"): [b"x"]}
    proposals = proposed(zone, Scenario("a@shop.example", (IP,), "<>", "[203.0.113.9]", signers=()))
    assert "no-record-key-needed" in {p.id for p in proposals}


SERVICE: Zone = {
    ("esp.example", "TXT"): [b"v=spf1 ip4:203.0.113.0/24 -all"],
    ("esp.example", "MX"): [(10, "in.esp.example")],
    ("in.esp.example", "A"): ["192.0.2.77"],
    ("k1._domainkey.esp.example", "TXT"): [GOOD.record.encode()],
}
NEWS = Scenario("news@shop.example", (IP,), "b@esp.example", None, (("esp.example", "k1"),))


def test_a_service_gets_a_return_path_below_the_authors_domain() -> None:
    found = only(proposed(REJECT | SERVICE, NEWS), "dmarc-return-path")
    mx, record = found.changes
    assert (mx.name, mx.rdtype, mx.new) == ("bounce.shop.example", "MX", ("10 in.esp.example",))
    assert record.new == ("v=spf1 include:esp.example -all",)
    assert found.settings[0].value == "b@bounce.shop.example"


def test_a_service_gets_an_alias_to_its_key() -> None:
    found = only(proposed(REJECT | SERVICE, NEWS), "dkim-alias-key")
    (change,) = found.changes
    assert (change.name, change.rdtype) == ("k1._domainkey.shop.example", "CNAME")
    assert change.new == ("k1._domainkey.esp.example",)


def test_where_spf_passes_for_the_author_only_the_return_path_changes() -> None:
    zone = REJECT | SERVICE | txt(apex=f"v=spf1 ip4:{IP} -all")
    found = only(proposed(zone, NEWS), "dmarc-own-return-path")
    assert not found.changes
    assert found.settings[0].value == "b@shop.example"


def test_strict_alignment_is_relaxed_and_the_proof_says_so() -> None:
    zone = SERVICE | {
        ("_dmarc.shop.example", "TXT"): [b"v=DMARC1; p=reject; aspf=s"],
        ("m.shop.example", "TXT"): [f"v=spf1 ip4:{IP} -all".encode()],
        ("m.shop.example", "MX"): [(10, "mx.shop.example")],
    }
    scenario = Scenario("a@shop.example", (IP,), "b@m.shop.example", None, ())
    found = only(proposed(zone, scenario), "dmarc-relax-alignment")
    assert found.changes[0].new == ("v=DMARC1; p=reject",)
    assert found.relaxes
    assert found.proof is not None
    assert {reason.id for reason in found.proof.laxer} == {"laxer-dmarc-alignment"}


def test_a_first_dmarc_record_asks_for_nothing_but_reports() -> None:
    found = only(proposed(txt(apex=f"v=spf1 ip4:{IP} -all"), signed("s1"), key=GOOD), "dmarc-first-record")
    assert found.changes[0].new == ("v=DMARC1; p=none; rua=mailto:postmaster@shop.example",)


@pytest.mark.parametrize("place", ["shop.example", "dmarc.shop.example", "_dmarc.shop.example.shop.example"])
@pytest.mark.parametrize(
    ("record", "passes", "new"),
    [
        ("v=DMARC1; p=reject; adkim=s; rua=mailto:x@a.example", True, None),
        ("v=DMARC1; p=rejct; rua=mailto:x@a.example", True, "v=DMARC1; p=reject; rua=mailto:x@a.example"),
        ("v=DMARC1; p=reject; rua=mailto:x@a.example", False, "v=DMARC1; p=none; rua=mailto:x@a.example"),
    ],
)
def test_a_dmarc_record_at_a_wrong_name_is_shown_and_moved_as_it_is(
    place: str, record: str, passes: bool, new: str | None
) -> None:
    spf_record = f"v=spf1 ip4:{IP} -all" if passes else "v=spf1 ?all"
    zone: Zone = {("shop.example", "TXT"): [spf_record.encode()]}
    zone[place, "TXT"] = [*zone.get((place, "TXT"), []), record.encode()]
    resolver = ZoneResolver.from_records(SHOP | zone)
    report = sync.check(Scenario("a@shop.example", (IP,), signers=()), resolver)
    assert [f.subject for f in report.findings if f.id == "dmarc-record-misplaced"] == [place]
    found = sync.propose(report, resolver)
    assert "dmarc-first-record" not in {p.id for p in found}
    moved = only(found, "dmarc-move-record")
    assert [(c.name, c.new) for c in moved.changes] == [("_dmarc.shop.example", (new or record,))]
    cautions = {caution.id for caution in moved.cautions}
    assert cautions == {"caution-read-reports-first" if passes else "caution-staged-policy"}
    assert moved.proof is not None
    assert moved.proof.holds


def test_of_a_misplaced_dmarc_record_that_says_nothing_the_first_record_takes_the_place() -> None:
    zone = txt(dmarc="v=DMARC1; p=whatever", apex=f"v=spf1 ip4:{IP} -all")
    ids = {p.id for p in proposed(zone)}
    assert "dmarc-first-record" in ids
    assert "dmarc-move-record" not in ids


@pytest.mark.parametrize("state", [Status.TIMEOUT, "v=DMARC1; p=none"])
def test_no_record_is_searched_for_where_one_applies_or_dns_is_silent(state: Status | str) -> None:
    there: Any = [state.encode()] if isinstance(state, str) else state
    zone = SHOP | txt(dmarc="v=DMARC1; p=reject") | {("_dmarc.shop.example", "TXT"): there}
    report = sync.check(Scenario("a@shop.example", (IP,), signers=()), ZoneResolver.from_records(zone))
    assert "dmarc-record-misplaced" not in {finding.id for finding in report.findings}


def test_a_zone_file_does_without_the_public_suffix() -> None:
    zone = SHOP | txt(dmarc="v=DMARC1; p=none") | {("_dmarc.example", "TXT"): Status.TIMEOUT}
    report = sync.check(Scenario("a@shop.example", (IP,), signers=()), ZoneResolver.from_records(zone))
    assert "dmarc-record-misplaced" in {finding.id for finding in report.findings}


@pytest.mark.parametrize("passes", [True, False])
def test_a_planned_key_with_the_domain_twice_is_shown_and_moved(passes: bool) -> None:
    spf_record = f"v=spf1 ip4:{IP} -all" if passes else "v=spf1 ?all"
    place = "s1._domainkey.shop.example.shop.example"
    zone = txt(apex=spf_record, _dmarc="v=DMARC1; p=reject") | {(place, "TXT"): [GOOD.record.encode()]}
    resolver = ZoneResolver.from_records(SHOP | zone)
    report = sync.check(signed("s1"), resolver)
    assert [f.subject for f in report.findings if f.id == "dkim-key-misplaced"] == [place]
    moved = only(sync.propose(report, resolver), "dkim-move-key")
    assert moved.proof is not None
    assert moved.proof.holds
    assert moved.changes[0].name == "s1._domainkey.shop.example"
    assert moved.changes[0].new == (GOOD.record,)


def test_the_zone_may_be_the_organizational_domain() -> None:
    zone: Zone = {
        ("_dmarc.a.shop.example.shop.example", "TXT"): [b"v=DMARC1; p=none"],
        ("s1._domainkey.a.shop.example.shop.example", "TXT"): [GOOD.record.encode()],
    }
    scenario = Scenario("a@a.shop.example", (IP,), signers=(("a.shop.example", "s1"),))
    found = {f.id: f for f in sync.check(scenario, ZoneResolver.from_records(SHOP | zone)).findings}
    assert found["dmarc-record-misplaced"].evidence["right"] == "_dmarc.a.shop.example"
    assert found["dkim-key-misplaced"].evidence["right"] == "s1._domainkey.a.shop.example"


@pytest.mark.parametrize(
    ("above", "passes", "asked"),
    [
        ("v=DMARC1; p=none; psd=y", False, "none"),
        ("v=DMARC1; p=reject; psd=y", True, "reject"),
        ("v=DMARC1; p=reject; psd=y", False, None),  # receivers under RFC 7489 would now refuse it, too
        ("v=DMARC1; p=none", False, "none"),
    ],
)
def test_what_only_the_public_suffix_asks_for_the_domain_says_itself(
    above: str, passes: bool, asked: str | None
) -> None:
    zone = txt(apex=f"v=spf1 ip4:{IP} -all" if passes else "v=spf1 ?all")
    found = proposed(zone | {("_dmarc.example", "TXT"): [above.encode()]})
    own = {p.id: p.changes[0].new[0] for p in found if p.id in ("dmarc-own-record", "dmarc-first-record")}
    rua = "rua=mailto:postmaster@shop.example"
    assert own == ({} if asked is None else {"dmarc-own-record": f"v=DMARC1; p={asked}; {rua}"})


RUA = "rua=mailto:r@shop.example"


@pytest.mark.parametrize(
    ("record", "new"),
    [
        ("v=DMARC1; p=none; rua=mailto:r@shop.example", "v=DMARC1; p=quarantine; rua=mailto:r@shop.example"),
        (f"v=DMARC1; p=quarantine; pct=50; {RUA}", f"v=DMARC1; p=quarantine; {RUA}"),  # first for all mail
        (f"v=DMARC1; p=quarantine; t=y; {RUA}", f"v=DMARC1; p=quarantine; {RUA}"),
        (f"v=DMARC1; p=quarantine; {RUA}", f"v=DMARC1; p=reject; {RUA}"),
        ("v=DMARC1; p=none", None),  # nobody would see what fails
        ("v=DMARC1; p=none; rua=mailto:r@elsewhere.example", None),  # nor here: it does not agree
        (f"v=DMARC1; p=reject; {RUA}", None),
    ],
)
def test_the_next_stage_is_one_step(record: str, new: str | None) -> None:
    zone = txt(apex=f"v=spf1 ip4:{IP} -all", _dmarc=record, s1___domainkey=GOOD.record)
    found = [p for p in proposed(zone, signed("s1")) if p.id == "dmarc-next-step"]
    assert [p.changes[0].new for p in found] == ([] if new is None else [(new,)])


def test_reports_come_before_a_stricter_policy() -> None:
    zone = txt(apex=f"v=spf1 ip4:{IP} -all", _dmarc="v=DMARC1; p=none", s1___domainkey=GOOD.record)
    found = only(proposed(zone, signed("s1")), "dmarc-ask-reports")
    assert found.changes[0].new == ("v=DMARC1; p=none; rua=mailto:postmaster@shop.example",)


@pytest.mark.parametrize(
    ("record", "passes", "new"),
    [
        ("DMARC1; p=reject", True, "v=DMARC1; p=reject"),
        ("v=DMARC1; p=rejct", True, "v=DMARC1; p=reject"),
        ("v=DMARC1; p=rejct", False, "v=DMARC1; p=none"),  # as meant it would refuse this very mail
    ],
)
def test_a_dmarc_record_that_is_none_is_mended_not_doubled(record: str, passes: bool, new: str) -> None:
    zone = txt(apex=f"v=spf1 ip4:{IP} -all" if passes else "v=spf1 ?all", _dmarc=record)
    found = proposed(zone, signed("s1"), key=GOOD)
    assert "dmarc-first-record" not in {p.id for p in found}
    (change,) = only(found, "dmarc-mend-record").changes
    assert (change.old, change.new) == ((record,), (new,))


@pytest.mark.parametrize(
    ("record", "new"),
    [
        ("v=DMARC1; p=reject; pct=0", "v=DMARC1; p=quarantine"),  # RFC 9989 ignores pct
        ("v=DMARC1; p=reject; t=y", "v=DMARC1; p=quarantine"),  # RFC 7489 does not know t
        ("v=DMARC1; p=reject", None),
    ],
)
def test_where_the_standards_differ_one_record_says_the_same_to_both(record: str, new: str | None) -> None:
    zone = txt(apex=f"v=spf1 ip4:{IP} -all", _dmarc=record)
    found = [p for p in proposed(zone) if p.id == "dmarc-both-standards"]
    assert [p.changes[0].new for p in found] == ([] if new is None else [(new,)])


def test_reports_elsewhere_need_the_agreement_of_who_gets_them() -> None:
    zone = txt(apex=f"v=spf1 ip4:{IP} -all", _dmarc="v=DMARC1; p=none; rua=mailto:r@reports.example")
    zone |= {("reports.example", "MX"): [(10, "mx.shop.example")]}
    found = only(proposed(zone), "dmarc-allow-reports")
    assert found.who == "receiver"
    assert found.changes[0].name == "shop.example._report._dmarc.reports.example"


def test_adsp_goes_and_the_proof_says_that_less_is_asked() -> None:
    zone = txt(apex=f"v=spf1 ip4:{IP} -all", _adsp___domainkey="dkim=discardable")
    found = only(proposed(zone), "adsp-remove")
    assert not found.changes[0].new
    assert {"caution-adsp-on-purpose", "caution-publish-dmarc-instead"} <= {c.id for c in found.cautions}
    assert found.proof is not None
    assert {reason.id for reason in found.proof.laxer} == {"laxer-adsp"}


def test_a_host_gets_a_reverse_name_that_leads_back() -> None:
    zone = txt(apex=f"v=spf1 ip4:{IP} -all") | {("out.shop.example", "A"): [IP]}
    found = only(
        proposed(zone, Scenario("a@shop.example", ("out.shop.example",), signers=())), "host-set-reverse"
    )
    assert [(c.name, c.rdtype, c.new) for c in found.changes] == [
        ("9.113.0.203.in-addr.arpa", "PTR", ("out.shop.example",))
    ]


def test_a_null_mx_is_replaced() -> None:
    zone = txt(news=f"v=spf1 ip4:{IP} -all") | {("news.shop.example", "MX"): [(0, "")]}
    found = only(proposed(zone, Scenario("a@news.shop.example", (IP,), signers=())), "host-set-mx")
    assert found.changes[0].new == ("10 mx.shop.example",)
    assert found.changes[0].old == ("0 .",)
    assert found.cautions[0].facts["exchanges"] == ["mx.shop.example"]


@pytest.mark.parametrize(
    ("scenario", "id"),
    [
        (Scenario("me@gmail.com", (IP,), signers=()), "no-record-foreign-author"),
        (Scenario("a@shop.example", (IP,), login="b@other.example", signers=()), "no-record-own-account"),
    ],
)
def test_where_no_record_can_help_it_says_so(scenario: Scenario, id: str) -> None:
    zone = (
        REJECT
        | txt(apex="v=spf1 -all")
        | {
            ("gmail.com", "TXT"): [b"v=spf1 -all"],
            ("_dmarc.gmail.com", "TXT"): [b"v=DMARC1; p=reject"],
            ("gmail.com", "MX"): [(10, "mx.shop.example")],
        }
    )
    proposals = proposed(zone, scenario)
    assert id in {proposal.id for proposal in proposals}
    assert not any(change.name.endswith("gmail.com") for p in proposals for change in p.changes)


def test_a_receiver_with_two_reasons_is_cured_by_two_changes_together() -> None:
    zone = REJECT | txt(apex="v=spf1 mx -all") | {("out.shop.example", "AAAA"): ["2001:db8::25"]}
    scenario = Scenario("a@shop.example", ("out.shop.example",), signers=())
    found = proposed(zone, scenario)
    part, whole = only(found, "host-set-reverse"), only(found, "all-together")
    assert (part.kind, part.cures) == ("part", ())  # SPF still fails
    assert whole.facts["proposals"] == ["spf-add-address", "host-set-reverse"]
    assert "gmail" in {c.receiver for c in whole.cures} - {c.receiver for c in found[0].cures}
    text = proposals_text(found, wording("en"))
    assert "The changes 1, 3 together" in text
    assert "no-record-host-name" not in {p.id for p in found}


def test_what_is_open_is_told_by_the_reason_that_is_left() -> None:
    zone = REJECT | txt(apex=f"v=spf1 ip4:{IP} -all") | {("out.shop.example", "A"): [IP]}
    found = proposed(zone, Scenario("a@shop.example", ("out.shop.example",), signers=()))
    bulk = [p.id for p in found if p.kind == "advice" and any(c.receiver == "gmail-bulk" for c in p.leaves)]
    assert bulk == ["no-record-key-needed"]  # the reverse name, its first reason, is cured


def test_a_deferral_that_another_reason_turns_into_a_refusal_was_no_acceptance() -> None:
    zone = REJECT | txt(apex="v=spf1 mx -all") | {("5.2.0.c.example", "A"): [IP]}
    found = proposed(zone, Scenario("a@shop.example", ("2001:db8::25",), signers=()))
    assert only(found, "spf-add-address").kind == "cure"


def test_a_name_that_must_first_exist_leaves_the_policy_for_missing_names() -> None:
    zone: Zone = {("_dmarc.shop.example", "TXT"): [b"v=DMARC1; p=none; np=reject"]}
    found = only(proposed(zone, Scenario("a@new.shop.example", (IP,), signers=())), "host-set-mx")
    assert found.proof is not None
    assert "laxer-dmarc-policy" in {reason.id for reason in found.proof.laxer}


# --- the whole -------------------------------------------------------------------------------------------


def test_no_more_is_asked_than_the_proposals_bring_in() -> None:
    class Counting:
        def __init__(self) -> None:
            self.asked: set[Question] = set()
            self.zone = ZoneResolver.from_records(SHOP | REJECT | txt(apex="v=spf1 mx -all"))

        async def resolve(self, question: Question) -> Answer:
            self.asked.add(question)
            return await self.zone.resolve(question)

    resolver = Counting()
    scenario = Scenario("a@shop.example", (IP,), signers=())
    report = sync.check(scenario, resolver)
    plain = set(resolver.asked)
    drive(propose(report, resolver))
    extra = {question.name for question in resolver.asked - plain}
    assert extra <= {"_dmarc.shop.example", "_spf.shop.example"}, extra


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_every_refused_send_gets_a_cure_or_a_plain_word(folder: Path) -> None:
    report, _ = judge(folder)
    proposals = sync.propose(report, ZoneResolver.from_files(folder / "case.zone"))
    told = {
        (case.receiver, case.address, case.signing)
        for p in proposals
        for case in (p.leaves if p.kind == "advice" else p.cures)
    }
    assert {(c.receiver, c.address, c.signing) for c in cases(report)} <= told
    for language in ("en", "nl", "de"):
        text = proposals_text(proposals, wording(language))
        assert "{" not in text.replace("%{", "")
        assert all(line.isprintable() for line in text.splitlines())
    golden = Path(__file__).parents[1] / "fixtures" / "proposals" / f"{folder.name}.txt"
    text = proposals_text(proposals, wording("en"))
    if REWRITE:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, "utf-8")
    assert golden.read_text("utf-8") == text


def test_the_document_keeps_to_its_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for options in ({}, {"key": GOOD}):
        whole = proposals_document(proposed(REJECT | SERVICE, NEWS, **options))
        jsonschema.Draft202012Validator(schema("proposals")).validate(json.loads(json.dumps(whole)))


def test_forms_to_paste() -> None:
    found = [only(proposed(txt(apex="v=spf1 mx -all")), "spf-add-address")]
    words = wording("en")
    assert handover(found, "zone", words).splitlines()[1:] == [
        '; - shop.example. 300 IN TXT "v=spf1 mx -all"',
        f'shop.example. 300 IN TXT "v=spf1 mx ip4:{IP} -all"',
    ]
    assert handover(found, "nsupdate", words).splitlines()[1:] == [
        "update delete shop.example. TXT",  # whatever the strings are that it was sent in
        f'update add shop.example. 300 TXT "v=spf1 mx ip4:{IP} -all"',
        "send",
    ]
    rows = [row.split(":", 1) for row in handover(found, "panel", words).splitlines()[1:]]
    assert [(label, value.strip()) for label, value in rows] == [
        ("Name", "shop.example"),
        ("Type", "TXT"),
        ("Remove", "v=spf1 mx -all"),
        ("Value", f"v=spf1 mx ip4:{IP} -all"),
    ]
    with pytest.raises(ValueError, match="none of"):
        handover(found, "fax", words)


def test_what_dns_holds_never_becomes_a_line_of_a_script() -> None:
    from senderauth.advice.proposals.proposal import Change
    from senderauth.dns import owner, rdata

    assert rdata("TXT", 'a"\nsend\\') == '"a\\"\\010send\\\\"'
    assert rdata("MX", "10 a\nsend") == "10 a\\010send."
    assert rdata("MX", "0 .") == "0 ."
    assert rdata("MX", "10\nsend b.example") == "10\\010send b.example."
    assert rdata("CNAME", r"a\;b\032c.example") == r"a\;b\032c.example."
    assert (
        owner("b.example 300 a 192.0.2.1 ;.example") == r"b.example\032300\032a\032192.0.2.1\032\059.example."
    )
    assert owner(r"a\;b\032c.example") == r"a\;b\032c.example."
    assert owner("a\\\nsend") == r"a\092\010send."
    assert rdata("AAAA", "2001:db8::1") == "2001:db8::1"
    assert Change("a.example", "MX", (), ("10 b.example",)).records == ((10, "b.example"),)


@pytest.mark.parametrize(
    ("old", "new", "marked"),
    [
        ("v=spf1 mx -all", "v=spf1 mx ip4:192.0.2.1 -all", "ip4:192.0.2.1"),
        ("v=spf1 -all", "v=spf1 ~all", "~all"),
        ("v=spf1 a -all", "v=spf1 b -all", "b"),
        ("v=spf1 a", "v=spf1 a b", "b"),
        ("v=spf1 a a -all", "v=spf1 a -all", ""),
    ],
)
def test_the_mark_is_under_what_changed(old: str, new: str, marked: str) -> None:
    start, _, end = difference(old, new)
    assert new[start:end].strip() == marked


def test_providers_are_facts_with_sources() -> None:
    known = providers()
    assert len(known) >= 25
    assert len([p for p in known.values() if p.include]) >= 25
    for provider in known.values():
        assert provider.source == "zones" or provider.source.startswith("https://")
        assert provider.suffixes
    assert [p.id for p in providers_of(["o1.sendgrid.net", "x.example"])] == ["sendgrid"]
    (service,) = providers_of(["in.ccsend.com"])
    assert (service.id, service.takes_return_paths) == ("constant-contact", False)  # bounces go to it, always
    assert [p.id for p in providers_of(["ziggo.nl", "xs4all.nl"])] == ["ziggo", "kpn"]
    assert is_mailbox_provider("gmail.com")
    assert not is_mailbox_provider("shop.example")
    text = (Path(__file__).parents[1] / "senderauth/advice/proposals/providers.toml").read_text("utf-8")
    assert len(tomllib.loads(text)) == len(known)


@pytest.mark.parametrize(
    ("host", "include"),
    [
        ("fr-int-smtpout9.hostinger.io", "_spf.mail.hostinger.com"),
        ("us-smtp-delivery-1.mimecast.com", "_netblocks.mimecast.com"),
        ("outbound-ip191a.ess.barracuda.com", "spf.ess.barracudanetworks.com"),
        ("dispatch1-us1.ppe-hosted.com", "_spf-us.ppe-hosted.com"),
        ("mail1.bemta1.messagelabs.com", "spf.messagelabs.com"),
        ("out28-146.mail.aliyun.com", "spf.mxhichina.com"),
        ("dd36226.kasserver.com", "spf.kasserver.com"),
        ("smtpcmd0757.aruba.it", "_spf.aruba.it"),
        ("delivery.antispam.mailspamprotection.com", "_spf.mailspamprotection.com"),
        ("gateway33.websitewelcome.com", "websitewelcome.com"),
    ],
)
def test_servers_of_large_services_are_known(host: str, include: str) -> None:
    assert [p.include for p in providers_of([host])] == [include]


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_key_file_gives_the_record_of_its_public_part(kind: str) -> None:
    pair = new_pair(kind)
    assert public_key(pair.private_pem) == pair.public
    assert public_key(pair.public.record.encode()) == pair.public
    assert "PRIVATE" not in repr(pair)


@pytest.mark.parametrize(
    "text", [b"", b"v=DKIM1; p=", b"-----BEGIN PRIVATE KEY-----\nx", b"hello", b"x" * 70_000]
)
def test_what_is_no_key_is_said_so(text: bytes) -> None:
    with pytest.raises(ValueError, match="key"):
        public_key(text)


@pytest.mark.parametrize(
    ("helo", "spf", "kind", "ids"),
    [
        ("mail.shop.example", "v=spf1 -all", "cure", {"host-use-helo", "spf-add-address"}),
        ("mail.shop.example", None, None, set()),
        ("localhost", None, "improvement", {"host-use-helo"}),
        ("gone.shop.example", None, "improvement", {"host-use-helo"}),
    ],
)
def test_a_helo_name_that_does_not_lead_to_the_host_is_exchanged(
    helo: str, spf: str | None, kind: str | None, ids: set[str]
) -> None:
    zone = txt(apex=f"v=spf1 ip4:{IP} -all") | {
        ("mail.shop.example", "A"): [IP],
        ("out.shop.example", "A"): [IP],
        ("9.113.0.203.in-addr.arpa", "PTR"): ["out.shop.example"],
    }
    if spf:
        zone |= txt(mail=spf)
    found = proposed(zone, Scenario("a@shop.example", (IP,), helo=helo, signers=()))
    told = {p.id: p.kind for p in found if p.id in ("host-use-helo", "spf-add-address")}
    assert (set(told), set(told.values())) == (ids, {kind} if kind else set())


def test_what_dns_would_not_tell_is_named() -> None:
    zone = txt(apex="v=spf1 include:dead.example -all") | {("dead.example", "TXT"): Status.SERVFAIL}
    silent = only(proposed(zone), "no-record-dns-silent")
    assert "dead.example" in silent.facts["silent"]


def test_what_dns_told_is_not_among_the_names_that_were_silent() -> None:
    zone = txt(apex="v=spf1 include:dead.example -all", s1___domainkey="v=DKIM1; k=dsa; p=AAAA")
    silent = proposed(zone | {("dead.example", "TXT"): Status.SERVFAIL}, signed("s1"))
    assert "s1._domainkey.shop.example" not in only(silent, "no-record-dns-silent").facts["silent"]


@pytest.mark.parametrize("author", ["gone.example", "news.gone.example"])
def test_nothing_is_published_at_a_domain_that_is_not_registered(author: str) -> None:
    zone: Zone = {("out.shop.example", "A"): [IP], ("9.113.0.203.in-addr.arpa", "PTR"): ["out.shop.example"]}
    told = proposed(zone, Scenario(f"a@{author}", (IP,), signers=()))
    assert [change for p in told for change in p.changes] == []
    assert "no-record-domain-missing" in {p.id for p in told}


def test_no_key_is_asked_for_where_the_domain_must_take_mail() -> None:
    told = proposed(txt(apex=f"v=spf1 ip4:{IP} -all") | {("shop.example", "MX"): [(0, "")]})
    exchange = only(told, "no-record-exchange")
    assert (exchange.who, exchange.facts["domains"]) == ("domain-owner", ["shop.example"])
    assert {case.receiver for case in exchange.leaves} == {"postfix"}
    assert "postfix" not in only(told, "no-record-key-needed").facts["receivers"]


def test_where_nothing_is_to_change_it_says_so() -> None:
    assert "No change to propose" in proposals_text((), wording("en"))


def test_an_alias_within_the_organization_is_changed_at_its_target() -> None:
    zone = REJECT | txt(apex="v=spf1 mx -all") | {("www.shop.example", "CNAME"): ["shop.example"]}
    found = only(proposed(zone, Scenario("a@www.shop.example", (IP,), signers=())), "spf-add-address")
    assert [(c.name, c.new) for c in found.changes] == [("shop.example", (f"v=spf1 mx ip4:{IP} -all",))]


def test_an_alias_of_others_is_theirs_to_change() -> None:
    zone: Zone = {
        ("bounce.shop.example", "CNAME"): ["in.esp.example"],
        ("in.esp.example", "TXT"): [b"v=spf1 -all"],
        ("in.esp.example", "MX"): [(10, "mx.shop.example")],
    }
    found = proposed(zone, Scenario("a@shop.example", (IP,), "b@bounce.shop.example", signers=()))
    assert only(found, "no-record-alias-elsewhere").facts["target"] == "in.esp.example"
    assert not any(change.name == "in.esp.example" for p in found for change in p.changes)


def test_of_a_provider_all_its_aliases_are_published() -> None:
    key = GOOD.record.encode()
    zone: Zone = {(f"{name}.mcsv.net", "TXT"): [key] for name in ("k2._domainkey", "dkim2", "dkim3")}
    found = proposed(zone | REJECT, signed("k2", "mcsv.net"))
    alias = only(found, "dkim-alias-key")
    assert {(c.name, c.new) for c in alias.changes} == {
        ("k2._domainkey.shop.example", ("dkim2.mcsv.net",)),
        ("k3._domainkey.shop.example", ("dkim3.mcsv.net",)),
    }


def test_a_key_of_the_domains_own_needs_nobody_else() -> None:
    zone: Zone = {("s1._domainkey.mail.shop.example", "TXT"): [GOOD.record.encode()]}
    strict = txt(_dmarc="v=DMARC1; p=reject; adkim=s")
    alias = only(proposed(zone | strict, signed("s1", "mail.shop.example")), "dkim-alias-own-key")
    assert (alias.settings[0].who, alias.cautions) == ("mail-admin", ())


def test_a_service_that_takes_no_return_paths_is_not_asked_for_one() -> None:
    zone: Zone = {
        ("mcsv.net", "TXT"): [f"v=spf1 ip4:{IP} -all".encode()],
        ("mcsv.net", "MX"): [(10, "mx.shop.example")],
    }
    found = proposed(zone | REJECT, Scenario("a@shop.example", (IP,), "b@mcsv.net", signers=()))
    assert not {"dmarc-return-path", "dmarc-own-return-path"} & {p.id for p in found}


def test_whoever_pastes_everything_gets_no_record_twice() -> None:
    zone: Zone = {
        ("9.113.0.203.in-addr.arpa", "PTR"): ["mail-x.google.com"],
        ("mail-x.google.com", "A"): [IP],
        ("_spf.google.com", "TXT"): [f"v=spf1 ip4:{IP} ~all".encode()],
    }
    found = proposed(zone | REJECT | txt(apex="v=spf1 mx -all"))
    assert [p.id for p in found if p.kind == "cure"] == ["spf-add-include", "spf-add-address"]
    for form, sign in (("zone", "shop.example. 300 IN TXT"), ("nsupdate", "update add shop.example.")):
        lines = handover(found, form, wording("en")).splitlines()
        assert sum(line.startswith(sign) for line in lines) == 1
        assert sum(line.startswith(f"; {sign}") for line in lines) == 1


def test_what_must_be_set_besides_stands_in_the_forms_too() -> None:
    found = proposed(REJECT | txt(apex="v=spf1 -all"), signed("s1"), key=GOOD)
    replaced = proposed(
        REJECT | {("s1._domainkey.shop.example", "TXT"): [WEAK.encode()]}, signed("s1"), key=GOOD
    )
    assert "sign with DKIM" not in handover(found[:1], "zone", wording("en"))
    for form in ("zone", "nsupdate", "panel"):
        assert "sign with DKIM as shop.example:s1-256" in handover(replaced, form, wording("en"))


@pytest.mark.parametrize(("flags", "left"), [("y", ""), ("y:s", " t=s;"), ("s", None)])
def test_a_key_is_not_left_in_test_for_ever(flags: str, left: str | None) -> None:
    kind, key = GOOD.record.split("; p=")
    zone: Zone = {("s1._domainkey.shop.example", "TXT"): [f"{kind}; t={flags}; p={key}".encode()]}
    found = [p for p in proposed(REJECT | zone, signed("s1")) if p.id == "dkim-end-test"]
    wanted = [] if left is None else [(f"{kind};{left} p={key}",)]
    assert [p.changes[0].new for p in found] == wanted
