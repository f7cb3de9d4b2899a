# ruff: noqa: E501 - replies and log lines stand as they come
"""Refusals as receivers word them: the cause, the receiver and the facts; and what is no matter of authentication."""

import pytest

from senderauth.advice.asked import provider_of_bounce
from senderauth.catalogue import match, read_bounce, read_log


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("554 Transaction failed Reject due to domain's DMARC policy", "dmarc-policy-refused"),
        ("550 5.5.0 Service refuse. Veuillez essayer plus tard. service refused, please try later. LPN007_510", "sender-blocked"),
        # Orange's own list of codes: the number says more than the words, which are the same for many.
        ("421 mx1 Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_506 [506]", "content-refused-as-spam"),
        ("550 5.2.0 Mail rejete. Mail rejected. ofr_506 [506]", "content-refused-as-spam"),
        ("421 mx1 Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR006_103 192.0.2.1 [103]", "address-reputation"),
        ("421 mx1 Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_999 [999]", "unusual-rate"),
        ("421 mx1 Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR004_105", "sender-blocked"),
        ("550 5.7.0 Code d'authentification invalide OFR_305", "login-failed"),
        ("550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]", "recipient-unknown"),
        ("421 4.3.1 You send too many messages.", "unusual-rate"),
        ("550 5.7.1 Since you sent too many e-mails, you are not allowed to send more e-mails within 24 hours", "unusual-rate"),
        ("550 REJECTED - Too many failed recipients - count = 4", "too-many-unknown-recipients"),
        ("451 Requested action aborted: Too many failed recipients.", "too-many-unknown-recipients"),
        ("550 5.1.1 Too many invalid recipients", "too-many-unknown-recipients"),
        ("550 Dictionary attack detected", "too-many-unknown-recipients"),
        ("452 4.5.3 Too many recipients", "too-many-recipients"),
        ("550 Recipient verification failed", "recipient-unknown"),
        ("550 REJECTED - Recipient Verify Failed - User Not Found", "recipient-unknown"),
        ("501 #5.1.1 bad address jan@example.org", "recipient-unknown"),
        ("501 bad address jan@example.org", "address-malformed"),
        ("501 5.1.3 bad address syntax", "address-malformed"),
        ("554 5.7.1 Message scored too high on spam scale.  For help, please quote incident ID 22492290.", "content-refused-as-spam"),
        ("554 5.7.1 Message scored too high", "content-refused-as-spam"),
        ("554 5.7.1 Message rejected by MagicSpam", "sender-blocked"),
        ("550 Messages from your location are rejected, bad or missing identifier (HELO). Protection provided by: MagicSpam 1.0.8", "helo-invalid"),
        ("535 5.7.8 Error: authentication failed: SPF", "login-failed"),
        ("535 5.7.1 Authentication failed; SPF check failed", "login-failed"),
        ("535 Incorrect authentication data (SPF: fail)", "login-failed"),
        ("535 5.7.23 SPF validation failed", "spf-hard-fail"),
        ("550 5.7.1 DMARC check failed: No aligned identifiers", "dmarc-policy-refused"),
        ("550 5.7.1 No aligned identifiers", "dmarc-policy-refused"),
        ("550 5.7.1 Refused: dmarc=fail (p=reject), identifiers not aligned", "dmarc-policy-refused"),
        ("550 5.7.1 Refused: dmarc=fail action=reject, no alignment", "dmarc-policy-refused"),
        ("550 5.7.1 Rejected by OpenDMARC: identifiers not aligned, policy reject", "dmarc-policy-refused"),
        ("550 5.7.1 From: is not aligned with SPF or DKIM", "dmarc-not-aligned"),
        ("550 5.7.1 The domain is on our deny list, whatever its DMARC policy", "sender-blocked"),
        ("550 5.7.1 Sender verification failed: SPF fail", "spf-check-failed"),
        ("550 5.7.1 Sender address verification failed: DMARC says reject", "dmarc-policy-refused"),
        ("550 5.1.0 <a@shop.example>: Sender address rejected: mailbox does not exist", "sender-verify-failed"),
        ("550 5.5.0 Boite du destinataire archivee. Archived recipient. LPN007_420", "recipient-mailbox-disabled"),
        ("550 5.5.0 Le compte du destinataire est bloque. The recipient account isblocked. LPN007_426", "recipient-mailbox-disabled"),
        ("554 mx.example.net cox too many bad commands from 192.0.2.1", "address-reputation"),
        ("554 mx.example.net cmsmtp 192.0.2.1 blocked. AUP#CXDNS", "reverse-dns-missing"),
        ("550 5.1.0 <a@shop.example> sender rejected. AUP#CXSNDR", "unauthenticated-message"),
        ("554 impin004.msg.chrl.nc.charter.net cmsmtp 192.0.2.1 blocked. AUP#In-1020", "sender-blocked"),
        # Spectrum's own list of codes.
        ("421 impin004.msg.chrl.nc.charter.net cmsmtp 192.0.2.1 blocked. AUP#In-1370", "unusual-rate"),
        ("550 5.1.0 <a@shop.example> sender rejected. AUP#In-1310", "too-many-connections"),
        ("554 impin004.msg.chrl.nc.charter.net cmsmtp 192.0.2.1 blocked. AUP#In-1240", "address-reputation"),
        ("554 dnvrco-cmimta15 esmtp ESMTP server not available AUP#I-1010", "sender-blocked"),
        ("554 Connection rejected AUP#In-1130", "reverse-dns-missing"),
        ("550 AUP#In-1560", "too-many-unknown-recipients"),
        ("451 too many errors from your ip (192.0.2.1), please visit http://postmaster.free.fr/", "address-reputation"),
        ("550 5.7.1 Refused regardless of SPF, the message is spam", "content-refused-as-spam"),
        ("421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed.", "address-reputation"),
        ("421 4.7.0 [TS02] Messages from 192.0.2.1 temporarily deferred", "unusual-rate"),
        ("550 Remote host said Sender Authorization check failed", "spf-check-failed"),
        ("550 Rejected, you are not using a server that is authorized to send mail from your domain.", "spf-check-failed"),
        ("554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed", "submission-sender-mismatch"),
        ('550 "envelope sender not allowed"', "submission-sender-mismatch"),
        ("550 5.7.0 Permanent DNS error while checking SPF record.", "spf-record-broken"),
        ("550 User not a member of domain: <jan@example.org>", "recipient-unknown"),
        ("550-I'm sorry but jan@example.org does not have an account here.", "recipient-unknown"),
        ("550 <jan@example.org>... User account not activated", "recipient-mailbox-disabled"),
        ("552 recipient storage full, try again later", "mailbox-full"),
        ("550 relaying to <jan@example.org> prohibited by administrator", "relay-denied"),
        ("530 From/Sender name is not valid", "submission-sender-mismatch"),
        ("450 4.1.8 <a@example.com>: Sender address rejected: Malformed DNS server reply", "sender-domain-unresolvable"),
        ("504 5.5.2 <root@localhost>: Sender address rejected: need fully-qualified address", "address-malformed"),
        ("504 5.5.2 <jan>: Recipient address rejected: need fully-qualified address", "address-malformed"),
        ("550 5.1.1 <a@example.com> sender is blacklisted", "sender-blocked"),
        ("550 5.7.1 Recipient doesn't want your mail", "sender-blocked"),
        ("550 Mail is rejected by recipients", "sender-blocked"),
        ("553 5.7.0 IP REJECT: 192.0.2.4:1655686778:https://mail.example.net/help", "sender-blocked"),
        ("451 Requested mail action not taken: too much fail authentication", "login-failed"),
        ("554 IP is rejected", "sender-blocked"),
        ("550 sender is rejected: example.com", "sender-blocked"),
        ("550-Your message was rejected by this user and was not delivered.", "sender-blocked"),
        ("451 qq trouble creating files in queue (#4.3.0)", "temporary-server-failure"),
        ("451 qq write error or disk full (#4.3.0)", "temporary-server-failure"),
        ("554 5.1.0 Null sender is not allowed", ""),
        ("503 5.5.4 Error: send AUTH command first.", "login-failed"),
    ],
)  # fmt: skip
def test_fixed_words_of_receivers_lead_to_their_cause(text, id):
    assert match(text)[0].entry_id == id


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ("550 5.7.1 Unheard-of words - gsmtp", "gmail"),
        ("550 5.7.999 Unheard-of words [AB1.eop-EUR01.prod.protection.outlook.com]", "microsoft"),
        ("553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1; see https://help.yahoo.com/kb/x", "yahoo"),
        ("550 5.7.1 Unheard-of words, see https://support.apple.com/x", "apple"),
        ("554 Unheard-of words For explanation visit https://postmaster.gmx.net/en/case?c=r1", "gmx"),
        ("554 192.0.2.1 found on one or more DNSBLs, see http://postmaster.comcast.net/x#BL000010", "comcast"),
        ("421 Too many spams from your IP (192.0.2.1), please visit http://postmaster.free.fr/", "free"),
        ("421 4.3.2 Your IP(192.0.2.1) is filtered and this connection will be closed. You must register your IP to http://realip.naver.com", "naver"),
        ("550 5.1.1 No such user. For more information, go to https://help.naver.com/alias/mail/newmail10.naver YFIkhhfi - nsmtp", "naver"),
        ("<jan@twc.example>: host pkvw-mx.msg.pkvw.co.charter.net[192.0.2.9] said: 554 Connection Rejected", "charter"),
        ("<jan@cox.example>: host cxr.mx.a.cloudfilter.net[192.0.2.9] said: 554 Connection Rejected", "cox"),
        ("<jan@eir.example>: host eir-mx.mx.a.cloudfilter.net[192.0.2.9] said: 554 Connection Rejected", ""),
        ("<jan@shop.example>: host smtp-in.sfr.fr[192.0.2.9] said: 554 No", "sfr"),
        ("<jan@shop.example>: host mx1.free.fr[192.0.2.9] said: 554 No", "free"),
        ("<jan@shop.example>: host mx1.naver.com[192.0.2.9] said: 554 No", "naver"),
        ("550 DMARC check failed http://service.mail.qq.com/cgi-bin/help?id=16", "tencent"),
        ("550 5.7.1 DMARC check failed", ""),  # others say so, too
        ("<jan@gmail.com>: host mx.example.org[192.0.2.9] said: 550 5.7.1 No, see https://support.apple.com/x", "gmail"),
        ("host mx.example.org[192.0.2.9] said: 550 5.7.1 No, see https://support.apple.com/x", ""),
    ],
)  # fmt: skip
def test_the_receiver_is_known_by_the_host_or_by_its_own_pages_and_programs(text, provider):
    assert provider_of_bounce(read_bounce(text)[0]) == provider


