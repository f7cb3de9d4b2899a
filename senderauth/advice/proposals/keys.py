"""DKIM keys to publish: the record of a key that is there, or of a new pair (RFC 6376 3.6.1, RFC 8463)."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from senderauth import dkim, names
from senderauth.advice.proposals.proposal import strings
from senderauth.dns import ZoneResolver, drive

DEFAULT_BITS = 2048  # RFC 8301 3.2
MAX_FILE = 65_536


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key as its record says it, and the selector where it is to stand."""

    record: str
    """The text of the TXT record."""
    type: str
    bits: int
    selector: str | None = None
    """None: a free one is chosen."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A new pair. The private part goes to a file and nowhere else."""

    private_pem: bytes
    public: PublicKey

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public!r})"


def public_key(text: bytes, selector: str | None = None) -> PublicKey:
    """The public key in a file: a PEM key, private or public, or the text of a record. Raises ValueError."""
    if len(text) > MAX_FILE:
        raise ValueError("no key file: too large")
    if selector is not None and names.normalise(selector) is None:
        raise ValueError(f"not a selector: {selector!r}")
    if b"-----BEGIN" in text:
        return _from_pem(text, selector)
    record = " ".join(text.decode("ascii", "replace").split())
    if not record.isprintable():
        raise ValueError("neither a PEM key nor a DKIM key record")
    key = _judged(record)
    if key.state != "valid":
        raise ValueError(f"neither a PEM key nor a usable DKIM key record ({key.reason.id})")
    return PublicKey(record, key.type, key.bits, selector)


def new_pair(kind: str = "rsa", bits: int = DEFAULT_BITS, selector: str | None = None) -> KeyPair:
    """A new pair, "rsa" or "ed25519"."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if kind == "rsa":
        private = rsa.generate_private_key(public_exponent=65_537, key_size=bits)
    elif kind == "ed25519":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        raise ValueError(f"no such kind of key: {kind!r}")
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(pem, _from_pem(pem, selector))


def _from_pem(text: bytes, selector: str | None) -> PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    try:
        if b"PRIVATE KEY" in text:
            key: object = serialization.load_pem_private_key(text, None)
            key = key.public_key() if hasattr(key, "public_key") else key
        else:
            key = serialization.load_pem_public_key(text)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a password
        raise ValueError("the PEM file holds no key that can be read without a password") from None
    if isinstance(key, ed25519.Ed25519PublicKey):  # RFC 8463 4.2: the raw 32 octets
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return PublicKey(f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}", "ed25519", 256, selector)
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("DKIM knows RSA and Ed25519 keys only (RFC 8301, RFC 8463)")
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}", "rsa", key.key_size, selector)


def _judged(record: str) -> dkim.Key:
    """The key as verifiers would judge it if the record stood in DNS."""
    zone = ZoneResolver.from_records({("s._domainkey.key.example", "TXT"): [strings(record)]})
    return drive(dkim.fetch_key(zone, "key.example", "s"))
