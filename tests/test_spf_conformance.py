"""SPF against the suites of others (see tests/conformance.py)."""

from typing import Any

import pytest

from senderauth.dns import drive
from senderauth.spf import MAX_VOIDS, Result, check_host
from tests.conformance import resolver, suite

SUITES = ("openspf-rfc7208", "openspf-rfc4408", "pyspf-own", "mailauth-spf", "noxxi-spf")

# Cases that we do not follow, each with the reason.
NO_VOID_LIMIT = (
    "the suite's engine has no void limit for addresses of one family; RFC 7208 4.6.4 gives permerror"
)
SENDER_ID = "Sender ID (spf2.0) is not SPF: RFC 7208 2.2"
CONTESTED = {
    ("mailauth-spf", "spf-verify-test/17"): NO_VOID_LIMIT,
    ("mailauth-spf", "spf-verify-test/18"): NO_VOID_LIMIT,
    ("mailauth-spf", "spf-verify-test/19"): NO_VOID_LIMIT,
    ("mailauth-spf", "limited-resolver-test/32"): "counts questions, where RFC 7208 4.6.4 counts terms",
    (
        "pyspf-own",
        "z4/default-modifier",
    ): "default= was dropped before RFC 4408; an unknown modifier is ignored",
    ("pyspf-own", "z4/default-modifier-harsh"): "as above, and pyspf's own strictness level",
    ("noxxi-spf", "z1/sender-id"): SENDER_ID,
    ("noxxi-spf", "z1/sender-id-pick-mfrom1"): SENDER_ID,
    ("noxxi-spf", "z1/sender-id-pick-mfrom2"): SENDER_ID,
}


def cases() -> list[Any]:
    found = []
    for name in SUITES:
        try:
            data = suite(name)
        except pytest.skip.Exception:
            return []
        found += [pytest.param(name, data, case, id=f"{name}:{case['id']}") for case in data["cases"]]
    return found


def judge(data: Any, case: Any) -> Result:
    zone = data["zones"][case["zone"]]
    mail_from = case["mailfrom"]
    sender = mail_from if mail_from else f"postmaster@{case['helo']}"
    domain = case.get("domain") or sender.rpartition("@")[2]
    voids = case.get("options", {}).get("maxVoidCount", MAX_VOIDS)
    asked = resolver(zone["records"], zone.get("default"))
    return drive(check_host(asked, case["ip"], domain, sender, case["helo"], limit_voids=voids))


@pytest.mark.parametrize(("name", "data", "case"), cases())
def test_suite(name: str, data: Any, case: Any) -> None:
    if reason := CONTESTED.get((name, case["id"])):
        pytest.skip(reason)
    result = judge(data, case)

    assert result.result in case["expect"]["result"], result
    explanation = case["expect"].get("explanation")
    if explanation is not None and result.result == "fail":
        assert result.explanation == (None if explanation == "DEFAULT" else explanation), result


def test_the_suite_is_whole() -> None:
    assert len(suite("openspf-rfc7208")["cases"]) == 203