def test_a_provider_s_own_code_counts_where_only_its_mark_tells_it():
    assert (
        read_bounce("550 5.7.27 In words of tomorrow - gsmtp")[0].matches[0].entry_id == "spf-pass-required"
    )


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        (
            "551 5.0.0 Rejected, look at http://www.openspf.org/why.html?sender=a@example.com&ip=192.0.2.1&receiver=mx.example.org",
            {"mail_from": "a@example.com", "address": "192.0.2.1", "host": "mx.example.org"},
        ),
        (
            "550-Reject due to SPF policy. 550 For explanation visit http://postmaster.gmx.com/en/error-messages?ip=192.0.2.1&c=spf",
            {"address": "192.0.2.1"},
        ),
        (
            "550-5.7.26 For this message, DKIM checks did not pass and SPF check for [mx.example.com] did not pass with ip: [192.0.2.1].",
            {"spf_domain": "mx.example.com", "address": "192.0.2.1", "spf_word": "fail"},
        ),
        (
            "550 5.7.0 (A-B1) Unfortunately, messages from (192.0.2.1) on behalf of (example.com) could not be delivered due to domain owner policy restrictions.",
            {"author_domain": "example.com", "address": "192.0.2.1"},
        ),
        (
            "550 mx.example.org: domain of a@example.com does not designate 192.0.2.1 as permitted sender",
            {"mail_from": "a@example.com", "address": "192.0.2.1"},
        ),
        (
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using bl.example.net; 127.0.0.2; see http://bl.example.net/192.0.2.1",
            {"block_list": "bl.example.net", "address": "192.0.2.1"},
        ),
        ("550 5.7.1 DMARC fail: neither passed for domain example.com", {"author_domain": "example.com"}),
        ("550 5.7.1 DMARC fail, says the policy of the domain example.com", {"author_domain": "example.com"}),
        ("550 5.7.1 192.0.2.1 and 192.0.2.2 are blacklisted by our list", {}),
    ],
)  # fmt: skip
def test_a_refusal_names_whom_it_refused(text, facts):
    found = {fact.name: fact.value for fact in match(text)[0].facts}
    assert {name: found.get(name) for name in facts} == facts
    assert facts or "address" not in found


