"""`check` as programs call it: in every driver, over zones and over a real server."""

import asyncio
import copy
import gc
import pickle
from typing import Any

import pytest

import senderauth
from senderauth import LiveResolver, Scenario, ZoneResolver, sync
from senderauth.advice import Report
from senderauth.dns import Answer, Question, Status, drive, run
from senderauth.values import plain
from tests.dnsserver import Server

ZONE = {
    ("example.com", "TXT"): [b"v=spf1 ip4:192.0.2.0/24 -all"],
    ("example.com", "MX"): [(10, "mail.example.com")],
    ("mail.example.com", "A"): ["192.0.2.1"],
    ("mail.example.com", "AAAA"): ["2001:db8::1"],
    ("1.2.0.192.in-addr.arpa", "PTR"): ["mail.example.com"],
    ("_dmarc.example.com", "TXT"): [b"v=DMARC1; p=reject; rua=mailto:r@example.com"],
    ("_adsp._domainkey.example.com", "TXT"): [b"dkim=all"],
}


def zone() -> ZoneResolver:
    return ZoneResolver.from_records(ZONE)


def judged(report: Report) -> list[tuple[str, str, str, str, str]]:
    return [(v.address, v.signing, v.spf.result, v.dmarc.result, v.adsp.result) for v in report.verdicts]


def test_every_address_of_a_host_is_judged_in_both_signings_where_nobody_said() -> None:
    report = sync.check(Scenario("a@example.com", hosts=("mail.example.com",)), zone())

    assert judged(report) == [
        ("192.0.2.1", "unsigned", "pass", "pass", "fail"),
        ("192.0.2.1", "signed", "pass", "pass", "pass"),
        ("2001:db8::1", "unsigned", "fail", "fail", "fail"),
        ("2001:db8::1", "signed", "fail", "pass", "pass"),
    ]


def test_an_ipv4_mapped_address_is_the_ipv4_address() -> None:
    report = sync.check(Scenario("a@example.com", hosts=("::ffff:192.0.2.1",), signers=()), zone())

    assert judged(report) == [("192.0.2.1", "unsigned", "pass", "pass", "fail")]


def test_the_helo_name_is_the_reverse_name_that_leads_back() -> None:
    report = sync.check(Scenario("a@example.com", hosts=("192.0.2.1",), signers=()), zone())

    assert (report.senders[0].helo, report.senders[0].helo_origin) == ("mail.example.com", "reverse")
    assert report.senders[0].helo_state == "matches"


def test_of_a_null_reverse_path_the_helo_name_is_judged() -> None:
    report = sync.check(Scenario("a@example.com", hosts=("192.0.2.1",), mail_from="<>", signers=()), zone())

    assert report.verdicts[0].mail_from == "postmaster@mail.example.com"
    assert report.verdicts[0].spf.domain == "mail.example.com"


def test_asyncio_and_our_own_loop_say_the_same_over_a_real_server() -> None:
    scenario = Scenario("a@example.com", hosts=("mail.example.com",))
    with Server(ZONE) as server:
        place = [f"{server.address}:{server.port}"]
        ours = sync.check(scenario, LiveResolver(nameservers=place))
        theirs = asyncio.run(senderauth.check(scenario, LiveResolver(nameservers=place)))

    assert judged(ours) == judged(theirs) == judged(sync.check(scenario, zone()))
    assert plain(ours.findings) == plain(theirs.findings)
    assert plain(ours.predictions) == plain(theirs.predictions)


def test_the_sync_twin_works_inside_a_running_loop() -> None:
    async def notebook() -> Report:
        return sync.check(Scenario("a@example.com", hosts=("192.0.2.1",), signers=()), zone())

    assert asyncio.run(notebook()).outcome == "refused"  # ADSP all, unsigned


class Failing:
    """A resolver for which one kind of question fails."""

    def __init__(self, name: str, rdtype: str, status: Status) -> None:
        self.zone, self.name, self.rdtype, self.status = zone(), name, rdtype, status

    async def resolve(self, question: Question) -> Answer:
        if (question.name, question.rdtype) == (self.name, self.rdtype):
            return Answer(self.status)
        return await self.zone.resolve(question)


