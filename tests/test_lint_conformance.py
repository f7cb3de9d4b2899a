"""Lint against checkdmarc's own suite: its calls, put to the release that we run."""

import re
from typing import Any

import pytest

from senderauth.dns import ZoneResolver, drive
from senderauth.lint import lint
from senderauth.lint.table import finding
from tests.conformance import octets, suite


def opinions(records: dict[tuple[str, str], Any], domain: str) -> set[str]:
    return {each.id for each in drive(lint(ZoneResolver.from_records(records), domain))}


# Where the release that we run (6.0.4) judges otherwise than upstream's tests of 5.17.5 did, what it must
# say instead, and why; None where the case cannot be put to check_spf and check_dmarc.
OTHERWISE: dict[str, tuple[set[str] | None, str]] = {
    "testSPFParkedDomainWarning/24": (None, "parked= is not offered"),
    "testDMARCParkedDomainPolicyWarning/63": (None, "parked= is not offered"),
    "testDMARCParkedDomainSpWarning/64": (None, "parked= is not offered"),
    "testDMARCSPFInDMARC/71": ({"lint-dmarc-record-absent"}, "a stray TXT record is discarded first"),
    "testIncludeMissingSPF/1": ({"lint-spf-include-without-record"}, "permerror: RFC 7208 5.2"),
    "testSplitSPFRecord/35": ({"lint-spf-include-without-record"}, "permerror: RFC 7208 5.2"),
    "testUndecodableCharactersInNonSPFRecord/37": ({"lint-spf-include-without-record"}, "as above"),
    "testJunkAfterAll/2": ({"lint-spf-text-after-all"}, "terms after all are not followed any more"),
    "testTextAfterExpValueWarns/45": ({"lint-spf-text-after-all"}, "as above"),
    "testMxHostMissingARecords/48": ({"lint-spf-mx-without-address"}, "a void lookup is one of a term"),
    "testDMARCFoRedundancy/53": ({"lint-dmarc-invalid-value"}, "0 and 1 exclude each other: RFC 9989 4.7"),
}


@pytest.mark.parametrize("case", suite("checkdmarc-lint")["cases"], ids=lambda case: case["id"])
def test_checkdmarcs_own_suite(case: dict[str, Any]) -> None:
    protocol: Any = "spf" if case["kind"] == "spf-record" else "dmarc"
    domain = case["domain"] or "example.com"
    name = domain if protocol == "spf" else f"_dmarc.{domain}"
    wanted, why = OTHERWISE.get(case["id"], (set(), ""))
    if wanted is None:
        pytest.skip(why)
    quoted = tuple(octets(part) for part in re.findall(r'"([^"]*)"', case["record"]))
    record = quoted or octets(case["record"])
    world = {(host, "A"): ["192.0.2.1"] for host in (domain, "other.example", "mx.example")}
    hosts = [f"mx{number}.{domain}" for number in range(3)]
    world |= {(domain, "MX"): [(10, host) for host in hosts]} | {(host, "TXT"): [] for host in hosts}
    ids = {
        id
        for id in opinions({**world, (name, "TXT"): [record]}, domain)
        if id.startswith((f"lint-{protocol}", f"lint-checkdmarc-{protocol}", "lint-failed"))
    }
    expect = case["expect"]
    texts = expect["warnings_upstream"] if expect["ok"] else [expect["message_upstream"]]
    told = {each.id for text in texts if (each := finding(protocol, name, text))}
    # "dns broken" was a stub's doing; what the record says of DNS is tested above
    told -= {"lint-spf-explanation-absent", "lint-dmarc-reports-without-mx"}
    assert (wanted or told) <= ids
    assert "lint-failed" not in ids
    if expect["ok"] and not wanted:
        assert "lint-spf-syntax" not in ids
        assert "lint-dmarc-syntax" not in ids
