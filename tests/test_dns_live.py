"""LiveResolver against servers that behave, misbehave, lie and keep silent. Every rule under both drivers."""

import asyncio
import gc
import socket
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import dns.query
import pytest

from senderauth.dns import Answer, LiveResolver, Question, Status, crowd, prefetch, run
from senderauth.dns.live import parse_server, system_nameservers
from tests.dnsserver import HABITS, Server

A = Question("a.example", "A")
RECORDS: dict[tuple[str, str], Any] = {
    ("a.example", "A"): ["192.0.2.1", "192.0.2.2"],
    ("a.example", "AAAA"): ["2001:db8::1"],
    ("a.example", "TXT"): [b"v=spf1 -all", (b"x" * 255, b"y"), b"\x00\xff"],
    ("a.example", "MX"): [(10, "mx.a.example"), (20, "mx2.a.example")],
    ("null.example", "MX"): [(0, ".")],
    ("1.2.0.192.in-addr.arpa", "PTR"): ["a.example"],
    ("w.example", "CNAME"): ["v.example"],
    ("v.example", "CNAME"): ["a.example"],
    ("dangling.example", "CNAME"): ["nothing.example"],
    ("loop.example", "CNAME"): ["loop2.example"],
    ("loop2.example", "CNAME"): ["loop.example"],
    ("servfail.example", "A"): Status.SERVFAIL,
    ("refused.example", "A"): Status.REFUSED,
    ("many.example", "TXT"): [b"%04d" % n + b"x" * 60 for n in range(500)],
    ("one-link.test", "CNAME"): ["w.example"],
} | {(f"{habit}.test", "A"): ["192.0.2.9"] for habit in HABITS if habit != "one-link"}
BEHAVE = {f"{habit}.test": habit for habit in HABITS}

Driver = Callable[[Any], Any]


@pytest.fixture(params=["run", "asyncio"])
def driver(request: pytest.FixtureRequest) -> Driver:
    return run if request.param == "run" else asyncio.run


@pytest.fixture(scope="module")
def server() -> Any:
    with Server(RECORDS, behave=BEHAVE) as running:
        yield running


def ask(driver: Driver, server: Server, name: str, rdtype: str = "A", **options: Any) -> Answer:
    options.setdefault("timeout", 10.0)
    with LiveResolver([server.where], **options) as resolver:
        answer: Answer = driver(resolver.resolve(Question(name, rdtype)))
    assert answer.source == "live"
    return answer


@pytest.mark.parametrize(
    ("name", "rdtype", "status", "records"),
    [
        ("a.example", "A", Status.NOERROR, {"192.0.2.1", "192.0.2.2"}),
        ("a.example", "AAAA", Status.NOERROR, {"2001:db8::1"}),
        ("a.example", "MX", Status.NOERROR, {(10, "mx.a.example"), (20, "mx2.a.example")}),
        ("null.example", "MX", Status.NOERROR, {(0, "")}),  # RFC 7505: the root is ""
        ("1.2.0.192.in-addr.arpa", "PTR", Status.NOERROR, {"a.example"}),
        ("a.example", "PTR", Status.NOERROR, set()),
        ("nothing.example", "A", Status.NXDOMAIN, set()),
        ("servfail.example", "A", Status.SERVFAIL, set()),
        ("refused.example", "A", Status.REFUSED, set()),
        ("not..a.name", "A", Status.NXDOMAIN, set()),
    ],
)
def test_what_dns_says(
    driver: Driver, server: Server, name: str, rdtype: str, status: Status, records: set[Any]
) -> None:
    answer = ask(driver, server, name, rdtype)
    assert (answer.status, set(answer.records)) == (status, records)


def test_txt_is_joined_and_kept_string_by_string(driver: Driver, server: Server) -> None:
    answer = ask(driver, server, "a.example", "TXT")
    assert set(answer.strings) == {(b"v=spf1 -all",), (b"x" * 255, b"y"), (b"\x00\xff",)}
    assert answer.records == tuple(b"".join(parts) for parts in answer.strings)
    assert answer.server == server.where
    assert answer.elapsed is not None
    assert 0 < answer.elapsed < 1


