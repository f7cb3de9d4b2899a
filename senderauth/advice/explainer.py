"""`explain`: a bounce in; what it says, whose turn it is, whether DNS confirms it, and the remedy out.

Theory of operation. The catalogue reads a bounce; each recipient or line becomes an `Explained` with its
readings, its facts and the proof by simulation. `Explainer` does this one bounce at a time and keeps
only counts, one example a cause and a bounded number of proofs, so that a log of any size can pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from senderauth import catalogue
from senderauth.advice.action import Remedy
from senderauth.advice.confirm import prove, readings
from senderauth.advice.judge import Report
from senderauth.advice.proof import Confirmation, Proof, open_proof
from senderauth.advice.recipient import RECIPIENT
from senderauth.catalogue import Bounce, Codes, Fact, Match
from senderauth.dns import CachingResolver, Resolver, together
from senderauth.simulation import Scenario, choose
from senderauth.values import Reason, Span

if TYPE_CHECKING:
    from senderauth.advice.message import MessageReport

MAX_PROOFS = 50
"""Different causes, author domains and addresses that one run asks DNS about."""
SIDE_BY_SIDE = 64
"""Bounces whose questions are asked at once."""
MAX_GROUPS = 300
MAX_CASES = 20
MAX_NAMED = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """One reading of a bounce's text."""

    id: str
    """Of the catalogue's entry; empty: unknown."""
    message_id: str
    """The catalogue's message whose words were found; empty where the entry's own or a code decided."""
    rank: catalogue.Rank
    """What kind of evidence decided, see `senderauth.catalogue.RANKS`."""
    pattern: str
    """Which pattern or code decided."""
    words: str
    """The part of the text that was recognised; empty where a code decided."""
    span: Span | None
    permanence: catalogue.Permanence
    must_act: tuple[str, ...]
    """The likeliest first."""
    said_by: tuple[str, ...]
    checks: tuple[str, ...]
    """What DNS can confirm; empty: DNS cannot confirm this."""
    may_mean: tuple[str, ...]
    """Entries that the same words stand for elsewhere."""
    ambiguity: str
    """Id of the doubt, or empty."""
    meanings: tuple[str, ...]
    """Keys of what the codes say by themselves."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One recipient's bounce, or one line of a log, explained. Empty: not said."""

    form: Literal["notification", "notice", "text", "log"]
    line: int
    """Of the log, from 1; 0 elsewhere."""
    recipient: str
    text: str
    """The answer as it was given."""
    codes: Codes
    action: str
    """"failed" or "delayed": the fate of the message (RFC 3464 2.3.3); empty where nothing tells."""
    time: str
    refusing_host: str
    reporting_host: str
    provider: str
    """Key of the provider that refused."""
    entries: tuple[Candidate, ...]
    """The surest first, and before all the one that DNS confirms; never empty."""
    facts: tuple[Fact, ...]
    """Each with where it was found; the first of a name counts."""
    confirmation: Confirmation
    reason: Reason
    """Why it is confirmed, not reproduced, or cannot be checked."""
    step: Reason | None
    """What in SPF, DKIM, DMARC or ADSP decided that."""
    checked: str
    """Id of the entry that was checked; empty where none could be."""
    assumed: tuple[Fact, ...]
    """What the simulation took for granted since the bounce does not say it."""
    missing: tuple[str, ...]
    """Facts without which it could not be judged to the end."""
    remedies: tuple[Remedy, ...]
    """With the facts of this case, where the refusal was confirmed."""
    check: Report | None
    """The simulation, where one was run for an address that is known."""
    message: MessageReport | None
    """The returned message judged as it came back, where it has signatures and a body."""
    dns_unknown: bool
    """DNS would not tell."""

    def fact(self, name: str) -> str:
        """The first fact of that name, or empty."""
        return next((fact.value for fact in self.facts if fact.name == name), "")

    def exit_code(self) -> int:
        """1: refused for good, and not shown to be over, or still refused; 3: whether it would be refused
        now is what DNS would not tell; 0: anything else.
        """
        if self.dns_unknown:
            return 3
        if self.confirmation == "confirmed":
            return 1
        return 1 if self.action == "failed" and self.confirmation == "cannot-be-checked" else 0