@pytest.mark.parametrize(
    ("text", "id"),
    [
        # A final refusal is not passing because it says "try again".
        ("550 The message has an invalid DKIM signature, please try again", "dkim-signature-required"),
        ("550 5.7.1 DMARC of example.com forbids it, try again through your own server", "dmarc-policy-refused"),
        ("451 4.7.1 The DKIM key could not be read, try again", "dmarc-dns-unavailable"),
        ("451 4.7.1 Unable to perform DMARC verification.", "dmarc-dns-unavailable"),
        ("451 4.4.3 Unable to verify SPF of example.com", "spf-dns-unavailable"),
        ("550 5.7.1 Unable to verify the DKIM signature: invalid", "dkim-signature-required"),
        ("550 5.7.1 TempError in the SPF of example.com", "spf-dns-unavailable"),
        # The log's own "helo=" is no word about a HELO.
        ("5.7.1 Command rejected; from=a@shop.example to=jan@example.org proto=ESMTP helo=<mx.shop.example>", ""),
        # What the answer says goes before what others call the address.
        ("554 Connection rejected for policy reasons. 192.0.2.1 found in DNS blacklist at bl.example.net", "address-reputation"),
        ("554 Service not available No SMTP service IP address is black listed", "address-reputation"),
        ("421 4.3.2 Your IP(192.0.2.1) is filtered and this connection will be closed", "address-reputation"),
        ("550 5.1.0 <a@example.com> sender rejected. All sender domains must resolve to a valid MX or A-record", "sender-domain-unresolvable"),
        ("550 5.1.0 Email sending blocked due to suspicious activity of your account", "sending-not-allowed"),
        ("554 5.7.1 Message rejected due to policy restrictions", "sender-blocked"),
        ("554 5.7.1 mx.example.org no DNS reverse for 192.0.2.1", "reverse-dns-missing"),
        # What passed is not what was wrong.
        ("552 5.7.0 Attachments of type .zip are not allowed; the message passed SPF", "content-forbidden-attachment"),
        ("550 5.7.1 Message rejected. Authentication-Results: spf=pass dkim=pass dmarc=pass", ""),
        ("550 5.7.1 Nope: spf=pass dkim=fail dmarc=pass", "dkim-signature-required"),
        # A greylist is one, whatever it also finds.
        ("451 4.7.1 Greylisting in action, DKIM signature missing, come back in 300 seconds", "greylisted"),
        # "No aligned signature" under a policy of the domain is that policy's refusal.
        ("550 5.7.1 Blocked by the DMARC policy of example.com: no aligned SPF or DKIM", "dmarc-policy-refused"),
        # rspamd's whole answer, and the same words beside a reason.
        ("451 4.7.1 Try again later (in reply to end of DATA command)", "greylisted"),
        ("451 4.7.1 Too many messages from you, try again later", "unusual-rate"),
        # A gateway's own words around another's answer.
        ("5.1.0 - Unknown address error 550-'SPF check failed'", "spf-check-failed"),
        ("5.1.0 - Unknown address error 550-'Nothing that is known (X:Y)'", ""),
        ("5.3.0 - Other mail system problem 554-'Email rejected per DMARC policy for shop.example'", "dmarc-policy-refused"),
        # "Service unavailable" is passing only where the code is.
        ("451 4.3.0 Service unavailable", "temporary-server-failure"),
        ("554 5.0.0 Service unavailable", ""),
        ("521 5.3.2 System not accepting network messages", "temporary-server-failure"),
    ],
)  # fmt: skip
def test_words_beside_the_reason_are_not_the_reason(text, id):
    assert read_bounce(text)[0].matches[0].entry_id == id