@pytest.mark.parametrize(
    ("name", "status", "chain", "note"),
    [
        ("w.example", Status.NOERROR, ("v.example", "a.example"), ""),
        ("dangling.example", Status.NXDOMAIN, ("nothing.example",), ""),
        ("loop.example", Status.SERVFAIL, ("loop2.example", "loop.example"), "cname-loop"),
        ("one-link.test", Status.NOERROR, ("w.example", "v.example", "a.example"), ""),
    ],
)
def test_aliases(
    driver: Driver, server: Server, name: str, status: Status, chain: tuple[str, ...], note: str
) -> None:
    answer = ask(driver, server, name)
    assert (answer.status, answer.chain, answer.note) == (status, chain, note)
    assert answer.canonical_name == chain[-1]
    assert bool(answer.records) is (status is Status.NOERROR)
    assert not answer.name_missing


def test_an_alias_given_link_by_link_is_bounded(driver: Driver) -> None:
    records = {(f"l{n}.example", "CNAME"): [f"l{n + 1}.example"] for n in range(100)}
    with Server(records, behave={f"l{n}.example": "one-link" for n in range(100)}) as server:
        answer = ask(driver, server, "l0.example")
        assert (answer.status, answer.note) == (Status.SERVFAIL, "cname-loop")
        assert len(server.questions) <= 20
    circle = {("x.example", "CNAME"): ["y.example"], ("y.example", "CNAME"): ["x.example"]}
    with Server(circle, behave={"x.example": "one-link", "y.example": "one-link"}) as server:
        answer = ask(driver, server, "x.example")
        assert (answer.status, answer.note) == (Status.SERVFAIL, "cname-loop")


def test_a_negative_answer_lives_as_long_as_its_soa_says(driver: Driver, server: Server) -> None:
    assert ask(driver, server, "nothing.example").ttl == server.negative_ttl
    assert ask(driver, server, "a.example", "PTR").ttl == server.negative_ttl


def test_a_large_answer_comes_over_tcp(driver: Driver, server: Server) -> None:
    before = len(server.messages)
    answer = ask(driver, server, "many.example", "TXT")
    assert sorted(answer.records) == sorted(RECORDS["many.example", "TXT"])
    *first, last = [over for _, _, over in server.messages[before:]]
    assert set(first) == {"udp"}  # more than one where a busy machine let the client ask again
    assert last == "tcp"


@pytest.mark.parametrize(
    ("habit", "status", "note"),
    [
        ("silent", Status.TIMEOUT, ""),
        ("drop-first", Status.NOERROR, ""),
        ("late", Status.NOERROR, ""),
        ("truncated", Status.NOERROR, ""),
        ("truncated-always", Status.SERVFAIL, "truncated over TCP"),
        ("wrong-id", Status.TIMEOUT, ""),
        ("wrong-source", Status.TIMEOUT, ""),
        ("forged", Status.NOERROR, ""),
        ("forged-only", Status.TIMEOUT, ""),
        ("lower-case", Status.NOERROR, ""),
        ("garbage", Status.SERVFAIL, "malformed"),
        ("no-edns", Status.NOERROR, ""),
        ("no-edns-bare", Status.NOERROR, ""),
        ("tcp-closed", Status.TIMEOUT, "tcp-closed"),
        ("extended-error", Status.SERVFAIL, "ede-22: at 192.0.2.53"),
        ("trailing", Status.NOERROR, ""),
        ("referral", Status.SERVFAIL, "referral"),
    ],
)
def test_servers_with_habits(driver: Driver, server: Server, habit: str, status: Status, note: str) -> None:
    answer = ask(driver, server, f"{habit}.test", timeout=0.4 if status is Status.TIMEOUT else 10.0)
    assert (answer.status, answer.note) == (status, note)
    assert answer.records == (("192.0.2.9",) if status is Status.NOERROR else ())


