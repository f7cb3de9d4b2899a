"""One send before it happens: the facts, all verdicts, what each receiver would answer."""

from senderauth.simulation.domain import MAX_EXCHANGES, MailDomain, mail_domain
from senderauth.simulation.domain import findings as mail_domain_findings
from senderauth.simulation.host import Host, Reverse, Sender, special
from senderauth.simulation.predict import Prediction, case_facts, facts_of, predict
from senderauth.simulation.receiver import OUTCOMES, Outcome, Receiver, Rule, answer, choose, receivers
from senderauth.simulation.scenario import Address, Scenario, ScenarioError, parse_signer
from senderauth.simulation.signer import Signature
from senderauth.simulation.simulate import Simulation, Verdict, simulate

__all__ = [
    "MAX_EXCHANGES",
    "OUTCOMES",
    "Address",
    "Host",
    "MailDomain",
    "Outcome",
    "Prediction",
    "Receiver",
    "Reverse",
    "Rule",
    "Scenario",
    "ScenarioError",
    "Sender",
    "Signature",
    "Simulation",
    "Verdict",
    "answer",
    "case_facts",
    "choose",
    "facts_of",
    "mail_domain",
    "mail_domain_findings",
    "parse_signer",
    "predict",
    "receivers",
    "simulate",
    "special",
]