def test_the_last_answer_says_more_than_the_notice_that_the_server_still_tries():
    notice = """The original message was received at Wed, 26 Aug 2026 06:06:59 GMT from a@localhost
   ----- Transcript of session follows -----
... while talking to mx.example.org.:
>>> DATA
<<< 451 4.1.8 Domain of sender address a@shop.example does not resolve
<jan@example.org>... Deferred: 451 4.1.8 Domain of sender address a@shop.example does not resolve
<<< 503 5.0.0 Need RCPT (recipient)
Warning: message still undelivered after 4 hours
Will keep trying until message is 1 week old
"""
    assert read_bounce(notice)[0].matches[0].entry_id == "sender-domain-unresolvable"


@pytest.mark.parametrize("marks", ["<>", "  "])
def test_a_postfix_log_is_read_though_a_web_page_ate_its_angle_brackets(marks):
    left, right = marks.replace(" ", "") or ("", "")
    line = (
        "Aug  4 10:11:12 mx1 postfix/cleanup[9]: 4F00AB: milter-reject: END-OF-MESSAGE from mail.example.net[203.0.113.7]: "
        f"5.7.23 SPF validation failed. : Reason: mechanism; from={left}a@shop.example{right} to={left}jan@example.org{right} "
        f"proto=ESMTP helo={left}mail.example.net{right}"
    )
    (found,) = read_log([line.encode()])
    assert found.matches[0].entry_id == "spf-hard-fail"
    assert found.recipient == "jan@example.org"
    facts = {name: found.fact(name) for name in ("address", "mail_from", "helo")}
    assert facts == {"address": "203.0.113.7", "mail_from": "a@shop.example", "helo": "mail.example.net"}


