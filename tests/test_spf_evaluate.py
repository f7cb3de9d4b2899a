"""check_host (RFC 7208 4 to 7): rules that the suites do not hold, and the trace."""

from collections.abc import Iterable
from typing import Any

import pytest

from senderauth.dns import Answer, Question, Resolver, Status, ZoneResolver, drive
from senderauth.spf import Result, check_host, mail_from_identity
from senderauth.values import Step, plain

Records = dict[tuple[str, str], Any]
IP = "192.0.2.3"


def txt(**records: str) -> Records:
    """Domains below example to their records: example="v=spf1 -all" is at example.com."""
    return {(f"{name}.example.com", "TXT"): [text.encode()] for name, text in records.items()}


class Asked:
    """Writes down what is asked and announced."""

    def __init__(self, over: Resolver) -> None:
        self.over = over
        self.questions: list[Question] = []
        self.announced: list[Question] = []

    async def resolve(self, question: Question) -> Answer:
        self.questions.append(question)
        return await self.over.resolve(question)

    def prefetch(self, questions: Iterable[Question]) -> None:
        self.announced += questions


def judge(
    records: Records, ip: str = IP, sender: str = "strong-bad@email.example.com", **more: Any
) -> Result:
    zone = ZoneResolver.from_records(records)
    domain = more.pop("domain", sender.rpartition("@")[2])
    return drive(check_host(zone, ip, domain, sender, more.pop("helo", "mx.example.com"), **more))


def steps(step: Step, id: str) -> list[Step]:
    return [found for inner in step.inner for found in ([inner] if inner.id == id else []) + steps(inner, id)]


# --- results and reasons --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "ip", "result", "reason", "mechanism"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", IP, "pass", "spf-term-matched", "ip4:192.0.2.0/24"),
        ("v=spf1 -ip4:192.0.2.3 +all", IP, "fail", "spf-term-matched", "-ip4:192.0.2.3"),
        ("v=spf1 ip4:192.0.2.0/24 ~all", "198.51.100.1", "softfail", "spf-all", "~all"),
        ("v=spf1 ip4:0.0.0.0/0 -all", "2001:db8::1", "fail", "spf-all", "-all"),
        ("v=spf1 ip6:::/0 -all", IP, "fail", "spf-all", "-all"),
        ("v=spf1 ip4:192.0.2.3 -all", "::ffff:192.0.2.3", "pass", "spf-term-matched", "ip4:192.0.2.3"),
        ("v=spf1 exists:%{i} ip6:fe80::/9 -all", "fe80::1%e0", "pass", "spf-term-matched", "ip6:fe80::/9"),
        ("v=spf1", IP, "neutral", "spf-nothing-matched", None),
        ("v=spf1 -all bogus:", IP, "permerror", "spf-unknown-mechanism", None),  # read although never reached
        ("v=spf1 include=other.example.com -all", IP, "fail", "spf-all", "-all"),
    ],
)
def test_the_first_match_decides(
    record: str, ip: str, result: str, reason: str, mechanism: str | None
) -> None:
    found = judge(txt(email=record), ip)

    assert (found.result, found.reason.id, found.mechanism) == (result, reason, mechanism)
    assert found.record == record


@pytest.mark.parametrize(
    ("inner", "result", "reason"),
    [
        ("v=spf1 ip4:192.0.2.3 -all", "pass", "spf-include-passed"),
        ("v=spf1 -all", "neutral", "spf-nothing-matched"),
        ("v=spf1 ~all", "neutral", "spf-nothing-matched"),
        ("v=spf1 ?all", "neutral", "spf-nothing-matched"),
        ("v=spf1 a:slow.example.com -all", "temperror", "spf-dns-unknown"),
        ("v=spf1 foo", "permerror", "spf-unknown-mechanism"),
        ("no record", "permerror", "spf-include-without-record"),
    ],
)
def test_include_has_its_own_table(inner: str, result: str, reason: str) -> None:
    zone = txt(email="v=spf1 include:inner.example.com", inner=inner)
    zone["slow.example.com", "A"] = Status.TIMEOUT
    found = judge(zone)

    assert (found.result, found.reason.id) == (result, reason)