@pytest.mark.parametrize("status", [Status.TIMEOUT, Status.SERVFAIL, Status.REFUSED])
@pytest.mark.parametrize(
    ("name", "rdtype"),
    [("example.com", "TXT"), ("_dmarc.example.com", "TXT"), ("_adsp._domainkey.example.com", "TXT")],
)
def test_what_dns_would_not_tell_is_never_taken_for_absent(status: Status, name: str, rdtype: str) -> None:
    scenario = Scenario("a@example.com", hosts=("192.0.2.1",), signers=())
    report = sync.check(scenario, Failing(name, rdtype, status))

    verdict = report.verdicts[0]
    assert "temperror" in (verdict.spf.result, verdict.dmarc.result, verdict.adsp.result)
    assert "none" not in (verdict.spf.result, verdict.dmarc.result, verdict.adsp.result)


def test_a_zone_that_answers_nothing_at_all_is_unknown_and_exit_code_3() -> None:
    silent = ZoneResolver.from_records({}, elsewhere=Status.TIMEOUT)
    report = sync.check(Scenario("a@example.com", hosts=("192.0.2.1", "mail.example.com")), silent)

    assert report.outcome == "unknown"
    assert report.exit_code() == 3
    assert not any(p.outcome == "refused" and not p.optional for p in report.predictions)


def test_receivers_asked_for_by_name_count_even_if_they_are_optional() -> None:
    scenario = Scenario("a@example.com", hosts=("192.0.2.1",), signers=())
    everybody = sync.check(scenario, zone(), receivers=["gmail"])
    bulk = sync.check(scenario, zone(), receivers=["gmail-bulk"])

    assert {p.receiver for p in everybody.predictions} == {"gmail", "gmail-bulk"}
    assert bulk.exit_code() == 1
    assert bulk.predictions[0].entry_id == "dkim-signature-required"


@pytest.mark.parametrize(
    ("login", "mail_from", "entry"),
    [
        ("jan@other.example", None, "foreign-sender-quota"),
        ("jan@other.example", "x@strato.de", "envelope-domain-forbidden"),
        ("a@example.com", None, ""),
    ],
)
def test_the_submission_servers_own_rules_turn_on_the_login(
    login: str, mail_from: str | None, entry: str
) -> None:
    scenario = Scenario("a@example.com", ("192.0.2.1",), mail_from, signers=(), login=login)
    report = sync.check(scenario, zone(), receivers=["strato"])
    said = next(p for p in report.predictions if p.receiver == "strato-submission")

    assert said.entry_id == entry
    if entry:
        remedy = next(r for r in report.remedies if r.entry_id == entry)
        assert not remedy.in_dns


def test_an_unknown_receiver_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="no receiver"):
        sync.check(Scenario("a@example.com", hosts=("192.0.2.1",)), zone(), receivers=["nobody"])


class Raising:
    """A resolver of a caller's own, with a fault."""

    async def resolve(self, question: Question) -> Answer:
        raise OSError(question.name)


@pytest.mark.parametrize("driver", [drive, run, asyncio.run])
def test_a_resolver_that_raises_ends_the_check_and_leaves_no_work_behind(driver: Any) -> None:
    with pytest.raises(OSError, match="example"):
        driver(senderauth.check(Scenario("a@example.com", hosts=("mail.example.com",)), Raising()))
    gc.collect()  # work that was never begun would warn


def test_a_check_cancelled_at_any_moment_leaves_no_work_behind() -> None:
    class Slow:
        async def resolve(self, question: Question) -> Answer:
            await asyncio.sleep(0)
            return await zone().resolve(question)

    async def program() -> int:
        for turns in range(30):
            task = asyncio.create_task(
                senderauth.check(Scenario("a@example.com", hosts=("mail.example.com",)), Slow())
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return len(asyncio.all_tasks())

    assert asyncio.run(program()) == 1
    gc.collect()


def test_results_can_be_copied_and_sent_to_other_processes() -> None:
    zone = ZoneResolver.from_records({("example.com", "TXT"): [b"v=spf1 ip4:192.0.2.0/24 -all"]})
    report = sync.check(Scenario("a@example.com", hosts=("192.0.2.1",)), zone)
    assert pickle.loads(pickle.dumps(report)) == copy.deepcopy(report) == report