def test_a_quoted_local_part_in_a_log_is_read_whole():
    line = (
        "Aug  4 10:11:12 mx1 postfix/smtpd[9]: NOQUEUE: reject: RCPT from mail.example.net[203.0.113.7]: 550 5.1.1 "
        '<jan@example.org>: Recipient address rejected: User unknown; from=<"a b"@shop.example> to=<jan@example.org> '
        "proto=ESMTP helo=<mail.example.net>"
    )
    (found,) = read_log([line.encode()])
    assert (found.recipient, found.fact("mail_from")) == ("jan@example.org", '"a b"@shop.example')


def test_an_old_postfix_logs_no_dsn():
    line = (
        "May 24 12:51:53 mx postfix/smtp[7203]: 4F00AB: to=<jan@example.org>, orig_to=<jan>, relay=mx.example.org[192.0.2.9], "
        "delay=5, status=bounced (host mx.example.org[192.0.2.9] said: 550 <jan@example.org>... Relaying denied (in reply to RCPT TO command))"
    )
    (found,) = read_log([line.encode()])
    assert (found.recipient, found.refusing_host, found.action) == (
        "jan@example.org",
        "mx.example.org",
        "failed",
    )
    assert (found.matches[0].entry_id, str(found.codes)) == ("relay-denied", "550")


