"""DMARC against the suites of others (see tests/conformance.py)."""

from email import message_from_bytes, policy
from email.utils import parseaddr
from typing import Any

import pytest

from senderauth import dmarc, spf
from senderauth.dmarc import DKIMIdentity, SPFIdentity
from senderauth.dns import Answer, Question, Resolver, drive
from tests.conformance import folder, resolver, suite

DEFAULTS = (
    "RFC 9989 4.8: faults after the version tag become defaults or are ignored; these engines refuse them"
)
# Cases that we do not follow, each with the reason.
CONTESTED: dict[str, str] = {
    "mailauth-dmarc:rfc9989-compliance-test/5": "RFC 9989 4.10: several are discarded, the walk goes on",
    "mailauth-dmarc:dmarc-verify-test/55": "several author domains are several questions",
    "mailauth-dmarc:dmarc-verify-test/58": "a comment in that engine's header",
    "mailauth-dmarc:dmarc-verify-test/61": "a comment in that engine's header",
    "mailauth-dmarc:dmarc-verify-test/59": "octets outside of a DKIM signature are not DMARC's",
    "mailauth-dmarc:dmarc-verify-test/64": "octets outside of a DKIM signature are not DMARC's",
    "mailauth-dmarc:get-dmarc-record-test/76": "an invalid pct is as if absent: 100 (RFC 7489 6.3), not 0",
    "mox-dmarc:verify/21": "alignment is told even where no policy asks for it",
    "mox-dmarc:verify/29": DEFAULTS,
    "mox-dmarc:lookup/5": DEFAULTS,
    "mox-dmarc:external-report/14": DEFAULTS,
    "opendmarc:parse/5": "p=n is no policy (RFC 7489 6.3); that engine takes first letters",
    **{f"opendmarc:parse/{number}": DEFAULTS for number in (10, 11, 12, 13, 14, 19)},
    "mox-record:v=DMARC1; sp=reject; p=reject": "p need not be second in RFC 9989, nor in practice",
    "mox-record:v=DMARC1; p=none; p=none": DEFAULTS,
    "mox-record:v=DMARC1; p=none; p=reject": DEFAULTS,
    f"mox-record:v=DMARC1; rua=mailto:dmarc-feedback@example.com!{'9' * 31}": "the size is ignored",
    "rspamd-func:115_dmarc/20": "two records at the name: DMARC ends (RFC 7489 6.6.3 step 5)",
}


def cases(name: str, *kinds: str, file: str = "cases.json") -> list[Any]:
    try:
        data = suite(name, file)
    except pytest.skip.Exception:
        return []
    return [pytest.param(c, id=f"{name}:{c['id']}") for c in data["cases"] if c.get("kind") in kinds]


@pytest.fixture(autouse=True)
def contested(request: pytest.FixtureRequest) -> None:
    if reason := CONTESTED.get(getattr(request.node, "callspec", request.node).id):
        pytest.skip(f"contested: {reason}")


def test_the_contested_cases_exist() -> None:
    known = {
        p.id for kind in ("dmarc-verify", "dmarc-record-discovery") for p in cases("mailauth-dmarc", kind)
    }
    known |= {
        p.id for p in cases("mox-dmarc", "dmarc-verify", "dmarc-record-discovery", "dmarc-external-report")
    }
    known |= {p.id for p in cases("opendmarc", "dmarc-record-syntax")} | {p.id for p in record_cases()}
    known |= {p.id for p in rspamd_cases()}
    if known:
        assert set(CONTESTED) <= known


def standard(case: Any) -> Any:
    return "rfc9989" if case["spec"] == "RFC 9989" else "rfc7489"


class Recording:
    """Notes the questions on their way."""

    def __init__(self, over: Resolver) -> None:
        self.over, self.asked = over, list[str]()

    async def resolve(self, question: Question) -> Answer:
        self.asked.append(question.name)
        return await self.over.resolve(question)


