"""Signed messages for the tests: keys made once a run, signatures by dkimpy."""

import base64
from functools import lru_cache

import dkim as dkimpy
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from senderauth.dns import ZoneResolver

DOMAIN = "example.com"
HEAD = (
    b"From: Jane Doe <jane@example.com>\r\n"
    b"To: list@lists.example.net\r\n"
    b"Subject: Quarterly numbers of the shop\r\n"
    b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <1@example.com>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
)
BODY = b"Hello,\r\n\r\nthis is the text of the message, with a line that is  long  enough.\r\n-- \r\nJane\r\n"
FIELDS = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"]


@lru_cache
def rsa_key(bits: int = 2048) -> tuple[bytes, bytes]:
    """Private as PEM, public as DER."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.TraditionalOpenSSL, s.NoEncryption())
    return private, key.public_key().public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo)


@lru_cache
def ed25519_key() -> tuple[bytes, bytes]:
    """Private and public, 32 octets each, the private one in base64 as dkimpy wants it."""
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(s.Encoding.Raw, s.PrivateFormat.Raw, s.NoEncryption())
    return base64.b64encode(private), key.public_key().public_bytes(s.Encoding.Raw, s.PublicFormat.Raw)


def record(tags: str = "v=DKIM1; k=rsa; ", octets: bytes | None = None) -> bytes:
    """A key record with the RSA key, or these octets."""
    return tags.encode() + b"p=" + base64.b64encode(rsa_key()[1] if octets is None else octets)


def zone(**records: list[bytes]) -> ZoneResolver:
    """A zone with the key at "s", the Ed25519 key at "e", and these at others."""
    known = {"s": [record()], "e": [record("v=DKIM1; k=ed25519; ", ed25519_key()[1])], **records}
    return ZoneResolver.from_records({(f"{name}._domainkey.{DOMAIN}", "TXT"): v for name, v in known.items()})


def answers() -> dict[str, bytes]:
    """The same for dkimpy."""
    return {
        f"s._domainkey.{DOMAIN}": record(),
        f"e._domainkey.{DOMAIN}": record("v=DKIM1; k=ed25519; ", ed25519_key()[1]),
    }


def sign(
    head: bytes = HEAD,
    body: bytes = BODY,
    how: str = "relaxed/relaxed",
    names: list[bytes] | None = None,
    *,
    algorithm: str = "rsa-sha256",
    selector: str = "s",
    length: bool = False,
    identity: bytes | None = None,
    key: bytes | None = None,
) -> bytes:
    """The message with a signature on top."""
    message = head + b"\r\n" + body
    edwards = algorithm.startswith("ed25519")
    field: bytes = dkimpy.sign(
        message,
        ("e" if edwards and selector == "s" else selector).encode(),
        DOMAIN.encode(),
        key or (ed25519_key()[0] if edwards else rsa_key()[0]),
        identity=identity,
        canonicalize=tuple(part.encode() for part in how.split("/")),
        include_headers=FIELDS if names is None else names,
        length=length,
        signature_algorithm=algorithm.encode(),
    )
    return field + message


def octets_of(data: bytes, key: bytes | None = None) -> bytes:
    """The signature over it: PKCS #1 v1.5 with SHA-256."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    private = s.load_pem_private_key(key or rsa_key()[0], None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return private.sign(data, PKCS1v15(), SHA256())


def handmade(
    tags: str,
    head: bytes = HEAD,
    body: bytes = BODY,
    *,
    key: bytes | None = None,
    title: bytes = b"DKIM-Signature",
) -> bytes:
    """A message signed with these tags, {bh} filled in and b= appended, relaxed/relaxed, sha256: for what
    dkimpy refuses to sign. Only what the tags say is true of it.
    """
    import hashlib

    from senderauth.dkim import Header, canonical_field, split, tag_list
    from senderauth.dkim.canonical import canonical_body

    message = head + b"\r\n" + body
    digest = hashlib.sha256(b"".join(canonical_body(body, 0, "relaxed", repair=False))).digest()
    value = tags.replace("{bh}", base64.b64encode(digest).decode()) + "; b="
    listed = tag_list(value).get("h") or ""
    names = [name.strip().lower().encode() for name in listed.split(":")]
    field = title + b": " + value.encode()
    signed = [*Header(split(message)).signed(names, "relaxed"), canonical_field(field, "relaxed")]
    octets = octets_of(b"\r\n".join(signed), key)
    return field + base64.b64encode(octets) + b"\r\n" + message
