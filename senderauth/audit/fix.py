"""What to change: proposals for a row, tried as `check --fix` tries them.

Theory of operation. The domain is examined again over each overlay of changes, by the code that made the
row, on the answers that the row has; so only names that a change brings in are asked about. Where the line
names hosts, the changes that cure their refusals come first, and no other change may make one of their
answers worse. Of changes that can stand for each other one is told, so that all that a row proposes can be
made together; that, too, is tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from senderauth import dkim, names, spf
from senderauth.advice import (
    DomainReport,
    Judged,
    Proposal,
    as_proposed,
    check,
    is_worse,
    outcome_of,
    plan_of,
    propose,
    propose_for_domain,
    sent_again,
)
from senderauth.audit import row as of_row
from senderauth.audit.asks import Asks
from senderauth.audit.examine import Examination, Options
from senderauth.audit.parts import SERIOUS
from senderauth.audit.read import Entry
from senderauth.audit.row import GRADES, Row
from senderauth.dns import Resolver
from senderauth.simulation import Scenario

LEFT_OUT = frozenset({"hosts", "mta_sts", "tls_rpt"})
"""What no proposal for a domain changes."""
EASIER = ("no", "partly", "yes")
MENDABLE = ("malformed", "unusable")
ADDRESSES = ("A", "AAAA", "MX")


async def with_fix(
    row: Row, entry: Entry, asks: Asks, options: Options, branches: spf.Branches | None
) -> Row:
    """The row with what to change. asks: the row's, with all that it was told."""
    if row.error is not None:
        return row
    return replace(row, fix=await _Fixing(entry, asks, options, branches).fix())


class _Fixing:
    """One row on its way to proposals."""

    def __init__(self, entry: Entry, asks: Asks, options: Options, branches: spf.Branches | None) -> None:
        self.entry, self.below, self.branches = entry, asks.beside(), branches
        self.options = replace(options, with_lint=False, with_fix=False, parts=options.parts - LEFT_OUT)
        self.checks_hosts = bool(entry.hosts) and "hosts" in options.parts
        self.own = names.registrable(entry.domain) or entry.domain

    async def fix(self) -> of_row.Fix:
        """The whole of it."""
        report, now = await self._examine(self.below, [self.own])
        planned = self._planned()
        known = [one for one in self.options.senders.get(self.own, ()) if one != planned]
        named = ([planned] if planned else []) + known
        sends: list[Judged] = [await check(one, self.below, with_misplaced=False) for one in named]
        cures = await propose(sends[0], self.below, senders=known) if planned else ()
        offered = await propose_for_domain(report, self.below, self._judge, sends=sends)
        tried: list[tuple[Proposal, Row]] = []
        for proposal in plan_of(cures, offered):
            after = await self._with([proposal])
            if proposal in cures or _helps(now, after):
                tried.append((proposal, after))
        after, answers = now, sends
        while tried:
            chosen = [proposal for proposal, _ in tried]
            after, answers = await self._with(chosen), await self._sent(sends, chosen)
            eased = _is_easier(now, after) and all(p.kind == "improvement" for p in chosen)
            if not eased and not any(map(is_worse, sends, answers)):
                break
            tried.pop()
            after, answers = now, sends
        ids = {proposal.id for proposal, _ in tried}
        return of_row.Fix(
            tuple([_told(proposal, now, alone) for proposal, alone in tried]),
            tuple(_advice(self.entry.domain, [*cures, *offered], ids, after)),
            after.grade,
            None if after.spoofing is None else after.spoofing.answer,
            outcome_of(answers[0]) if planned else None,
            tuple(dict.fromkeys(f.id for f in after.findings if f.severity in SERIOUS)),
        )

    def _planned(self) -> Scenario | None:
        """The send that the line names."""
        entry = self.entry
        if not self.checks_hosts:
            return None
        return Scenario(entry.author, entry.hosts, entry.mail_from, entry.helo, entry.signers)

    async def _sent(self, sends: Sequence[Judged], proposals: Sequence[Proposal]) -> list[Judged]:
        """The sends with these changes. Settings are of the send that the line names."""
        if not sends:
            return []
        changes = [replace(proposal, settings=()) for proposal in proposals]
        made = [proposals if self.checks_hosts and n == 0 else changes for n in range(len(sends))]
        return [await sent_again(one, self.below, what) for one, what in zip(sends, made, strict=True)]

    async def _judge(self, _: Scenario, resolver: Resolver) -> DomainReport:
        """For proposals about the domain's own records."""
        return (await self._examine(resolver, [self.own]))[0]

    async def _with(self, proposals: Sequence[Proposal]) -> Row:
        """The row with these changes."""
        changes = [change for proposal in proposals for change in proposal.changes]
        moved = any(change.rdtype in ADDRESSES for change in changes)
        changed = None if moved else [self.own, *(change.name for change in changes)]
        return (await self._examine(as_proposed(self.below, proposals), changed))[1]

    async def _examine(self, resolver: Resolver, changed: Sequence[str] | None) -> tuple[DomainReport, Row]:
        """The domain on this DNS. changed: names at or below which it may be another than the published one;
        None: hosts, too, may be elsewhere.
        """
        entry, branches = self.entry, None
        if self.branches is not None and changed is not None:
            branches = _Kept(self.branches, changed)
        examination = Examination(entry, Asks(entry.domain, resolver, resolver), self.options, branches)
        row = await examination.row()
        outline, policies = examination.survey, examination.policies
        practice, mail_domain = examination.practice, examination.mail_domain
        assert outline is not None  # as the following: `chosen_parts` sees to what spoofing needs
        assert policies is not None
        assert practice is not None
        assert mail_domain is not None
        keys = () if row.dkim is None else [key for key in row.dkim.keys if key.state in MENDABLE]
        report = DomainReport(
            Scenario(entry.domain),
            (mail_domain,),
            (spf.surveyed(outline),),
            policies,
            practice,
            tuple([await dkim.fetch_key(resolver, entry.domain, key.selector) for key in keys]),
            row.dkim is not None and row.dkim.state == "none-possible",
            tuple(examination.findings),
        )
        return report, row