def test_a_pass_by_include_tells_the_way() -> None:
    found = judge(
        txt(
            email="v=spf1 include:a.example.com -all",
            a="v=spf1 redirect=b.example.com",
            b="v=spf1 ip4:192.0.2.3",
        )
    )

    assert found.path == ("include:a.example.com", "redirect=b.example.com", "ip4:192.0.2.3")
    assert found.mechanism == "include:a.example.com"
    assert found.decided_at == "email.example.com"
    assert found.reason.facts["inner_domain"] == "b.example.com"


def test_after_redirect_the_deciding_term_stands_elsewhere() -> None:
    found = judge(txt(email="v=spf1 redirect=b.example.com", b="v=spf1 -all"))

    assert (found.mechanism, found.decided_at, found.lookups) == ("-all", "b.example.com", 1)
    assert found.record == "v=spf1 redirect=b.example.com"


@pytest.mark.parametrize("target", ["absent.example.com", "%{d}..%{d}"])
def test_redirect_to_nothing_is_a_permanent_error(target: str) -> None:
    assert judge(txt(email=f"v=spf1 redirect={target}")).reason.id == "spf-redirect-without-record"


@pytest.mark.parametrize(
    "domain",
    ["", "localhost", "[192.0.2.3]", "192.0.2.3", "a..example.com", f"{'a' * 64}.example.com", "x" * 5_000],
)  # fmt: skip
def test_what_is_no_domain_is_not_asked_for(domain: str) -> None:
    asked = Asked(ZoneResolver.from_records({}))
    found = drive(check_host(asked, IP, domain, f"postmaster@{domain}", domain))

    assert (found.result, found.reason.id) == ("none", "spf-domain-unusable")
    assert asked.questions == []


@pytest.mark.parametrize("status", [Status.TIMEOUT, Status.SERVFAIL, Status.REFUSED])
def test_an_unknown_answer_is_never_no_record(status: Status) -> None:
    assert judge({("email.example.com", "TXT"): status}).result == "temperror"
    zone = txt(email="v=spf1 mx -all")
    zone["email.example.com", "MX"] = status
    assert judge(zone).result == "temperror"


@pytest.mark.parametrize(
    ("mail_from", "helo", "identity"),
    [
        ("a@example.com", "mx.example.net", ("example.com", "a@example.com")),
        ("<a@example.com>", "mx.example.net", ("example.com", "a@example.com")),
        ("", "mx.example.net", ("mx.example.net", "postmaster@mx.example.net")),
        ("<>", "mx.example.net", ("mx.example.net", "postmaster@mx.example.net")),
        ("example.com", "mx.example.net", ("example.com", "postmaster@example.com")),
        ("@example.com", "mx.example.net", ("example.com", "postmaster@example.com")),
        ('"a@b"@example.com', "mx.example.net", ("example.com", '"a@b"@example.com')),
    ],
)
def test_mail_from_identity(mail_from: str, helo: str, identity: tuple[str, str]) -> None:
    assert mail_from_identity(mail_from, helo) == identity


def test_a_sender_without_local_part_is_postmaster() -> None:
    zone = txt(email="v=spf1 exists:%{l}.%{o} -all") | {("postmaster.email.example.com", "A"): ["127.0.0.2"]}

    assert judge(zone, sender="@email.example.com").result == "pass"
    assert judge(zone, sender="email.example.com").sender == "postmaster@email.example.com"


def test_misuse_by_the_caller_raises() -> None:
    with pytest.raises(ValueError, match="not-an-address"):
        judge({}, ip="not-an-address")


# --- macros ---------------------------------------------------------------------------------------

SENDER = "strong-bad@email.example.com"
MACROS = [  # RFC 7208 7.4
    ("%{s}", SENDER), ("%{o}", "email.example.com"), ("%{d}", "email.example.com"),
    ("%{d4}", "email.example.com"), ("%{d3}", "email.example.com"), ("%{d2}", "example.com"),
    ("%{d1}", "com"), ("%{dr}", "com.example.email"), ("%{d2r}", "example.email"), ("%{l}", "strong-bad"),
    ("%{l-}", "strong.bad"), ("%{lr}", "strong-bad"), ("%{lr-}", "bad.strong"), ("%{l1r-}", "strong"),
    ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
    ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
    ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
    ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
    ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    ("%{S}", "strong-bad%40email.example.com"), ("%{l1r+-}.%{c}.%{r}.%{t}", "strong.192.0.2.3.mx.test.86400"),
    ("%%%_%-", "% %20"), ("%{d127}", "email.example.com"), ("%{h}", "mx.example.com"),
    ("%{D1999}", "email.example.com"), ("%{p}", "unknown"),
]  # fmt: skip