def identities(case: Any) -> tuple[SPFIdentity | None, list[DKIMIdentity]]:
    if "dkim" in case or "spf" in case:
        found = case.get("spf") or {}
        by_spf = SPFIdentity(found.get("result", "none"), found["domain"]) if found.get("domain") else None
        return by_spf, [DKIMIdentity(d["result"], d["domain"]) for d in case.get("dkim", [])]
    passing = case.get("spf_pass_domains") or []
    by_spf = SPFIdentity("pass", passing[0]) if passing else None
    return by_spf, [DKIMIdentity("pass", d) for d in case.get("dkim_pass_domains") or []]


@pytest.mark.parametrize(
    "case", [*cases("mailauth-dmarc", "dmarc-verify"), *cases("mox-dmarc", "dmarc-verify")]
)
def test_verify(case: Any) -> None:
    written = case.get("header_from_domain") or case["header_from"]
    author = (written if isinstance(written, str) else "".join(written)).rpartition("@")[2].rstrip(">")
    by_spf, signed = identities(case)
    zone = Recording(resolver(case["dns"], case.get("dns_default")))
    verdict = drive(dmarc.evaluate(zone, author, spf=by_spf, dkim=signed, standard=standard(case)))

    unchecked = unmet(case["expect"], verdict)
    if case.get("query_assert"):
        assert case["query_assert"][0][0] == zone.asked
    elif set(unchecked) == set(case["expect"]):
        pytest.skip(f"asserts only what that engine has: {', '.join(unchecked)}")


def unmet(expect: Any, verdict: dmarc.Verdict) -> list[str]:
    """Asserts what can be asserted; the keys that have no meaning here."""
    found, record = verdict.policy, verdict.policy.record
    told: dict[str, Any] = {
        "result": verdict.result,
        "policy": found.policy,
        "policy_domain": found.location and found.location.removeprefix("_dmarc."),
        "reject": verdict.result == "fail" and verdict.disposition != "none",
        "spf_aligned_pass": verdict.spf_aligned,
        "dkim_aligned_pass": verdict.dkim_aligned,
        "record_text": record and record.text,
        "status.header.from": found.domain,
        "status.header.d": found.location and found.location.removeprefix("_dmarc."),
        **{f"record.{tag}": record and getattr(record, tag) for tag in ("p", "sp", "pct")},
    }
    left = []
    for key, wanted in expect.items():
        if isinstance(wanted, dict) and "contains" in wanted and key in told:
            assert wanted["contains"] in told[key]
        elif key == "<result>" and wanted == {"has_property": "pct", "negated": True}:
            assert not found.sampled
        elif key not in told or isinstance(wanted, dict) or (key == "policy" and found.policy is None):
            left.append(key)  # of what does not apply these engines name a policy all the same
        elif key != "policy_domain" or found.location:
            assert told[key] == wanted, (key, verdict)
    return left


@pytest.mark.parametrize(
    "case",
    [*cases("mailauth-dmarc", "dmarc-record-discovery"), *cases("mox-dmarc", "dmarc-record-discovery")],
)
def test_discovery(case: Any) -> None:
    expect = case["expect"]
    found = drive(
        dmarc.discover(resolver(case["dns"], case.get("dns_default")), case["domain"], standard(case))
    )
    record = found.record

    for tag in ("p", "sp", "adkim", "aspf", "pct"):
        for key in (tag, f"record.{tag}"):
            if key in expect:
                assert record is not None, found
                assert getattr(record, tag) == expect[key]
    if expect.get("record_found") is False or expect.get("<result>") is False:
        assert record is None, found
    assert found.unknown == (expect.get("lookup_status") == "temperror" or "<thrown>.code" in expect)


@pytest.mark.parametrize("case", cases("opendmarc", "dmarc-alignment"))
def test_alignment(case: Any) -> None:
    records = {f"_dmarc.{case['b']}": {"TXT": [[f"v=DMARC1; p=none; aspf={case['mode']}"]]}}
    identity = SPFIdentity("pass", case["a"].strip("."))
    verdict = drive(dmarc.evaluate(resolver(records), case["b"].strip("."), spf=identity, standard="rfc7489"))

    assert verdict.spf_aligned == case["expect"]["aligned"]