def test_all_habits_are_tested() -> None:
    marks = test_servers_with_habits.pytestmark  # type: ignore[attr-defined]
    assert {case[0] for case in marks[0].args[1]} | {"one-link"} == set(HABITS)


def test_ids_ports_and_case_are_thrown_by_dice(driver: Driver) -> None:
    with Server({}) as server, LiveResolver([server.where]) as resolver:

        async def work() -> None:
            for n in range(60):
                await resolver.resolve(Question(f"some-longer-name-{n}.example", "A"))

        driver(work())
        cases = {name.lower() != name and name.upper() != name for name, _, _ in server.messages}
        ports = {port for _, (_, port), _ in server.messages}
        assert cases == {True}
        assert len(ports) >= 4


def test_a_server_that_never_keeps_the_case_is_then_asked_without_dice(driver: Driver) -> None:
    names = [f"n{n}.example" for n in range(6)]
    behave = dict.fromkeys(names, "lower-case")
    records = {(name, "A"): ["192.0.2.1"] for name in names}
    with Server(records, behave=behave) as server, LiveResolver([server.where]) as resolver:

        async def work() -> list[Answer]:
            return [await resolver.resolve(Question(name, "A")) for name in names]

        assert all(answer.records for answer in driver(work()))
        overs = [over for _, _, over in server.messages]
        assert overs.count("tcp") < len(names)
        assert overs[-2:] == ["udp", "udp"]


# --- servers: the next one -------------------------------------------------------------------------


def closed_port() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{sock.getsockname()[1]}"


@pytest.mark.parametrize(
    "first", ["servfail.example", "refused.example", "silent.test", "garbage.test", "referral.test"]
)
def test_the_next_server_is_asked_when_one_fails(driver: Driver, server: Server, first: str) -> None:
    with Server({(first, "A"): ["192.0.2.7"]}) as second:
        resolver = LiveResolver([server.where, second.where], timeout=0.8)
        answer = driver(resolver.resolve(Question(first, "A")))
        assert answer.records == ("192.0.2.7",)
        assert answer.server == second.where
        resolver.close()


def test_an_unreachable_server_costs_no_time(driver: Driver, server: Server) -> None:
    start = time.monotonic()
    with LiveResolver([closed_port(), server.where]) as resolver:
        assert driver(resolver.resolve(A)).records
    with LiveResolver([closed_port(), "[::1]:1"]) as resolver:
        answer = driver(resolver.resolve(A))
    assert (answer.status, answer.note in ("refused", "unreachable")) == (Status.TIMEOUT, True)
    assert time.monotonic() - start < 0.8


def test_the_worst_that_servers_say_is_told(driver: Driver, server: Server) -> None:
    with Server({("servfail.example", "A"): Status.REFUSED}) as second:
        resolver = LiveResolver([second.where, server.where, closed_port()])
        answer = driver(resolver.resolve(Question("servfail.example", "A")))
        resolver.close()
    assert (answer.status, answer.server) == (Status.SERVFAIL, server.where)


def test_a_thousand_questions_to_nobody_end_at_once(driver: Driver) -> None:
    resolver = LiveResolver([closed_port()])

    async def work() -> list[Answer]:
        from senderauth.dns import together

        return await together(*(resolver.resolve(Question(f"{n}.example", "A")) for n in range(1500)))

    answers = driver(work())
    assert {answer.status for answer in answers} == {Status.TIMEOUT}
    resolver.close()


# --- time ------------------------------------------------------------------------------------------


def test_the_timeout_is_that_of_the_whole_question(driver: Driver, server: Server) -> None:
    start = time.monotonic()
    answer = ask(driver, server, "silent.test", timeout=0.6, tries=5)
    assert 0.55 < time.monotonic() - start < 1.0
    assert answer.status is Status.TIMEOUT


def test_tries_bound_what_is_sent(driver: Driver) -> None:
    with Server({}, behave={"silent.example": "silent"}) as server:
        ask(driver, server, "silent.example", timeout=0.7, tries=2)
        assert server.questions == [("silent.example", "A")] * 2