def explained(macro: str, ip: str = IP, **more: Any) -> str | None:
    """The macro as it stands in an explanation."""
    zone = txt(email="v=spf1 -all exp=why.example.com", why=macro)
    return judge(zone, ip, receiver="mx.test", now=86_400, **more).explanation


@pytest.mark.parametrize(("macro", "text"), MACROS)
def test_macros_of_the_standard(macro: str, text: str) -> None:
    assert explained(macro) == text


def test_macros_with_an_ipv6_client() -> None:
    nibbles = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"

    assert (
        explained("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01") or ""
    ).lower() == f"{nibbles}.ip6._spf.example.com"
    assert explained("%{c}", "2001:DB8:0::CB01") == "2001:db8::cb01"


def test_names_that_are_too_long_lose_labels_on_the_left() -> None:
    local = ".".join("abcdefghij" * 6 for _ in range(4))
    zone = txt(email="v=spf1 exists:%{l}.%{d} -all")
    (macro,) = steps(judge(zone, sender=f"{local}@email.example.com").trace, "spf-macro")

    expanded = macro.facts["expanded"]
    assert len(expanded) <= 253
    assert f"{local}.email.example.com".endswith("." + expanded)


@pytest.mark.parametrize(
    ("names", "value"),
    [
        (["other.example.net", "sub.email.example.com", "email.example.com"], "email.example.com"),
        (["other.example.net", "sub.email.example.com"], "sub.email.example.com"),
        (["liar.example.net", "other.example.net"], "other.example.net"),
        (["xemail.example.com"], "xemail.example.com"),
        (["liar.example.net"], "unknown"),
    ],
)
def test_p_prefers_the_domain_then_what_is_below_it(names: list[str], value: str) -> None:
    zone = txt(email="v=spf1 -all exp=why.example.com", why="%{p}")
    zone["3.2.0.192.in-addr.arpa", "PTR"] = names
    zone |= {(name, "A"): ["192.0.2.9" if "liar" in name else IP] for name in names}

    assert judge(zone).explanation == value


@pytest.mark.parametrize(
    ("target", "matches"),
    [
        ("example.net", True),
        ("mail.example.net", True),
        ("sub.mail.example.net", False),
        ("ample.net", False),
    ],
)
def test_ptr_matches_the_target_and_what_is_below_it(target: str, matches: bool) -> None:  # erratum 4751
    zone = txt(email=f"v=spf1 ptr:{target} -all")
    zone["3.2.0.192.in-addr.arpa", "PTR"] = ["Mail.Example.Net."]
    zone["mail.example.net", "A"] = [IP]

    assert judge(zone).result == ("pass" if matches else "fail")


def test_ptr_passes_over_errors() -> None:
    zone = txt(email="v=spf1 ptr -all")
    zone["3.2.0.192.in-addr.arpa", "PTR"] = Status.SERVFAIL
    assert judge(zone).result == "fail"

    zone["3.2.0.192.in-addr.arpa", "PTR"] = ["slow.example.com", "a.email.example.com"]
    zone |= {("slow.example.com", "A"): Status.TIMEOUT, ("a.email.example.com", "A"): [IP]}
    assert judge(zone).result == "pass"


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 exists:%{l}.example.com -all", "fail"),  # matches nothing, asks nothing
        ("v=spf1 exists:%{S}.example.com ?all", "neutral"),
        ("v=spf1 include:%{l}.example.com ~all", "softfail"),
        ("v=spf1 redirect=%{l}.example.com", "neutral"),
        ("v=spf1 exists:%{o}.example.com -all", "pass"),
    ],
)
def test_a_local_part_beyond_ascii_matches_nothing(record: str, result: str) -> None:  # RFC 8616 4
    zone = {("xn--mller-kva.example", "TXT"): [record.encode()]}
    zone["xn--mller-kva.example.example.com", "A"] = ["127.0.0.2"]  # type: ignore[list-item]

    found = judge(zone, sender="jürgen@müller.example")
    assert found.result == result
    assert found.sender == "jürgen@xn--mller-kva.example"
    assert found.void_lookups == 0


def test_a_name_that_macros_made_malformed_matches_nothing() -> None:
    found = judge(txt(email="v=spf1 a:%{l}..%{d} -all"))

    assert (found.result, found.lookups) == ("fail", 1)
    assert steps(found.trace, "spf-term")[0].facts["note"] == "malformed-name"