def test_what_a_policy_server_and_an_attempt_log_beside_postfix_s_own_line_counts_once():
    refused = "550 5.7.23 {}Message rejected due to: SPF fail - not authorized. Please see http://www.openspf.net/Why?s=mfrom;id=a@shop.example;ip=203.0.113.7;r=mx.example.org"
    alone = f"Mar  5 18:34:25 mx policyd-spf[228055]: {refused.format('')}\n".encode()
    asked = "450 4.7.1 Client host rejected: cannot find your reverse hostname, [203.0.113.7]"
    log = [
        b"Mar  5 18:34:24 mx postfix/smtpd[228050]: connect from unknown[203.0.113.7]\n",
        alone,
        (
            "Mar  5 18:34:25 mx postfix/smtpd[228050]: NOQUEUE: reject: RCPT from unknown[203.0.113.7]: "
            + refused.format("<jan@example.org>: Recipient address rejected: ")
            + "; from=<a@shop.example> to=<jan@example.org> proto=ESMTP helo=<mail.shop.example>\n"
        ).encode(),
        (
            "Mar  5 18:34:26 mx postfix/smtp[30]: 4F00AB: host mx1.example.net[192.0.2.9] "
            f"said: {asked} (in reply to RCPT TO command)\n"
        ).encode(),
        (
            "Mar  5 18:34:27 mx postfix/smtp[30]: 4F00AB: to=<a@example.net>, relay=mx2.example.net[192.0.2.10]:25, delay=1, "
            f"delays=0/0/0/1, dsn=4.7.1, status=deferred (host mx2.example.net[192.0.2.10] said: {asked} (in reply to RCPT TO command))\n"
        ).encode(),
    ]
    assert [found.matches[0].entry_id for found in read_log(log)] == ["spf-hard-fail", "reverse-dns-missing"]
    assert [found.matches[0].entry_id for found in read_log([alone])] == ["spf-hard-fail"]


@pytest.mark.parametrize(
    ("rest", "id", "action", "address"),
    [
        (
            "failure: 192.0.2.9_does_not_like_recipient./Remote_host_said:_550_5.7.1_SPF_check_failed/Giving_up_on_192.0.2.9./",
            "spf-check-failed",
            "failed",
            "192.0.2.9",
        ),
        (
            "deferral: Connected_to_192.0.2.9_but_sender_was_rejected./Remote_host_said:_451_4.7.1_Greylisted,_try_again/",
            "greylisted",
            "delayed",
            "192.0.2.9",
        ),
        ("failure: Sorry,_no_mailbox_here_by_that_name._(#5.1.1)/", "recipient-unknown", "failed", None),
    ],
)
def test_qmail_logs_an_answer_with_underscores(rest, id, action, address):
    line = f"Mar  1 10:00:00 web qmail: 1583053200.123456 delivery 5: {rest}\n"
    (found,) = read_log([line.encode()])
    assert (found.matches[0].entry_id, found.action, found.fact("refusing_address")) == (
        id,
        action,
        address or "",
    )


@pytest.mark.parametrize(
    ("rest", "id", "action", "facts"),
    [
        (
            "325IYPab012345: Milter: from=<a@shop.example>, reject=550 5.7.23 SPF fail: 203.0.113.7 is not allowed",
            "spf-hard-fail",
            "failed",
            {"mail_from": "a@shop.example", "address": "203.0.113.7"},
        ),
        (
            "325IYPab012346: Milter: to=<jan@example.org>, reject=451 4.7.1 Greylisting in action, please come back",
            "greylisted",
            "delayed",
            {"recipient": "jan@example.org"},
        ),
        (
            "325IYPab012347: ruleset=check_rcpt, arg1=<jan@example.org>, relay=[203.0.113.7], reject=550 5.7.1 <jan@example.org>... Fix reverse DNS for 203.0.113.7",
            "reverse-dns-missing",
            "failed",
            {"recipient": "jan@example.org", "address": "203.0.113.7"},
        ),
        (
            "ruleset=check_relay, arg1=host.example, arg2=203.0.113.7, relay=host.example [203.0.113.7], reject=554 5.7.1 Rejected: 203.0.113.7 listed at bl.example.net",
            "address-reputation",
            "failed",
            {"address": "203.0.113.7", "mail_from": ""},
        ),
    ],
)
def test_sendmail_logs_whom_it_or_its_milter_refused(rest, id, action, facts):
    (found,) = read_log([f"Mar  5 18:34:25 mx sm-mta[12345]: {rest}\n".encode()])
    assert (found.matches[0].entry_id, found.action) == (id, action)
    assert {name: found.fact(name) for name in facts} == facts