def test_rate_paces_what_is_sent(driver: Driver) -> None:
    with Server({}) as server, LiveResolver([server.where], rate=50) as resolver:

        async def work() -> None:
            from senderauth.dns import together

            await together(*(resolver.resolve(Question(f"{n}.example", "A")) for n in range(20)))

        start = time.monotonic()
        driver(work())
        assert time.monotonic() - start >= 19 / 50 * 0.95


def test_questions_announced_are_there_when_asked(driver: Driver) -> None:
    with Server(RECORDS, delay=0.1) as server, LiveResolver([server.where]) as resolver:

        async def work() -> float:
            prefetch(resolver, [A, Question("a.example", "MX"), Question("not..a.name", "A")])
            await resolver.resolve(Question("a.example", "TXT"))
            start = time.monotonic()
            assert (await resolver.resolve(A)).records
            assert (await resolver.resolve(Question("a.example", "MX"))).records
            return time.monotonic() - start

        assert driver(work()) < 0.05
        assert len(server.questions) == 3


def test_announcements_that_fail_trouble_nobody(driver: Driver) -> None:
    resolver = LiveResolver([closed_port()])

    async def work() -> None:
        prefetch(resolver, [Question("a.example", "NONSENSE"), Question("a..b", "A")])
        prefetch(resolver, [Question(f"{n}.example", "A") for n in range(3000)])

    driver(work())
    prefetch(resolver, [A])  # nothing drives: ignored
    resolver.close()


# --- lives -----------------------------------------------------------------------------------------


def test_one_resolver_in_several_asyncio_loops_one_after_another(server: Server) -> None:
    resolver = LiveResolver([server.where])
    for _ in range(3):
        assert asyncio.run(resolver.resolve(A)).records
    assert run(resolver.resolve(A)).records
    assert len(resolver._clients) == 1
    resolver.close()
    assert asyncio.run(resolver.resolve(A)).records  # still usable


def test_nothing_is_left_open(server: Server) -> None:
    """Even when loops end with questions in the air, and nobody closes the resolver."""

    async def hasty(resolver: LiveResolver) -> None:
        prefetch(resolver, [Question("silent.test", "A"), Question("many.example", "TXT")])
        await resolver.resolve(A)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for driver in (run, asyncio.run):
            driver(hasty(LiveResolver([server.where])))
        gc.collect()


def test_a_cancelled_question_harms_no_other(server: Server) -> None:
    async def program() -> Answer:
        with LiveResolver([server.where]) as resolver:
            question = Question("late.test", "A")
            first, second = (asyncio.create_task(resolver.resolve(question)) for _ in range(2))
            await asyncio.sleep(0.05)
            first.cancel()
            return await second

    assert asyncio.run(program()).records


def test_a_question_that_has_not_left_when_all_is_closed_is_unknown(server: Server) -> None:
    async def main() -> Answer:
        with LiveResolver([server.where]) as resolver:
            asked = asyncio.ensure_future(resolver.resolve(Question("unsent.example", "A")))
            await asyncio.sleep(0)
        return await asked

    answer = asyncio.run(main())
    assert (answer.status, answer.note) == (Status.TIMEOUT, "closed")
    assert ("unsent.example", "A") not in server.questions


def test_time_counts_from_when_a_question_leaves(server: Server) -> None:
    async def instant() -> str:
        return "instant"

    found = {}
    with LiveResolver([server.where], timeout=0.3, tries=1) as resolver:
        for index, result in crowd([resolver.resolve(A), instant()]):
            found[index] = result
            time.sleep(0.5)  # whoever takes the results is slow
    assert found[1] == "instant"
    assert isinstance(found[0], Answer)
    assert found[0].status is Status.NOERROR


def test_idle_sockets_are_closed_in_a_long_lived_loop(server: Server) -> None:
    async def program() -> int:
        resolver = LiveResolver([server.where])
        await resolver.resolve(A)
        (client,) = resolver._clients.values()
        await asyncio.sleep(1.3)
        return sum(1 for _ in client._ports)

    assert asyncio.run(program()) == 0


