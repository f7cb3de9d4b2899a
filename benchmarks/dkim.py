"""DKIM verification, one message with its key at hand: ours against dkimpy, and OpenDKIM and mailauth where
they are installed.

Goals: a 5 kB message signed with RSA, relaxed, at least five times dkimpy; 10 MB relaxed level with OpenDKIM,
10 MB simple within twice of plain SHA-256. OpenDKIM and mailauth are timed as processes, less the time of one
that has nothing to do.
"""

from __future__ import annotations

import base64
import hashlib
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.side import in_turn, table

SIZES = {"5 kB": 5_000, "100 kB": 100_000, "10 MB": 10_000_000}
DOMAIN, SELECTOR = "example.com", "s"
NAME = f"{SELECTOR}._domainkey.{DOMAIN}"


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
    return (
        dkimpy.sign(message, SELECTOR.encode(), DOMAIN.encode(), private, canonicalize=(how, how)) + message
    )


def ours(message: bytes, record: bytes) -> Callable[[], object]:
    """`senderauth.dkim.verify`, the answer at hand."""
    from senderauth.dkim import verify
    from senderauth.dns import ZoneResolver, drive

    zone = ZoneResolver.from_records({(NAME, "TXT"): [record]})

    def go() -> None:
        (result,) = drive(verify(zone, message))
        assert result.result == "pass"

    return go


def dkimpys(message: bytes, record: bytes) -> Callable[[], object]:
    """`dkim.verify`, the answer at hand."""
    import dkim as dkimpy

    def go() -> None:
        assert dkimpy.verify(message, dnsfunc=lambda *_, **__: record)

    return go


def mailauths(file: Path, folder: Path) -> Callable[[], object] | None:
    """mailauth's command, with answers from a file."""
    if (program := shutil.which("mailauth")) is None:
        return None
    cache = folder / "dns.json"
    return lambda: subprocess.run(
        [program, "report", "-o", "-n", str(cache), str(file)], capture_output=True, check=False
    )


def opendkims(file: Path) -> Callable[[], object] | None:
    """OpenDKIM's filter in its test mode, key from a file."""
    if (program := shutil.which("opendkim")) is None:
        return None
    settings = file.with_suffix(".conf")
    return lambda: subprocess.run(
        [program, "-x", str(settings), "-t", str(file)], capture_output=True, check=False
    )


def main(rounds: int = 5) -> None:
    """Measures all in turn, each size and canonicalization."""
    private, record = keys()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dns.json").write_text(f'{{"{NAME}": {{"TXT": [["{record.decode()}"]]}}}}')
        for title, size in SIZES.items():
            for how in ("relaxed", "simple"):
                message = signed(size, how.encode(), private)
                file = folder / f"{size}-{how}.eml"
                file.write_bytes(message)
                file.with_suffix(".conf").write_text(
                    f"Mode v\nTestDNSData {folder / 'dns.txt'}\nBackground No\nSyslog No\n"
                )
                (folder / "dns.txt").write_text(f"{NAME} {record.decode()}\n")
                times = 200 if size < 10_000 else 20 if size < 1_000_000 else 1
                things = {
                    "senderauth": _often(ours(message, record), times),
                    "dkimpy": _often(dkimpys(message, record), times),
                    "SHA-256": _often(lambda m=message: hashlib.sha256(m).digest(), times),  # type: ignore[misc]
                }
                others: Mapping[str, Callable[[], object] | None] = {
                    "mailauth": mailauths(file, folder),
                    "OpenDKIM": opendkims(file),
                }
                things |= {name: other for name, other in others.items() if other is not None}
                medians = in_turn(things, rounds)
                for inside in ("senderauth", "dkimpy", "SHA-256"):
                    medians[inside] /= times
                print(table(f"DKIM, {title} {how}, a message", medians, "senderauth"))
        missing = [name for name, other in others.items() if other is None]
        if missing:
            print(f"  not installed: {', '.join(missing)}")


def _often(thing: Callable[[], object], times: int) -> Callable[[], object]:
    def go() -> None:
        for _ in range(times):
            thing()

    return go


if __name__ == "__main__":
    main()
