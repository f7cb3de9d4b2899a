"""SPF against the suites of others (see tests/conformance.py)."""

import ast
from typing import Any

import pytest

from senderauth.dns import Answer, Question, Status, ZoneResolver, drive
from senderauth.spf import MAX_VOIDS, Result, check_host, parse, survey
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


def macro_cases() -> list[Any]:
    try:
        return [pytest.param(c, id=c["macro"]) for c in suite("mailauth-spf", "macro_cases.json")["cases"]]
    except pytest.skip.Exception:
        return []


@pytest.mark.parametrize("case", macro_cases())
def test_macros(case: Any) -> None:
    args = case["args"]
    domain = args.get("domain", args["sender"].rpartition("@")[2])
    zone = ZoneResolver.from_records(
        {
            (domain, "TXT"): [b"v=spf1 -all exp=why.example"],
            ("why.example", "TXT"): [case["macro"].encode()],
        }
    )
    result = drive(check_host(zone, args.get("ip", "192.0.2.1"), domain, args["sender"], "helo.example"))

    assert (result.explanation or "").lower() == case["expect"].lower()  # %{i} is in capitals, as DNS may be


def test_fuzz_seeds_neither_crash_nor_ask_without_end() -> None:
    for seed in suite("spf-fuzz-seeds")["seeds"]:
        literal = ast.literal_eval(f"b{seed['args'][0]}" if seed["args"][0][:1] in "\"'" else "b''")
        for text in (literal, literal.rstrip(b"\n")):
            parse(text)
            asked = Counting(text)
            drive(check_host(asked, "192.0.2.1", "a.example", "u@a.example", "h.example"))
            drive(survey(asked, "a.example"))
            assert asked.count < 1_200, text


class Counting:
    """Every name has this record, and an address."""

    def __init__(self, text: bytes) -> None:
        self.text, self.count = text, 0

    async def resolve(self, question: Question) -> Answer:
        self.count += 1
        records = {"TXT": (self.text,), "A": ("198.51.100.1",), "MX": ((1, "mx.example"),)}
        return Answer(Status.NOERROR, records.get(question.rdtype, ()))


def test_real_records_are_read_and_written_back() -> None:
    texts = suite("real-dns", "spf_records.json")["mailcheck_cumbria"]
    assert len(texts) == 18
    for text in texts:
        record = parse(text)
        assert record.problems == ()
        assert str(record) == " ".join(text.split())


def test_real_trees_are_surveyed() -> None:
    names = suite("real-dns", "dnscontrol-testdata-dns1.json")
    zone = ZoneResolver.from_records({(n, "TXT"): [t.encode() for t in v["txt"]] for n, v in names.items()})
    surveys = {name: drive(survey(zone, name)) for name in names}

    google = surveys["_spf.google.com"]
    assert (google.state, google.lookups, google.void_lookups, google.terminal) == ("found", 3, 0, "~all")
    assert google.addresses4 == 239_616
    assert {f.id for s in surveys.values() for f in s.findings} == {"spf-neutral-all"}
