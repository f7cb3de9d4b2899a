# ruff: noqa: E501 - replies and log lines stand as they come
"""Refusals as receivers word them: the cause, the receiver and the facts; and what is no matter of authentication."""

import pytest

from senderauth.advice.asked import provider_of_bounce
from senderauth.catalogue import match, read_bounce, read_log


@pytest.mark.parametrize(
    ("text", "id"),
    [
        # NetEase's own list of codes: DMC is a limit of one connection, DMA is DMARC.
        ("550 MI:DMA 163 mx1,abc http://mail.163.com/help/help_spam_16.htm?ip=192.0.2.1", "dmarc-policy-refused"),
        ("451 MI:DMC 163 mx1,abc http://mail.163.com/help/help_spam_16.htm?ip=192.0.2.1", "unusual-rate"),
        ("421 HL:REP 163 mx1,abc", "unusual-rate"),
        ("421 HL:ICC 163 mx1,abc", "too-many-connections"),
        ("554 MI:SPB 163 mx1,abc", "sender-blocked"),
        ("554 HL:IPB 163 mx1,abc", "address-reputation"),
        ("550 RP:RCL 163 mx1,abc", "too-many-recipients"),
        ("554 Transaction failed Reject due to domain's DMARC policy", "dmarc-policy-refused"),
        ("550 5.5.0 Service refuse. Veuillez essayer plus tard. service refused, please try later. LPN007_510", "sender-blocked"),
        ("421 mx1 Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_506 [506]", "sender-blocked"),
        ("421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.", "address-reputation"),
        ("421 4.7.0 [TS02] Messages from 192.0.2.1 temporarily deferred", "unusual-rate"),
        ("554 5.7.1 [HM08] Message rejected due to local policy.", "sender-blocked"),
        ("421 4.7.1 Messages to jan@example.org deferred due to excessive volume. Try again later", "unusual-rate"),
        ("550 Remote host said Sender Authorization check failed", "spf-check-failed"),
        ("550 Rejected, you are not using a server that is authorized to send mail from your domain.", "spf-check-failed"),
        ("554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed", "submission-sender-mismatch"),
        ('550 "envelope sender not allowed"', "submission-sender-mismatch"),
        ("503 5.5.4 Error: send AUTH command first.", "login-failed"),
    ],
)  # fmt: skip
def test_fixed_words_of_receivers_lead_to_their_cause(text, id):
    assert match(text)[0].entry_id == id
