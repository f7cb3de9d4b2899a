"""What broke a signature: messages signed, damaged each way, and the cause that is proven."""

import base64
import quopri

import pytest

from senderauth.dkim import diagnose, verify
from senderauth.dkim.diagnosis import BODY_ATTEMPTS, ED25519_ATTEMPTS, HEADER_ATTEMPTS
from senderauth.dns import drive
from tests.dkimsigner import BODY, FIELDS, HEAD, handmade, rsa_key, sign, zone

MIXED = (
    b"Preamble.\r\n--x\r\nContent-Type: text/plain\r\n\r\nHello text.\r\n--x\r\n"
    b"Content-Type: text/html\r\n\r\n<p>Hello\r\nhtml</p>\r\n--x--\r\n"
)
MIXED_HEAD = HEAD.replace(b"text/plain; charset=utf-8", b'multipart/alternative; boundary="x"')
BANNER = b"CAUTION: this mail came from outside.\r\n\r\n"
FOOTER = b"_____________\r\nlist mailing list\r\nlist@lists.example.net\r\n"
LONG = b"A paragraph that is one long line, as programs write it, and that was wrapped on its way to us. " * 3
EIGHT = "Grüße aus Köln, schöne Füße = gut\r\nund noch eine Zeile\r\n".encode()


def wrapped(text, width):
    lines, line = [], b""
    for word in text.split(b" "):
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = line + b" " + word if line else word
    return b"\r\n".join([*lines, line])


def body_of(message):
    return message.partition(b"\r\n\r\n")[2]


def with_body(message, body):
    return message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body


def diagnosed(message):
    (result,) = drive(verify(zone(), message))
    assert result.result == "fail"
    return diagnose(message, result)


def causes(message):
    return [one.id for one in diagnosed(message).causes]


