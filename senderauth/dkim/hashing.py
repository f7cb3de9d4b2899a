"""The two hashes of a signature, shared between the signatures of one message (RFC 6376 3.7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from senderauth.dkim.canonical import (
    CRLF,
    HASHES,
    Canonicalization,
    Field,
    Message,
    body_digests,
    canonical_field,
    has_bare_line_ends,
    relaxed_plain,
)
from senderauth.dkim.signature import Signature, without_signature

Group = tuple[Canonicalization, str]


class BodyHashes:
    """Hashes of one body. Signatures that hash alike share one pass over it, whatever their l=."""

    def __init__(self, message: Message, signatures: Iterable[Signature]) -> None:
        self._message = message
        self._limits: dict[Group, set[int | None]] = {}
        self._known: dict[tuple[Group, bool], tuple[dict[int | None, bytes], int]] = {}
        self._bare: bool | None = True if message.bare else None
        for one in signatures:
            self._limits.setdefault((one.body_how, one.hash), set()).add(one.length)

    def of(self, signature: Signature) -> tuple[bool, bytes, int]:
        """Whether the body is as it was signed, its hash, and the size of the canonical body."""
        group = signature.body_how, signature.hash
        digests, size = self._digests(group, repair=self._message.bare)
        if digests[signature.length] != signature.body_hash and not self._message.bare and self._has_bare():
            repaired, larger = self._digests(group, repair=True)
            if repaired[signature.length] == signature.body_hash:
                digests, size = repaired, larger
        digest = digests[signature.length]
        return digest == signature.body_hash, digest, size

    def _digests(self, group: Group, *, repair: bool) -> tuple[dict[int | None, bytes], int]:
        known = self._known.get((group, repair))
        if known is None:
            how, algorithm = group
            known = body_digests(self._message, how, algorithm, self._limits[group], repair=repair)
            self._known[group, repair] = known
        return known

    def _has_bare(self) -> bool:
        if self._bare is None:
            self._bare = has_bare_line_ends(self._message)
        return self._bare


class Header:
    """The header fields of one message, to be picked by h=."""

    def __init__(self, message: Message) -> None:
        self.fields = message.fields
        self.places: dict[bytes, list[int]] = {}
        """Where the fields of a name stand, from the top."""
        for place, one in enumerate(message.fields):
            self.places.setdefault(one.name, []).append(place)
        self._plain = message.plain
        self._canonical: dict[Canonicalization, dict[int, bytes]] = {"simple": {}, "relaxed": {}}

    def count(self, name: bytes) -> int:
        """How many fields have this name."""
        return len(self.places.get(name, ()))

    def doubled(self, names: Iterable[bytes]) -> list[tuple[bytes, int]]:
        """Those of these names of which there are several fields, with how many."""
        if len(self.places) == len(self.fields):
            return []
        return [(name, len(self.places[name])) for name in names if len(self.places.get(name, ())) > 1]

    def picked(self, names: Sequence[bytes], own: Field | None = None) -> list[int | None]:
        """The field that each name stands for, from the bottom up; None where there is none (any more)
        (RFC 6376 5.4.2). Never `own`, the signature's: it was not there yet when h= was made (5.4).
        """
        known = self.places
        if own is not None and own.name in names:
            others = [place for place in known[own.name] if self.fields[place] is not own]
            known = {**known, own.name: others}
        left: dict[bytes, int] = {}
        picked: list[int | None] = []
        for name in names:
            places = known.get(name)
            if places is None:
                picked.append(None)
                continue
            rest = left.get(name, len(places)) - 1
            left[name] = rest
            picked.append(places[rest] if rest >= 0 else None)
        return picked

    def signed(self, names: Sequence[bytes], how: Canonicalization, own: Field | None = None) -> list[bytes]:
        """What is signed of the header, in the order of h=."""
        known, fields = self._canonical[how], self.fields
        fast = self._plain and how == "relaxed"
        signed = []
        for place in self.picked(names, own):
            if place is None:
                continue
            piece = known.get(place)
            if piece is None:
                name, raw = fields[place]
                piece = known[place] = relaxed_plain(name, raw) if fast else canonical_field(raw, how)
            signed.append(piece)
        return signed

    def digest(self, signature: Signature, own: Field) -> tuple[bytes, int]:
        """The hash that is signed, and how many fields beside the signature's own it is made of."""
        how = signature.header_how
        pieces = self.signed(signature.names, how, own)
        count = len(pieces)
        bare = without_signature(own.raw, signature.tags)
        fast = self._plain and how == "relaxed"
        pieces.append(relaxed_plain(own.name, bare) if fast else canonical_field(bare, how))
        return HASHES[signature.hash](CRLF.join(pieces), usedforsecurity=False).digest(), count