def test_what_a_milter_says_of_the_content_counts_once_in_a_sendmail_log():
    said = "rejected by DMARC policy for shop.example"
    log = [
        f"Mar  5 18:34:25 mx sm-mta[1]: 325IYPab012347: Milter: data, reject=550 5.7.1 {said}\n".encode(),
        f"Mar  5 18:34:25 mx sm-mta[1]: 325IYPab012347: to=<jan@example.org>, delay=00:00:00, pri=30541, stat={said}\n".encode(),
    ]
    (found,) = read_log(log)
    assert (found.matches[0].entry_id, found.recipient) == ("dmarc-policy-refused", "jan@example.org")


@pytest.mark.parametrize(
    "text",
    [
        "550 5.1.0 <a@shop.example>: Sender address rejected: User unknown in virtual mailbox table",
        "450 4.1.7 <a@shop.example>: Sender address rejected: unverified address: Address verification in progress",
        "550 5.1.7 <a@shop.example>: Sender address rejected: undeliverable address: host mx.shop.example[192.0.2.1] "
        "said: 550 5.1.1 User unknown (in reply to RCPT TO command)",
    ],
)
@pytest.mark.parametrize(
    "wrap", ["{}", "<jan@example.org>: host mx.example.org[192.0.2.9] said: {} (in reply to RCPT TO command)"]
)
def test_what_a_probe_of_the_sender_was_told_is_not_said_of_the_recipient(text, wrap):
    """The sender's own server does not know the sender: neither the recipient nor the domain is at fault."""
    (found,) = read_bounce(wrap.format(text) + "\n")
    assert found.matches[0].entry_id == "sender-verify-failed"
    assert found.fact("mail_from") == "a@shop.example"
    assert found.refusing_host == ("mx.example.org" if wrap != "{}" else "")


@pytest.mark.parametrize(
    "text",
    [
        "550-Verification failed for <www-data@web1.shop.example>\n550-Called:   192.0.2.1\n"
        "550-Sent:     RCPT TO:<www-data@web1.shop.example>\n550-Response: 550 No such user here\n550 Sender verify failed",
        "550-Verification failed for <www-data@web1.shop.example>\n550-The mail server could not deliver mail to "
        "www-data@web1.shop.example.  The account or domain may not exist, they may be blacklisted, or missing the proper "
        "dns entries.\n550 Sender verify failed",
        "550-Verification failed for <www-data@web1.shop.example>\n550-all relevant MX records point to non-existent hosts\n"
        "550 Sender verify failed",
        "550 Verification failed for <www-data@web1.shop.example> No Such User Here",
        "550-Verification failed for <www-data@web1.shop.example> 550-Called: 192.0.2.1 550-Sent: "
        "RCPT TO:<www-data@web1.shop.example> 550-Response: 550 5.1.1 <www-data@web1.shop.example>: "
        "Recipient address rejected: User unknown 550 Sender verify failed",
        "451-Callback setup failed while verifying <www-data@web1.shop.example>\n451 Could not complete sender verify callout",
    ],
)
def test_exim_says_whose_address_it_could_not_verify(text):
    (found,) = read_bounce(text)
    told = (found.matches[0].entry_id, found.fact("mail_from"), found.recipient, found.fact("recipient"))
    assert told == ("sender-verify-failed", "www-data@web1.shop.example", "", "")
    assert found.codes.enhanced == "", "what the sender's server said has codes of its own"


def test_a_signature_that_could_not_be_verified_is_no_sender_verification():
    assert (
        match("550 5.7.1 DKIM verification failed for <a@shop.example>")[0].entry_id
        == "dkim-signature-required"
    )
    assert match("550 5.7.1 SPF verification failed for <a@shop.example>")[0].entry_id == "spf-check-failed"
    (found,) = read_bounce("550 Recipient verification failed for <jan@example.org>")
    assert (found.matches[0].entry_id, found.recipient) == ("recipient-unknown", "jan@example.org")
    assert match("550 Signature verification failed for <a@shop.example>")[0].entry_id == ""