@dataclass(frozen=True, slots=True)
class Case:
    """Bounces of one cause that concern one author domain and one sending address."""

    author_domain: str
    address: str
    count: int
    confirmation: Confirmation
    reason: Reason


@dataclass(frozen=True, slots=True)
class Group:
    """All bounces of one cause."""

    entry_id: str
    """Empty: unknown."""
    codes: str
    """Of an unknown text; empty elsewhere."""
    count: int
    failed: int
    """How many of them are final."""
    recipients: tuple[str, ...]
    """The first of them."""
    lines: tuple[int, ...]
    """Numbers of the first lines of the log."""
    cases: tuple[Case, ...]
    """The first of them; `count` counts all."""
    example: Explained
    """The first bounce of the group."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that `explain` found in one bounce message or text."""

    schema: ClassVar[str] = "senderauth/explain/1"
    bounces: tuple[Explained, ...]
    """One for each recipient or line; never empty."""
    groups: tuple[Group, ...]
    """By cause, the most frequent first."""

    @property
    def entries(self) -> tuple[Candidate, ...]:
        """Of the first bounce."""
        return self.bounces[0].entries

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Of the first bounce."""
        return self.bounces[0].facts

    @property
    def confirmation(self) -> Confirmation:
        """Of the first bounce."""
        return self.bounces[0].confirmation

    def exit_code(self) -> int:
        """The worst of all bounces: 1 a refusal that stands, 3 DNS would not tell, 0 nothing of either."""
        return worst(bounce.exit_code() for bounce in self.bounces)


def worst(codes: Iterable[int]) -> int:
    """1 before 3 before 0."""
    return max(codes, key=(0, 3, 1).index, default=0)


async def explain(
    data: bytes | str,
    resolver: Resolver | None = None,
    *,
    receivers: Iterable[str] | None = None,
    now: int | None = None,
    ip: str | None = None,
    mail_from: str | None = None,
    helo: str | None = None,
    author: str | None = None,
) -> Explanation:
    """What a bounce says, whose turn it is, and whether it would still happen.

    data is a notification, a free-form notice, a pasted text or some lines of a log; at most 4 MiB are
    read. Without a resolver nothing is asked, and nothing confirmed. receivers: ids or families of
    policies to compare with, else those of the provider that refused. ip, mail_from, helo and author are
    facts that the bounce lacks; they go before what it says. now is Unix time, for the macro %{t} only.
    Raises ValueError for facts or receivers that are none, never for what the data holds.
    """
    explainer = Explainer(
        resolver, receivers=receivers, now=now, ip=ip, mail_from=mail_from, helo=helo, author=author
    )
    bounces = await explainer.add(*catalogue.read_bounce(plain_text(data)))
    return Explanation(tuple(bounces), explainer.groups())


class Explainer:
    """Explains bounces one after the other and counts them by cause; see `explain` for the arguments.
    Memory and questions are bounded however many come: MAX_PROOFS different cases are simulated.
    """

    def __init__(
        self,
        resolver: Resolver | None = None,
        *,
        receivers: Iterable[str] | None = None,
        now: int | None = None,
        ip: str | None = None,
        mail_from: str | None = None,
        helo: str | None = None,
        author: str | None = None,
    ) -> None:
        self._resolver = None if resolver is None else CachingResolver(over=resolver)
        self._wanted = [receiver.id for receiver in choose(receivers)] if receivers else []
        self._now = now
        self._given = _given(ip, mail_from, helo, author)
        self._proofs: dict[tuple[object, ...], Proof] = {}
        self._groups: dict[tuple[str, str], Group] = {}
        self._codes: set[int] = set()

    @property
    def width(self) -> int:
        """How many bounces are worth waiting for to add them at once: 1 where nothing will be asked."""
        return SIDE_BY_SIDE if self._resolver is not None and len(self._proofs) < MAX_PROOFS else 1

    async def add(self, *bounces: Bounce) -> list[Explained]:
        """Bounces explained and counted in this order; what DNS must tell of them is asked side by side."""
        cases = [(bounce, tuple(dict.fromkeys((*self._given, *bounce.facts)))) for bounce in bounces]
        await self._prove(cases)
        found = [_explained(bounce, facts, await self._proof(bounce, facts)) for bounce, facts in cases]
        for explained in found:
            self._count(explained)
        return found

    def groups(self) -> tuple[Group, ...]:
        """All that was counted, the most frequent cause first."""
        return tuple(sorted(self._groups.values(), key=lambda group: -group.count))

    def exit_code(self) -> int:
        """The worst of all bounces so far."""
        return worst(self._codes)

    async def _prove(self, cases: Iterable[tuple[Bounce, tuple[Fact, ...]]]) -> None:
        """Proves those of the cases that are new, as many as there is room for."""
        fresh = {_case_key(*case): case for case in reversed([*cases])}  # the first of several alike
        keys = [key for key in reversed(fresh) if key not in self._proofs]
        keys = keys[: max(0, MAX_PROOFS - len(self._proofs))]
        works = [prove(*fresh[key], self._resolver, self._wanted, self._now) for key in keys]
        self._proofs.update(zip(keys, await together(*works), strict=True))

    async def _proof(self, bounce: Bounce, facts: tuple[Fact, ...]) -> Proof:
        known = self._proofs.get(_case_key(bounce, facts))
        if known is not None:
            return known
        if self._resolver is not None:
            return open_proof(Reason("explain-too-many", {"count": MAX_PROOFS}))
        return await prove(bounce, facts, None, self._wanted, self._now)

    def _count(self, found: Explained) -> None:
        self._codes.add(found.exit_code())
        entry = found.entries[0].id
        codes = "" if entry else str(found.codes)
        known = self._groups.get((entry, codes))
        if known is None and not entry and len(self._groups) >= MAX_GROUPS:
            codes = ""
            known = self._groups.get((entry, codes))
        group = known or Group(entry, codes, 0, 0, (), (), (), found)
        self._groups[entry, codes] = replace(
            group,
            count=group.count + 1,
            failed=group.failed + (found.action == "failed"),
            recipients=_few(group.recipients, found.recipient),
            lines=_few(group.lines, found.line),
            cases=_cases(group.cases, found),
        )


T = TypeVar("T")


def _few(listed: tuple[T, ...], new: T) -> tuple[T, ...]:
    if len(listed) >= MAX_NAMED or not new or new in listed:
        return listed
    return (*listed, new)


def _cases(cases: tuple[Case, ...], found: Explained) -> tuple[Case, ...]:
    author, address = found.fact("author_domain"), found.fact("address")
    for place, case in enumerate(cases):
        if (case.author_domain, case.address, case.confirmation) == (author, address, found.confirmation):
            counted = replace(case, count=case.count + 1)
            return (*cases[:place], counted, *cases[place + 1 :])
    if len(cases) >= MAX_CASES:
        return cases
    return (*cases, Case(author, address, 1, found.confirmation, found.reason))


def _case_key(bounce: Bounce, facts: tuple[Fact, ...]) -> tuple[object, ...]:
    """What a proof depends on: two bounces that agree in this need one."""
    said = tuple((f.name, f.value.rpartition("@")[2], f.source[:8]) for f in facts if f.name in DECISIVE)
    ids = readings(bounce)
    where: tuple[object, ...] = ()
    if not RECIPIENT.keys().isdisjoint(ids):
        where = (bounce.refusing_host, bounce.recipient.rpartition("@")[2])
    returned = hash(bounce.returned) if bounce.returned else 0
    return ids, bounce.provider, bounce.reporting_host, bool(bounce.refusing_host), where, returned, said


DECISIVE = frozenset(
    {
        "author",
        "author_domain",
        "mail_from",
        "mail_from_domain",
        "spf_domain",
        "identity",
        "helo",
        "address",
        "first_hop",
        "login",
        "dkim_domain",
        "dkim_selector",
        "dkim_word",
        "recipient_domain",
    }
)


def _given(ip: str | None, mail_from: str | None, helo: str | None, author: str | None) -> tuple[Fact, ...]:
    """The caller's facts in normal form. Raises ScenarioError for what is none."""
    scenario = Scenario(author or "a.invalid", (ip,) if ip else (), mail_from, helo)
    found = []
    if author:
        address = scenario.author_address
        found += [Fact("author", str(address), "given")] if address.local else []
        found.append(Fact("author_domain", address.domain, "given"))
    if mail_from is not None:
        path = scenario.mail_from_address
        found.append(Fact("mail_from", str(path) if path else "<>", "given"))
    if helo:
        found.append(Fact("helo", helo, "given"))
    if ip:
        found.append(Fact("address", ip.strip(), "given"))
    return tuple(found)