# --- limits ---------------------------------------------------------------------------------------


def exists(count: int, then: str = "-all") -> str:
    return " ".join(["v=spf1", *(f"exists:e{i}.example.com" for i in range(count)), then])


def everywhere(count: int) -> Records:
    """Names that exist, with an address that no mechanism compares."""
    return {(f"e{i}.example.com", "A"): ["127.0.0.2"] for i in range(count)}


@pytest.mark.parametrize(
    ("terms", "result", "lookups"),
    [(10, "fail", 10), (11, "permerror", 11)],
)
def test_ten_terms(terms: int, result: str, lookups: int) -> None:
    hosts = {(f"e{i}.example.com", "A"): ["198.51.100.1"] for i in range(terms)}
    record = " ".join(["v=spf1", *(f"a:e{i}.example.com" for i in range(terms)), "-all"])
    asked = Asked(ZoneResolver.from_records(txt(email=record) | hosts))
    found = drive(check_host(asked, IP, "email.example.com", SENDER, "h"))

    assert (found.result, found.lookups) == (result, lookups)
    assert len(asked.questions) == 1 + 10  # the eleventh is not even asked


def test_what_matches_before_the_limit_passes() -> None:
    assert judge(txt(email=exists(3)) | everywhere(1)).lookups == 1


@pytest.mark.parametrize(
    ("record", "lookups"),
    [
        ("v=spf1 ip4:198.51.100.1 ip6:::1 -all", 0),
        ("v=spf1 ip4:198.51.100.1 -all exp=why.example.com", 0),
        ("v=spf1 mx -all", 1),
        ("v=spf1 ptr -all", 1),
        ("v=spf1 ?exists:%{p}.example.com -all", 2),
        ("v=spf1 ?exists:%{p}.example.com ?exists:%{p}.example.org -all", 3),  # its query is made once
        ("v=spf1 ptr ?exists:%{p}.example.com -all", 2),
    ],
)
def test_what_counts_as_a_lookup(record: str, lookups: int) -> None:
    found = judge(txt(email=record, why="%{p}"), limit_voids=20)

    assert (found.result, found.lookups) == ("fail", lookups)


@pytest.mark.parametrize(("voids", "result"), [(2, "fail"), (3, "permerror")])
def test_two_void_lookups(voids: int, result: str) -> None:
    found = judge(txt(email=exists(voids)))

    assert (found.result, found.void_lookups) == (result, voids)


def test_each_ptr_term_without_names_is_void_though_it_is_asked_once() -> None:
    asked = Asked(ZoneResolver.from_records(txt(email="v=spf1 ptr ptr ptr -all")))
    found = drive(check_host(asked, IP, "email.example.com", SENDER, "h"))

    assert (found.result, found.void_lookups, len(asked.questions)) == ("permerror", 3, 2)


def test_a_void_lookup_too_many_is_seen_in_the_last_term_and_inside_an_include() -> None:
    zone = txt(email="v=spf1 include:in.example.com", **{"in": exists(3, "")})

    assert judge(zone).reason.id == "spf-too-many-voids"
    assert judge(zone, limit_voids=3).result == "neutral"


@pytest.mark.parametrize(("count", "result"), [(10, "pass"), (11, "permerror")])
def test_ten_exchanges(count: int, result: str) -> None:
    zone = txt(email="v=spf1 mx -all")
    zone["email.example.com", "MX"] = [(i, f"mx{i}.example.com") for i in range(count)]
    zone |= {(f"mx{i}.example.com", "A"): ["198.51.100.1"] for i in range(count - 1)}
    zone[f"mx{count - 1}.example.com", "A"] = [IP]

    assert judge(zone).result == result


def test_names_of_the_client_after_the_tenth_are_ignored() -> None:
    zone = txt(email="v=spf1 ptr -all")
    zone["3.2.0.192.in-addr.arpa", "PTR"] = [f"h{i}.email.example.com" for i in range(11)]
    zone["h10.email.example.com", "A"] = [IP]
    assert judge(zone).result == "fail"

    zone["h9.email.example.com", "A"] = [IP]
    assert judge(zone).result == "pass"


