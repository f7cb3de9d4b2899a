"""The grade of a domain: one letter, one rule each, from the worst down to the best.

F  Anybody may send: SPF passes every address, or there is neither an SPF record nor a DMARC policy.
E  A stranger's mail is accepted, and SPF or DMARC is missing or does not work.
D  A stranger's mail is accepted: DMARC only watches (p=none), and not even reports are asked for.
C  A stranger's mail is accepted: DMARC only watches, and reports come in.
B  A stranger's mail is refused by some or goes to the junk folder; or it is refused, but there is a finding
   of high severity.
A  A stranger's mail is refused by every receiver that judges the author's domain (DMARC).

No grade where DNS would not tell what decides, and for a domain that does not exist.
"""

from __future__ import annotations

from senderauth.audit.row import DMARC, MX, SPF, Grade, Spoofing

UNUSABLE = frozenset({"none", "permerror"})
"""Results of SPF for a stranger that protect nothing."""


def grade(spf: SPF, dmarc: DMARC, spoofing: Spoofing, mx: MX, has_high: bool) -> Grade | None:
    """The letter; has_high: there is a finding of high severity."""
    if spoofing.answer == "unknown" or mx.state == "missing":
        return None
    without_policy = dmarc.rfc9989.policy is None and dmarc.rfc7489.policy is None
    if spoofing.spf == "pass" or (spf.state == "absent" and without_policy):
        return "F"
    if spoofing.answer == "no":
        return "B" if has_high else "A"
    if spoofing.answer == "partly":
        return "B"
    if without_policy or spf.state != "found" or spoofing.spf in UNUSABLE:
        return "E"
    return "C" if dmarc.reports else "D"