class _Kept:
    """Branches that no change at or below these names bears on; none is added."""

    def __init__(self, over: spf.Branches, changed: Sequence[str]) -> None:
        self._over, self._changed = over, changed

    def get(self, domain: str) -> spf.Branch | None:
        """The branch, if it is kept."""
        found = self._over.get(domain)
        if found is None or any(names.is_below(name, top) for name in found.domains for top in self._changed):
            return None
        return found

    def put(self, domain: str, branch: spf.Branch) -> None:
        """It may come from records that nobody has published."""


def _is_easier(now: Row, after: Row) -> bool:
    """Whether a stranger has it easier."""
    graded = now.grade is not None and after.grade is not None
    if graded and GRADES.index(after.grade or "F") > GRADES.index(now.grade or "F"):
        return True
    return _ease(after) > _ease(now) >= 0


def _ease(row: Row) -> int:
    answer = row.spoofing.answer if row.spoofing is not None else "unknown"
    return EASIER.index(answer) if answer in EASIER else -1


def _helps(now: Row, after: Row) -> bool:
    """Whether a change does any good, and a stranger none."""
    better = _is_easier(after, now)
    return not _is_easier(now, after) and (better or bool(_settled(now, after)))


def _settled(now: Row, after: Row) -> tuple[str, ...]:
    """Ids of the findings that are gone."""
    left = {finding.id for finding in after.findings}
    return tuple(dict.fromkeys(finding.id for finding in now.findings if finding.id not in left))


def _told(proposal: Proposal, now: Row, after: Row) -> of_row.Proposal:
    """The proposal in short."""
    assert proposal.proof is not None
    usual = [case.receiver for case in proposal.cures if not case.optional]
    reach = [
        of_row.Reach(r.domain, r.lost, r.gained4, r.gained6, r.lookups[1], r.voids[1])
        for r in proposal.proof.reach
        if r.lost or r.gained4 or r.gained6 or r.lookups[0] != r.lookups[1] or r.voids[0] != r.voids[1]
    ]
    return of_row.Proposal(
        proposal.id,
        "improvement" if proposal.kind == "improvement" else "cure",
        proposal.who,
        proposal.facts,
        tuple([of_row.Change(c.name, c.rdtype, c.old, c.new, c.kept) for c in proposal.changes]),
        tuple([of_row.Setting(s.id, s.who, s.value) for s in proposal.settings]),
        tuple(dict.fromkeys(usual or [case.receiver for case in proposal.cures])),
        _settled(now, after),
        tuple(reach),
        (*proposal.cautions, *proposal.proof.laxer, *proposal.proof.uncovered),
    )


def _advice(domain: str, offered: Sequence[Proposal], ids: set[str], after: Row) -> Iterator[of_row.Advice]:
    """What no record cures; last whether a stranger is still let in because nobody knows who sends."""
    # what only bulk senders meet is not worth a line in a list of domains
    words = [p for p in offered if p.kind == "advice" and not p.facts["optional"]]
    told = {p.id: of_row.Advice(p.id, p.facts) for p in words}
    yield from told.values()
    if "adsp-remove" not in ids and any(p.id == "adsp-remove" for p in offered):
        yield of_row.Advice("no-record-adsp-yet", {"domain": domain})
    exists = "no-record-domain-missing" not in told and "no-record-foreign-author" not in told
    if exists and _ease(after) > 0 and "dmarc-next-step" not in ids:
        yield of_row.Advice("no-record-senders-unknown", {"domain": domain})