# --- explanations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "explanation"),
    [
        ([b"See http://%{d}/why?s=%{S}"], "See http://email.example.com/why?s=strong-bad%40email.example.com"),
        ([b"one", b"two"], None),
        ([], None),
        ([b"broken %{x}"], None),
        ([b"caf\xc3\xa9"], None),
        ([b"bell\x07 \x1b[31mred\r\nnext"], None),  # no explain-string
        ([b"tab\there"], None),
        ([b"a" * 5_000], None),
        ([b"%{s}" * 1_024], (SENDER * 200)[:4_096]),
    ],
)  # fmt: skip
def test_explanations(texts: list[bytes], explanation: str | None) -> None:
    zone = txt(email="v=spf1 -all exp=why.example.com") | {("why.example.com", "TXT"): texts}
    found = judge(zone)

    assert found.result == "fail"
    assert found.explanation == explanation
    assert (found.lookups, found.void_lookups) == (0, 0)


@pytest.mark.parametrize(
    ("records", "explanation"),
    [
        (
            txt(
                email="v=spf1 -include:in.example.com exp=why.example.com",
                why="own",
                **{"in": "v=spf1 +all exp=x.example.com"},
            ),
            "own",
        ),
        (txt(email="v=spf1 redirect=b.example.com exp=why.example.com", why="own", b="v=spf1 -all"), None),
        (txt(email="v=spf1 redirect=b.example.com", b="v=spf1 -all exp=c.example.com", c="other"), "other"),
        (txt(email="v=spf1 ~all exp=why.example.com", why="own"), None),
    ],
)  # fmt: skip
def test_whose_explanation_counts(records: Records, explanation: str | None) -> None:
    assert judge(records).explanation == explanation


def test_values_in_an_explanation_are_ascii() -> None:
    zone = txt(email="v=spf1 -all exp=why.example.com", why="%{h} %{o}")
    assert judge(zone, helo="münchen.de").explanation == "xn--mnchen-3ya.de email.example.com"
    assert judge(zone, helo="a\x1b[b").explanation == "a[b email.example.com"

    zone = txt(email="v=spf1 -all exp=why.example.com", why="%{s} may not")
    found = judge(zone, sender="jürgen@email.example.com")
    assert (found.result, found.explanation) == ("fail", None)


def test_an_explanation_with_p_costs_nothing_though_all_ten_are_spent() -> None:
    hosts = {(f"e{i}.example.com", "A"): ["198.51.100.1"] for i in range(10)}
    record = " ".join(["v=spf1", *(f"a:e{i}.example.com" for i in range(10)), "-all exp=why.example.com"])
    found = judge(txt(email=record, why="you are %{p}") | hosts)

    assert (found.result, found.lookups, found.explanation) == ("fail", 10, "you are unknown")


# --- asking ahead, trace, hostile zones -----------------------------------------------------------

TREE = txt(
    email="v=spf1 a:%{l}.example.com mx include:a.example.com ptr exists:%{p}.example.com"
    " redirect=b.example.com",
    a="v=spf1 include:b.example.com a:h.example.com ~all",
    b="v=spf1 ip4:198.51.100.0/24 mx:email.example.com -all",
) | {
    ("email.example.com", "MX"): [(10, "m1.example.com"), (20, "m2.example.com")],
    ("m1.example.com", "A"): ["198.51.100.1"],
    ("m2.example.com", "A"): ["198.51.100.2"],
    ("h.example.com", "A"): ["198.51.100.3"],
    ("strong-bad.example.com", "A"): ["198.51.100.4"],
}  # fmt: skip


@pytest.mark.parametrize("ip", [IP, "198.51.100.2", "2001:db8::1"])
def test_asking_ahead_changes_nothing(ip: str) -> None:
    zone = ZoneResolver.from_records(TREE)
    asked = Asked(zone)
    args = ip, "email.example.com", SENDER, "mx.example.com"
    ahead, plain_ = drive(check_host(asked, *args)), drive(check_host(zone, *args))

    assert plain(ahead) == plain(plain_)
    assert asked.announced


def test_what_is_announced_is_what_the_record_will_ask() -> None:
    asked = Asked(ZoneResolver.from_records(TREE))
    drive(check_host(asked, IP, "email.example.com", SENDER, "mx.example.com"))

    first = [
        ("strong-bad.example.com", "A"),
        ("email.example.com", "MX"),
        ("a.example.com", "TXT"),
        ("b.example.com", "TXT"),
    ]
    assert [(q.name, q.rdtype) for q in asked.announced[:4]] == first
    assert len(asked.announced) < 20