def quoted(text):
    return quopri.encodestring(text.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")


BODIES = [
    ("footer", "relaxed", HEAD, BODY, lambda b: b + FOOTER, "dkim-broke-footer"),
    ("footer, simple", "simple", HEAD, BODY, lambda b: b + FOOTER, "dkim-broke-footer"),
    ("footer, blank lines", "relaxed", HEAD, BODY, lambda b: b + b"\r\n\r\n" + FOOTER, "dkim-broke-footer"),
    ("a body where none was", "relaxed", HEAD, b"", lambda b: b + FOOTER, "dkim-broke-footer"),
    ("banner", "relaxed", HEAD, BODY, lambda b: BANNER + b, "dkim-broke-banner"),
    ("banner, simple", "simple", HEAD, BODY, lambda b: BANNER + b, "dkim-broke-banner"),
    ("banner and footer", "relaxed", HEAD, BODY, lambda b: BANNER + b + FOOTER,
     "dkim-broke-banner-and-footer"),
    ("banner in the first part", "relaxed", MIXED_HEAD, MIXED,
     lambda b: b.replace(b"\r\n\r\nHello", b"\r\n\r\n" + BANNER + b"Hello"), "dkim-broke-banner"),
    ("banner in both parts", "relaxed", MIXED_HEAD, MIXED,
     lambda b: b.replace(b"\r\n\r\nHello", b"\r\n\r\n" + BANNER + b"Hello").replace(
         b"\r\n\r\n<p>", b"\r\n\r\n<div>CAUTION</div>\r\n<p>"), "dkim-broke-several-parts"),
    ("footer in a part", "relaxed", MIXED_HEAD, MIXED,
     lambda b: b.replace(b"text.\r\n", b"text.\r\n" + FOOTER), "dkim-broke-footer-in-part"),
    ("a part added", "relaxed", MIXED_HEAD, MIXED,
     lambda b: b.replace(b"--x--", b"--x\r\nContent-Type: text/plain\r\n\r\nlist footer\r\n--x--"),
     "dkim-broke-footer-in-part"),
    ("a large part added", "relaxed", MIXED_HEAD, MIXED,
     lambda b: b.replace(b"--x--", b"--x\r\nContent-Type: image/png\r\n\r\n" + b"AAAA\r\n" * 90 + b"--x--"),
     "dkim-broke-part-added"),
    ("blank line on top", "relaxed", HEAD, BODY, lambda b: b"\r\n" + b, "dkim-broke-blank-lines"),
    ("blank line on top lost", "relaxed", HEAD, b"\r\n" + BODY, lambda b: b[2:], "dkim-broke-blank-lines"),
    ("double spaced", "simple", HEAD, BODY.replace(b"\r\n\r\n", b"\r\n"),
     lambda b: b.replace(b"\r\n", b"\r\n\r\n"), "dkim-broke-blank-lines"),
    ("white space at line ends", "simple", HEAD, b"one\r\ntwo\r\n",
     lambda b: b.replace(b"\r\n", b"  \r\n"), "dkim-broke-trailing-space"),
    ("white space at line ends, tabs kept", "simple", HEAD, b"a  b\r\n\tc\r\n",
     lambda b: b.replace(b"\r\n", b"  \r\n"), "dkim-broke-trailing-space"),
    ("signature dashes lost their blank", "simple", HEAD, BODY,
     lambda b: b.replace(b"-- \r\n", b"--\r\n"), "dkim-broke-trailing-space"),
    ("CR doubled", "relaxed", HEAD, BODY, lambda b: b.replace(b"\r\n", b"\r\r\n"), "dkim-broke-line-ends"),
    ("CR only", "relaxed", HEAD, BODY, lambda b: b.replace(b"\r\n", b"\r"), "dkim-broke-line-ends"),
    ("dots left doubled", "relaxed", HEAD, b".hidden\r\n.more\r\n",
     lambda b: b"." + b.replace(b"\r\n.", b"\r\n.."), "dkim-broke-dots"),
    (">From", "relaxed", HEAD, b"From here on\r\nFrom there\r\n",
     lambda b: b.replace(b"From ", b">From "), "dkim-broke-from-lines"),
    ("wrapped text", "relaxed", HEAD, LONG + b"\r\n\r\nshort\r\n", lambda _: wrapped(LONG, 72).strip()
     + b"\r\n\r\nshort\r\n", "dkim-broke-rewrapped"),
    ("a long line cut", "relaxed", HEAD, b"x" * 2_500 + b"\r\n",
     lambda b: b[:990] + b"\r\n" + b[990:1980] + b"\r\n" + b[1980:], "dkim-broke-rewrapped"),
    ("8bit to quoted-printable", "relaxed", HEAD + b"Content-Transfer-Encoding: quoted-printable\r\n", EIGHT,
     quoted, "dkim-broke-encoding"),
    ("8bit to base64", "relaxed", HEAD + b"Content-Transfer-Encoding: base64\r\n", EIGHT,
     lambda b: base64.encodebytes(b).replace(b"\n", b"\r\n"), "dkim-broke-encoding"),
    ("quoted-printable to 8bit", "relaxed", HEAD + b"Content-Transfer-Encoding: 8bit\r\n", quoted(EIGHT),
     lambda _: EIGHT, "dkim-broke-encoding"),
    ("base64 to 8bit", "relaxed", HEAD + b"Content-Transfer-Encoding: 8bit\r\n",
     base64.encodebytes(EIGHT).replace(b"\n", b"\r\n"), lambda _: EIGHT, "dkim-broke-encoding"),
    ("a part to quoted-printable", "relaxed", MIXED_HEAD,
     MIXED.replace(b"text/plain\r\n\r\nHello text.\r\n",
                   b"text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + EIGHT),
     lambda b: b.replace(b"8bit", b"quoted-printable").replace(EIGHT, quoted(EIGHT)), "dkim-broke-encoding"),
    ("utf-8 to latin-1", "relaxed", HEAD, EIGHT, lambda b: b.decode().encode("latin-1"),
     "dkim-broke-charset"),
    ("tabs expanded", "simple", HEAD, b"a\tb\r\n", lambda b: b.replace(b"\t", b" " * 8),
     "dkim-broke-tabs"),
    ("white space within lines", "simple", HEAD, b"a b\r\nc d\r\n", lambda b: b.replace(b" ", b"   "),
     "dkim-broke-white-space"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("how", "head", "body", "damage", "cause"), [c[1:] for c in BODIES], ids=[c[0] for c in BODIES]
)
def test_what_broke_the_body(how, head, body, damage, cause):
    message = sign(head, body, f"relaxed/{how}")
    found = diagnosed(with_body(message, damage(body_of(message))))
    assert [one.id for one in found.causes] == [cause], found.trace
    assert (found.body_explained, found.header_explained) == (True, None)


def test_a_message_wrapped_into_a_multipart():
    message = sign()
    part = b"--y\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + body_of(message)
    other = b"--y\r\nContent-Type: text/plain\r\n\r\n" + b"footer\r\n" * 60 + b"--y--\r\n"
    head = message.partition(b"\r\n\r\n")[0].replace(
        b"text/plain; charset=utf-8", b"multipart/mixed; boundary=y"
    )
    found = diagnosed(head + b"\r\n\r\n" + part + other)
    assert [one.id for one in found.causes] == ["dkim-broke-wrapped", "dkim-broke-content-type"]


def test_the_footer_is_told_by_its_lines():
    (cause,) = diagnosed(sign() + FOOTER).causes
    assert cause.facts["first"] == 6
    assert cause.facts["count"] == 3
    assert cause.facts["text"].startswith("_____________ / list mailing list")


VIA = b"From: Jane Doe via list <list@lists.example.net>\r\nReply-To: Jane Doe <jane@example.com>"
HEADERS = [
    ("tag in front of the subject", "relaxed", b"Subject: ", b"Subject: [shop] ", "dkim-broke-subject"),
    ("words in front of the subject", "relaxed", b"Subject: ", b"Subject: ***SPAM*** EXTERNAL: ",
     "dkim-broke-subject"),
    ("tag, simple", "simple", b"Subject: ", b"Subject: [shop] ", "dkim-broke-subject"),
    ("From rewritten, kept in Reply-To", "relaxed", b"From: Jane Doe <jane@example.com>", VIA,
     "dkim-broke-from"),
    ("From rewritten, kept in X-Original-From", "relaxed", b"From: Jane Doe <jane@example.com>",
     b"From: list <list@l.example>\r\nX-Original-From: Jane Doe <jane@example.com>", "dkim-broke-from"),
    ("From rewritten into the list's local part", "relaxed", b"Jane Doe <jane@example.com>",
     b"Jane Doe via list <jane=example.com@l.example>", "dkim-broke-from"),
    ("re-quoted", "relaxed", b"From: Jane Doe <", b'From: "Jane Doe" <', "dkim-broke-requoted"),
    ("address in brackets", "relaxed", b"To: list@lists.example.net", b"To: <list@lists.example.net>",
     "dkim-broke-requoted"),
    ("folded anew", "simple", b"Quarterly numbers", b"Quarterly\r\n numbers", "dkim-broke-refolded"),
    ("blanks, simple", "simple", b"Subject: Q", b"Subject:  Q", "dkim-broke-refolded"),
    ("a name in capitals", "simple", b"To: list", b"TO: list", None),
    ("removed", "relaxed", b"MIME-Version: 1.0\r\n", b"", "dkim-broke-field-removed"),
    ("value replaced", "relaxed", b"text/plain; charset=utf-8", b"text/plain; charset=us-ascii",
     "dkim-broke-field-value"),
    ("parameter quoted", "relaxed", b"charset=utf-8", b'charset="utf-8"', "dkim-broke-content-type"),
    ("two fields", "relaxed", b"From: Jane Doe <jane@example.com>\r\nTo: list@lists.example.net\r\nSubject: ",
     VIA + b"\r\nTo: list@lists.example.net\r\nSubject: [shop] ", "dkim-broke-several-fields"),
    ("a day changed", "relaxed", b"23 Nov", b"24 Nov", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("how", "old", "new", "cause"), [c[1:] for c in HEADERS], ids=[c[0] for c in HEADERS]
)
def test_what_broke_the_header(how, old, new, cause):
    found = diagnosed(sign(how=f"{how}/relaxed").replace(old, new))
    assert [one.id for one in found.causes] == ([cause] if cause else []), found.trace
    assert (found.body_explained, found.header_explained) == (None, cause is not None)


def test_a_field_that_was_added():
    message = sign(names=[*FIELDS, b"reply-to"]).replace(b"To: list", b"Reply-To: list@l.example\r\nTo: list")
    (cause,) = diagnosed(message).causes
    assert (cause.id, cause.facts["field"]) == ("dkim-broke-field-added", "reply-to")


def test_fields_in_another_order():
    head = b"X-Hop: one\r\nX-Hop: two\r\n" + HEAD
    message = sign(head, names=[*FIELDS, b"x-hop"])
    assert causes(message.replace(b"one\r\nX-Hop: two", b"two\r\nX-Hop: one")) == ["dkim-broke-order"]


def test_what_mailing_lists_do_all_at_once():
    names = [*FIELDS, b"reply-to"]
    message = sign(names=names).replace(b"From: Jane Doe <jane@example.com>", VIA)
    message = message.replace(b"Subject: ", b"Subject: [list] ") + FOOTER
    found = diagnosed(message)
    assert [one.id for one in found.causes] == ["dkim-broke-footer", "dkim-broke-several-fields"]
    assert found.causes[1].facts["fields"] == ["from", "subject", "reply-to"]


def test_copied_fields_prove_what_was_changed():
    tags = (
        "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s; bh={bh}; h=from:subject; "
        "z=From:Jane=20Doe=20<jane@example.com>|Subject:Quarterly=20numbers=20of=20the=20shop"
    )
    message = handmade(tags).replace(b"Subject: Quarterly numbers of the shop", b"Subject: something else")
    (cause,) = diagnosed(message).causes
    assert (cause.id, cause.facts["fields"]) == ("dkim-broke-copied-fields", ["subject"])


def test_another_key_is_proven():
    assert causes(sign(key=rsa_key(1024)[0])) == ["dkim-broke-key"]


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [(b"Subject: ", b"Subject: [x] ", ["dkim-broke-subject"]), (b"Jane", b"Joan", [])],
)
def test_ed25519_costs_a_computation_an_attempt_so_there_are_fewer(old, new, cause):
    found = diagnosed(sign(algorithm="ed25519-sha256").replace(old, new, 1).replace(b"Jane\r\n", b"Jane\r\n"))
    assert [one.id for one in found.causes] == cause
    assert found.attempts <= ED25519_ATTEMPTS


def test_what_is_not_proven_is_not_stated_and_what_was_tried_is_listed():
    found = diagnosed(sign().replace(b"Hello", b"Hullo").replace(b"23 Nov", b"24 Nov"))
    assert found.causes == ()
    assert (found.body_explained, found.header_explained) == (False, False)
    assert {"dkim-tried-footer", "dkim-tried-whole-body", "dkim-tried-one-field"} <= set(found.tried)
    assert [step.id for step in found.trace.inner] == list(found.tried)


def test_a_good_signature_needs_no_diagnosis():
    (result,) = drive(verify(zone(), sign()))
    found = diagnose(sign(), result)
    assert (found.causes, found.tried, found.attempts) == ((), (), 0)


def test_work_is_bounded():
    parts = b"".join(b"--x\r\nContent-Type: text/plain\r\n\r\n" + b"line\r\n" * 90 for _ in range(60))
    head = MIXED_HEAD + b"".join(b"X-Original-From: a%d@example.org\r\n" % n for n in range(500))
    message = sign(head, parts + b"--x--\r\n").replace(b"line", b"lime", 1).replace(b"23 Nov", b"24 Nov")
    found = diagnosed(message)
    assert found.causes == ()
    assert found.attempts <= BODY_ATTEMPTS + HEADER_ATTEMPTS


def test_a_signer_that_hashes_otherwise_than_it_says():
    tags = "v=1; a=rsa-sha256; d=example.com; s=s; bh={bh}; h=from:subject; c="
    head = diagnosed(handmade(tags + "simple/relaxed"))
    assert [one.id for one in head.causes] == ["dkim-broke-header-canonicalization"]
    (cause,) = diagnosed(
        sign(how="relaxed/simple").replace(b"c=relaxed/simple", b"c=relaxed/relaxed")
    ).causes[:1]
    assert (cause.id, cause.facts["right"]) == ("dkim-broke-canonicalization", "simple")


def test_words_that_were_encoded_on_the_way():
    head = HEAD.replace(b"Quarterly", "Jährliche".encode())
    coded = b"=?utf-8?B?" + base64.b64encode("Jährliche numbers of the shop".encode()) + b"?="
    message = sign(head).replace("Jährliche numbers of the shop".encode(), coded)
    assert causes(message) == ["dkim-broke-encoded-words"]


def test_nul_octets_put_in():
    message = sign()
    assert causes(with_body(message, body_of(message).replace(b"text", b"te\x00xt"))) == ["dkim-broke-nul"]


PAGE = (
    b"--x\r\nContent-Type: text/plain\r\n\r\nHello text.\r\n-- \r\nJane\r\n--x\r\n"
    b'Content-Type: text/html\r\n\r\n<html><body class="a"><p>Hello</p><p>html</p></body></html>\r\n--x--\r\n'
)
MARK = b'<div style="background:#ffc">CAUTION: from <b>outside</b>.</div>'


def marked(body):
    return body.replace(b'<body class="a">', b'<body class="a">' + MARK)


IN_HTML = [
    ("banner", marked),
    ("banner on a line of its own", lambda b: b.replace(b'"a">', b'"a">' + MARK + b"\r\n")),
    ("footer", lambda b: b.replace(b"</body>", b"<hr>the list</body>")),
    ("banner in both parts", lambda b: marked(b.replace(b"\r\n\r\nHello", b"\r\n\r\nCAUTION\r\n\r\nHello"))),
    (
        "footer in both parts",
        lambda b: b.replace(b"Jane\r\n", b"Jane\r\n__\r\nlist\r\n").replace(b"</body>", b"<p>x</p></body>"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("damage", [one[1] for one in IN_HTML], ids=[one[0] for one in IN_HTML])
def test_marks_inside_the_line_of_an_html_part_are_found(damage):
    message = sign(head=MIXED_HEAD, body=PAGE)
    (cause,) = diagnosed(with_body(message, damage(PAGE))).causes
    assert cause.id == "dkim-broke-html"
    assert "<" not in cause.facts["text"]


def test_base64_in_lines_of_another_length_is_found():
    head = HEAD + b"Content-Transfer-Encoding: base64\r\n"
    body = base64.encodebytes(BODY * 5).replace(b"\n", b"\r\n")
    message = sign(head=head, body=body)
    assert causes(with_body(message, b"".join(body.split()) + b"\r\n")) == ["dkim-broke-encoding"]


def test_blanks_at_line_ends_are_found_beside_the_mark_of_a_signature():
    message = sign(how="simple/simple").replace(b"Hello,\r\n", b"Hello,  \r\n")
    assert causes(message) == ["dkim-broke-trailing-space"]


@pytest.mark.parametrize(
    "text", [b"<body>" + b"<div></div>" * 50_000, b"<body " * 50_000, b"</body>" * 50_000]
)
def test_html_of_any_kind_is_searched_in_bounded_time(text):
    import time

    message = sign(head=MIXED_HEAD, body=PAGE + text + b"\r\n")
    start = time.perf_counter()
    diagnosed(message.replace(b"Hello text", b"Hallo text"))
    assert time.perf_counter() - start < 20