def test_many_questions_through_a_small_buffer(driver: Driver) -> None:
    """A burst is ramped up, so hardly anything is lost and asked again."""
    with Server({}) as server, LiveResolver([server.where]) as resolver:

        async def work() -> list[Answer]:
            from senderauth.dns import together

            return await together(*(resolver.resolve(Question(f"{n}.example", "A")) for n in range(1000)))

        answers = driver(work())
        assert {answer.status for answer in answers} == {Status.NXDOMAIN}
        assert len(server.questions) < 2_400  # a burst that is not ramped up loses most, and asks again


# --- name servers as users write them --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "scheme", "address", "port", "shown"),
    [
        ("192.0.2.53", "udp", "192.0.2.53", 53, "192.0.2.53"),
        ("192.0.2.53:5300", "udp", "192.0.2.53", 5300, "192.0.2.53:5300"),
        ("2001:db8::53", "udp", "2001:db8::53", 53, "2001:db8::53"),
        ("[2001:db8::53]", "udp", "2001:db8::53", 53, "2001:db8::53"),
        ("[2001:db8::53]:5300", "udp", "2001:db8::53", 5300, "[2001:db8::53]:5300"),
        ("tls://dns.example", "tls", "dns.example", 853, "tls://dns.example"),
        ("tls://192.0.2.53:8853#dns.example", "tls", "192.0.2.53", 8853, "tls://192.0.2.53:8853#dns.example"),
        (
            "https://dns.example/dns-query",
            "https",
            "https://dns.example/dns-query",
            443,
            "https://dns.example/dns-query",
        ),
    ],
)
def test_name_servers(text: str, scheme: str, address: str, port: int, shown: str) -> None:
    if scheme == "https" and not dns.query.have_doh:
        pytest.skip("DNS over HTTPS needs pip install dnspython[doh]")
    server = parse_server(text)
    assert (server.scheme, server.address, server.port, server.text) == (scheme, address, port, shown)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "dns.example",
        "192.0.2",
        "192.0.2.53:",
        "192.0.2.53:0",
        "192.0.2.53:70000",
        "192.0.2.53:x",
        "[::1",
        "[::1]x",
        "[::1]:",
        "tls://",
        "tls://a b",
        "https://",
        "https://a:b/",
        "udp://192.0.2.53",
        "http://dns.example",
        "192.0.2.53\n",
        "tls://x\x1b[31m",
        "https://[",
        "192.0.2.53:٣",
    ],
)
def test_what_is_no_name_server_is_said_in_one_line(text: str) -> None:
    if text.strip() == "192.0.2.53":
        assert parse_server(text).text == "192.0.2.53"
        return
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is looked at below
        LiveResolver([text])
    assert "\n" not in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": float("nan")},
        {"tries": 0},
        {"rate": 0},
        {"rate": -1},
        {"rate": float("nan")},
        {"nameservers": []},
        {"port": 0},
        {"port": 65_536},
    ],
)
def test_options_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        LiveResolver(**{"nameservers": ["192.0.2.1"], **options})


def test_what_https_needs_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dns.query.have_doh", False)
    with pytest.raises(ValueError, match=r"pip install 'senderauth\[doh\]'"):
        LiveResolver(["https://192.0.2.53/dns-query"])


def test_one_text_is_not_a_list_of_servers() -> None:
    with pytest.raises(TypeError):
        LiveResolver("192.0.2.53")


def test_an_unknown_type_is_misuse(server: Server) -> None:
    with pytest.raises(ValueError, match="record type"):
        run(LiveResolver([server.where]).resolve(Question("a.example", "NONSENSE")))


def test_the_systems_servers_are_the_default() -> None:
    try:
        found = system_nameservers()
    except ValueError:
        pytest.skip("this system has no name server configured")
    assert LiveResolver().nameservers == found


def test_threads_share_a_pace(server: Server) -> None:
    resolver = LiveResolver([server.where], rate=40)
    start = time.monotonic()
    threads = [
        threading.Thread(target=lambda: [run(resolver.resolve(A)) for _ in range(5)]) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - start >= 9 / 40 * 0.9
