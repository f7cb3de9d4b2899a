"""Signatures checked against keys: RSA with PKCS #1 v1.5 and Ed25519 (RFC 6376 3.3, RFC 8463 3)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from senderauth.dkim.record import rsa_numbers

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Hash = Literal["sha256", "sha1"]

# DigestInfo up to the digest (RFC 8017 9.2, note 1)
_INFO: dict[str, bytes] = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
}
MIN_LIBRARY_BITS = 1024


class Signed(NamedTuple):
    """What an RSA signature was made over, read out of it with the public key."""

    hash: Hash
    digest: bytes


def rsa_signed(key: bytes, signature: bytes) -> Signed | None:
    """The digest in an RSA signature; None where it was not made with this key, or was damaged."""
    numbers = rsa_numbers(key)
    if numbers is None:
        return None
    modulus, exponent = numbers
    size = (modulus.bit_length() + 7) // 8
    value = int.from_bytes(signature, "big")
    if len(signature) != size or value >= modulus:
        return None
    encoded = pow(value, exponent, modulus).to_bytes(size, "big")
    for name, info in _INFO.items():
        length = 32 if name == "sha256" else 20
        padding = size - 3 - len(info) - length
        if padding >= 8 and encoded[:-length] == b"\x00\x01" + b"\xff" * padding + b"\x00" + info:
            return Signed("sha256" if name == "sha256" else "sha1", encoded[-length:])
    return None


def verifies(kind: str, key: bytes, bits: int, algorithm: str, digest: bytes, signature: bytes) -> bool:
    """Whether the signature over this digest was made with the key, p= decoded."""
    if kind == "ed25519":
        return _ed25519(key, digest, signature)
    if algorithm == "sha1" or bits < MIN_LIBRARY_BITS:
        # Refused anyway (RFC 8301), and libraries will not compute with them everywhere; we do, to tell
        # whether it would have verified
        signed = rsa_signed(key, signature)
        return signed is not None and signed == (algorithm, digest)
    return _rsa(key, digest, signature)


def _rsa(key: bytes, digest: bytes, signature: bytes) -> bool:
    try:
        return _rsa_check(key)(signature, digest)
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _rsa_check(key: bytes) -> Callable[[bytes, bytes], bool]:
    """Checks a signature over a digest with this key. ValueError where it is none."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA256

    numbers = rsa_numbers(key)
    if numbers is None:
        raise ValueError("no RSA key")
    public = RSAPublicNumbers(e=numbers[1], n=numbers[0]).public_key()
    padding, hashed = PKCS1v15(), Prehashed(SHA256())

    def check(signature: bytes, digest: bytes) -> bool:
        try:
            public.verify(signature, digest, padding, hashed)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            return False
        return True

    return check


def _ed25519(key: bytes, digest: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        _ed25519_key(key).verify(signature, digest)  # RFC 8463 3: over the hash, as the message
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=256)
def _ed25519_key(key: bytes) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(key)