def test_the_trace_tells_records_terms_macros_answers_and_counters() -> None:
    zone = txt(
        email="v=spf1 ip4:198.51.100.1 a:%{l}.example.com/24 include:in.example.com -all",
        **{"in": "v=spf1 -all"},
    )
    zone["strong-bad.example.com", "A"] = ["198.51.100.7"]
    root = judge(zone).trace

    assert root.id == "spf"
    first, record = root.inner
    assert (first.id, first.facts["source"], first.facts["status"]) == ("dns", "zone", "NOERROR")
    assert (record.id, record.facts["domain"], record.facts["result"]) == (
        "spf-record",
        "email.example.com",
        "fail",
    )
    ip4, a, include, ends = record.inner
    assert ip4.facts == {"term": "ip4:198.51.100.1", "matched": False, "lookups": 0, "voids": 0}
    assert [step.id for step in a.inner] == ["spf-macro", "dns"]
    assert a.inner[0].facts == {"macro": "%{l}.example.com", "expanded": "strong-bad.example.com"}
    assert a.facts["compared"] == ["198.51.100.7/24"]
    assert (a.facts["lookups"], a.facts["voids"], a.facts["matched"]) == (1, 0, False)
    assert (include.facts["result"], include.facts["lookups"]) == ("fail", 2)
    assert [step.id for step in include.inner] == ["dns", "spf-record"]
    assert ends.facts["matched"] is True
    plain(root)


def test_an_error_leaves_the_steps_that_led_to_it() -> None:
    zone = txt(email="v=spf1 include:in.example.com -all", **{"in": "v=spf1 a:slow.example.com"})
    zone["slow.example.com", "A"] = Status.TIMEOUT
    root = judge(zone).trace

    assert steps(root, "dns")[-1].facts["status"] == "TIMEOUT"
    assert [s.facts.get("matched") for s in steps(root, "spf-term")] == [None, None]


class Endless:
    """Every name has every record, all of them leading on."""

    def __init__(self, record: bytes) -> None:
        self.record, self.count = record, 0

    async def resolve(self, question: Question) -> Answer:
        self.count += 1
        match question.rdtype:
            case "TXT":
                return Answer(Status.NOERROR, (self.record,))
            case "MX":
                return Answer(Status.NOERROR, tuple((i, f"m{i}.{question.name}"[:60]) for i in range(10)))
            case "PTR":
                return Answer(Status.NOERROR, tuple(f"p{i}.example" for i in range(1_000)))
        return Answer(Status.NOERROR, ("198.51.100.1",) * 50)


@pytest.mark.parametrize(
    "record",
    [
        b"v=spf1 " + b" ".join(b"include:i%d.example.com" % i for i in range(10)),
        b"v=spf1 include:%{d} redirect=%{d}",
        b"v=spf1 " + b"mx " * 10 + b"redirect=%{d}",
        b"v=spf1 ptr " + b"-exists:%{p}.%{p}.example.com " * 200,
        b"v=spf1 " + b"mx ptr a:%{p}.example " * 3_000,
    ],
)
def test_work_is_bounded_whatever_the_zone(record: bytes) -> None:
    zone = Endless(record)
    found = drive(check_host(zone, IP, "email.example.com", SENDER, "h"))

    assert found.result in ("permerror", "fail")
    assert zone.count <= 1 + 10 * 12 + 11


def test_a_thousand_texts_at_a_name_and_a_huge_record() -> None:
    texts = [b"x%d" % i for i in range(1_000)]
    assert judge({("email.example.com", "TXT"): [*texts, b"v=spf1 -all"]}).result == "fail"
    assert judge({("email.example.com", "TXT"): [b"v=spf1 -all"] * 1_000}).result == "permerror"

    huge = b"v=spf1 " + b"exists:" + b"%{s1-}" * 10_000 + b".%{d} -all"
    sender = "-".join("x" * 10_000) + "@email.example.com"
    assert judge({("email.example.com", "TXT"): [huge]}, sender=sender).result == "fail"


def test_an_alias_loop_is_temporary() -> None:
    zone = txt(email="v=spf1 a:x.example.com -all")
    zone |= {("x.example.com", "CNAME"): ["y.example.com"], ("y.example.com", "CNAME"): ["x.example.com"]}

    assert judge(zone).result == "temperror"