@pytest.mark.parametrize("case", cases("opendmarc", "dmarc-record-syntax"))
def test_record_syntax(case: Any) -> None:
    record = dmarc.parse(case["record"])

    assert record.usable("rfc7489") == case["expect"]["valid"], record


def record_cases() -> list[Any]:
    try:
        data = suite("mox-dmarc", "record_cases.json")
    except pytest.skip.Exception:
        return []
    return [pytest.param(case, id=f"mox-record:{case['record']}"[:90]) for case in data["cases"]]


@pytest.mark.parametrize("case", record_cases())
def test_records_of_mox(case: Any) -> None:
    record = dmarc.parse(case["record"])
    assert record.usable("rfc7489") == case["valid"], record
    expect = case.get("expect", {})
    asked = record.policy_for("rfc7489")
    if "p" in expect:
        assert asked is not None
        assert asked[0] == expect["p"]
    for tag in ("sp", "pct", "adkim", "aspf"):
        if expect.get(tag):
            assert getattr(record, tag) == expect[tag]
    for tag in ("rua", "ruf"):
        if tag in expect:
            assert [uri.uri for uri in getattr(record, tag)] == expect[tag]


@pytest.mark.parametrize("case", cases("mox-dmarc", "dmarc-external-report"))
def test_external_reports(case: Any) -> None:
    zone = dict(case["dns"])
    rua = f"v=DMARC1; p=none; rua=mailto:r@{case['report_domain']}"
    zone[f"_dmarc.{case['domain']}"] = {"TXT": [[rua]]}
    asked = resolver(zone, case.get("dns_default"))
    found = drive(dmarc.discover(asked, case["domain"]))
    against = drive(dmarc.check_report_destinations(asked, found))

    assert (not against) == case["expect"]["accepts"], against


def rspamd_cases() -> list[Any]:
    """Rows on DMARC; DKIM's part is taken from the name of the row, SPF is evaluated."""
    try:
        data = suite("rspamd-func")
    except pytest.skip.Exception:
        return []
    return [
        pytest.param(case, data, id=f"rspamd-func:{case['id']}")
        for case in data["cases"]
        if case["expect"].get("dmarc")
    ]


@pytest.mark.parametrize(("case", "data"), rspamd_cases())
def test_policy_and_alignment_of_rspamd(case: Any, data: Any) -> None:
    raw = (folder("rspamd-func") / case["message"]).read_bytes()
    message = message_from_bytes(raw, policy=policy.compat32)
    author = parseaddr(message["From"])[1].rpartition("@")[2]
    # That the signature verifies is DKIM's matter: here its d= is taken as rspamd judged it
    signed = [
        DKIMIdentity("pass" if passes_dkim(case) else "fail", d)
        for value in message.get_all("DKIM-Signature", [])
        for tag in value.split(";")
        if tag.partition("=")[0].strip() == "d" and (d := tag.partition("=")[2].strip())
    ]
    zone = resolver(data["dns"], data.get("dns_default"))
    by_spf = None
    if case["ip"] and case["mailfrom"]:
        domain = case["mailfrom"].rpartition("@")[2]
        result = drive(spf.check_host(zone, ip=case["ip"], domain=domain, sender=case["mailfrom"], helo=""))
        by_spf = SPFIdentity(result.result, domain)
    verdict = drive(dmarc.evaluate(zone, author, spf=by_spf, dkim=signed, standard="rfc7489"))

    expected, _, disposition = case["expect"]["dmarc"].partition(", disposition ")
    assert verdict.result == expected, verdict
    if disposition:
        assert verdict.disposition == disposition, verdict


def passes_dkim(case: Any) -> bool:
    return "pass" in case["message"] or case["test"].startswith("DMARC SUBDOMAIN FAIL DKIM STRICT")