def _explained(bounce: Bounce, facts: tuple[Fact, ...], proof: Proof) -> Explained:
    return Explained(
        form=bounce.form,
        line=bounce.line,
        recipient=bounce.recipient,
        text=bounce.text,
        codes=bounce.codes,
        action=bounce.action,
        time=bounce.time,
        refusing_host=bounce.refusing_host,
        reporting_host=bounce.reporting_host,
        provider=bounce.provider,
        entries=_confirmed_first([_candidate(found, bounce.text) for found in bounce.matches], proof),
        facts=facts,
        confirmation=proof.confirmation,
        reason=proof.reason,
        step=proof.step,
        checked=proof.entry_id,
        assumed=proof.assumed,
        missing=proof.missing,
        remedies=proof.remedies,
        check=proof.check,
        message=proof.message,
        dns_unknown=proof.unknown,
    )


def _confirmed_first(listed: list[Candidate], proof: Proof) -> tuple[Candidate, ...]:
    """The readings with that first which DNS confirms: what was in doubt is so no longer. A reading that
    the first one's words stand for as well has these words.
    """
    if proof.confirmation != "confirmed" or proof.entry_id in ("", listed[0].id):
        return tuple(listed)
    known = next((one for one in listed if one.id == proof.entry_id), None)
    if known is None:
        first, entry = listed[0], catalogue.entry(proof.entry_id)
        known = replace(
            first,
            id=entry.id,
            permanence=first.permanence if entry.permanence == "depends" else entry.permanence,
            must_act=entry.must_act,
            said_by=entry.said_by,
            checks=entry.checks,
            may_mean=tuple(id for id in (first.id, *first.may_mean) if id and id != entry.id),
        )
    return (known, *(one for one in listed if one is not known))


def _candidate(found: Match, text: str) -> Candidate:
    entry = catalogue.entry(found.entry_id) if found.entry_id else None
    return Candidate(
        id=found.entry_id,
        message_id=found.id if found.id != found.entry_id else "",
        rank=found.rank,
        pattern=found.pattern,
        words=" ".join(text[found.span.start : found.span.end].split()) if found.span else "",
        span=found.span,
        permanence=found.permanence,
        must_act=entry.must_act if entry else (),
        said_by=entry.said_by if entry else (),
        checks=entry.checks if entry else (),
        may_mean=found.may_mean,
        ambiguity=found.ambiguity,
        meanings=found.meanings,
    )


_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def plain_text(data: bytes | str) -> bytes | str:
    """The data without a byte order mark; UTF-16 as some programs save a copied text becomes UTF-8."""
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[2 : 8 * 1024 * 1024].decode(encoding, "replace").encode("utf-8", "replace")
    return data.removeprefix(b"\xef\xbb\xbf")
