"""DKIM verification, one message with its key at hand, beside other verifiers."""

from __future__ import annotations

import base64
import random
from pathlib import Path

from benchmarks.installed import ROOT, mailauth, python
from benchmarks.serving import tool
from benchmarks.side import Contestant
from benchmarks.table import OURS, Bench, Goal

SIZES = {"5 kB": 5_000, "100 kB": 100_000, "10 MB": 10_000_000}
TIMES = {"5 kB": 2_000, "100 kB": 200, "10 MB": 3}
SHA = "SHA-256 alone"
DOMAIN, SELECTOR = "example.com", "s"
NAME = f"{SELECTOR}._domainkey.{DOMAIN}"
GOALS = {
    ("5 kB", "relaxed"): {"dkimpy": Goal("≥", 5)},
    ("10 MB", "relaxed"): {"OpenDKIM": Goal("≥", 1)},
    ("10 MB", "simple"): {SHA: Goal("≥", 0.5)},
}


def keys() -> tuple[bytes, bytes]:
    """A new RSA key of 2048 bits: private as PEM, public as key record."""
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.TraditionalOpenSSL, s.NoEncryption())
    public = key.public_key().public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo)
    return private, b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def signed(size: int, how: bytes, private: bytes) -> bytes:
    """A message of about this size, text of random words with some blanks at line ends."""
    import dkim as dkimpy

    dice = random.Random(size)
    words = [b"w" * dice.randint(1, 9) for _ in range(500)]
    block = b"".join(
        b" ".join(dice.choices(words, k=11)) + dice.choice([b"", b"", b"  ", b" \t"]) + b"\r\n"
        for _ in range(max(1, min(size, 100_000) // 65))
    )
    head = b"".join(
        b"Received: from mx%d.example.net (mx%d.example.net [192.0.2.%d])\r\n"
        b"\tby mx%d.example.org (Postfix) with ESMTPS id 4F7B2\r\n"
        b"\tfor <list@example.net>; Mon, 23 Nov 2026 10:00:%02d +0000 (UTC)\r\n" % (n, n, n, n + 1, n)
        for n in range(4)
    ) + (
        b"From: Jane <jane@example.com>\r\nTo: list@example.net\r\nSubject: some numbers\r\n"
        b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Language: en\r\n"
        b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Thunderbird/128.0\r\n"
        b"List-Unsubscribe: <https://example.com/u?id=1234567890>, <mailto:u@example.com>\r\n"
        b"In-Reply-To: <0@example.net>\r\nReferences: <0@example.net> <00@example.net>\r\n\r\n"
    )
    message = head + block * max(1, size // len(block))
    field: bytes = dkimpy.sign(message, SELECTOR.encode(), DOMAIN.encode(), private, canonicalize=(how, how))
    return field + message


def dkim(bench: Bench) -> None:
    """A message signed with RSA (2048 bits) verified many times in one process, the key at hand. OpenDKIM
    is its filter's test mode, 100 messages in one process, whose start is charged to it.
    """
    if not bench.has("dkimpy"):  # which signs the messages, too
        return
    private, record = keys()
    text = record.decode()
    key = bench.scratch / "key.txt"
    key.write_text(f"{NAME} {text}\n")
    settings = bench.scratch / "opendkim.conf"
    settings.write_text(f"Mode v\nTestDNSData {key}\nBackground No\nSyslog No\n")
    for title, size in SIZES.items():
        for how in ("relaxed", "simple"):
            path = bench.scratch / f"{size}-{how}.eml"
            path.write_bytes(signed(size, how.encode(), private))
            contestants = verifiers(bench, path, text, str(settings), TIMES[title])
            if title == "10 MB":
                contestants.append(python(SHA, "sha256", str(path), "100", count=100))
            bench.rates(
                f"DKIM, {title} {how}, messages", bench.race(contestants), GOALS.get((title, how), {})
            )


def verifiers(bench: Bench, path: Path, record: str, settings: str, times: int) -> list[Contestant]:
    """Those that are here, each verifying the message so many times."""
    arguments = (str(path), record, NAME, str(times))
    found = [
        python(OURS, "verify", *arguments, count=times),
        python("dkimpy", "dkimpy", *arguments, count=times),
    ]
    if bench.has("mailauth"):
        found.append(mailauth("dkim", *arguments, count=times))
    if bench.has("Mail::DKIM"):
        script = str(ROOT / "benchmarks" / "peers" / "maildkim.pl")
        found.append(Contestant("Mail::DKIM", ("perl", script, *arguments), times))
    if bench.has("OpenDKIM"):
        words = ("opendkim", tool("opendkim"), settings, str(path), str(times))
        found.append(python("OpenDKIM", *words, count=times))
    return found
