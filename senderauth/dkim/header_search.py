"""What changed a signed header, found by undoing what is known to happen until the signature is right again.

Theory of operation. An RSA signature is read with the public key: it holds the digest of the header as it
was signed, so an attempt costs one hash and no arithmetic. (Ed25519 must be computed for every attempt, so
there are fewer.) Each signed field has alternatives, forms that it may have had; they are tried alone, then
two together, then those that mailing lists change at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from senderauth.dkim.alternatives import Alternative, alternatives
from senderauth.dkim.budget import Search
from senderauth.dkim.canonical import CRLF, Canonicalization, Field, Message, canonical_field
from senderauth.dkim.hashing import Header
from senderauth.dkim.signature import Signature, without_signature
from senderauth.values import Reason

MAX_TOGETHER = 400
"""Alternatives of which two are tried together."""
SHOWN = 200
LISTS = (b"from", b"subject", b"reply-to", b"sender", b"to", b"cc")

Check = Callable[[bytes], bool]
"""Whether a digest is the one that was signed."""


@dataclass(slots=True)
class Pieces:
    """What is hashed: the signed fields in the order of h=, None where one is absent, then the signature."""

    names: Sequence[bytes]
    raws: list[bytes | None]
    own: bytes
    """The signature field, b= empty, not canonical."""
    how: Canonicalization
    algorithm: str
    check: Check
    canonical: list[bytes | None]
    size: int
    """Octets of one attempt."""

    def met_by(self, changes: Sequence[tuple[int, bytes | None]]) -> bool:
        """Whether the signature is right with these pieces, canonical already, in place of those."""
        pieces = list(self.canonical)
        for place, piece in changes:
            pieces[place] = piece
        octets = CRLF.join([piece for piece in pieces if piece is not None])
        return self.check(hashlib.new(self.algorithm, octets, usedforsecurity=False).digest())


def pieces_of(message: Message, field: Field, signature: Signature, check: Check) -> Pieces:
    """The header as the signature picks it."""
    header = Header(message)
    how = signature.header_how
    places = header.picked(signature.names, field)
    raws = [None if place is None else message.fields[place].raw for place in places]
    own = without_signature(field.raw, signature.tags)
    canonical = [None if raw is None else canonical_field(raw, how) for raw in raws]
    canonical.append(canonical_field(own, how))
    size = sum(len(piece) for piece in canonical if piece is not None)
    return Pieces(signature.names, raws, own, how, signature.hash, check, canonical, size)


def search_header(message: Message, pieces: Pieces, signature: Signature, search: Search) -> Reason | None:
    """What changed the header, proven by the signature; None where nothing that was tried is it."""
    _canonicalization(pieces, search)
    if search.proven is None:
        _copies(pieces, signature, search)
    if search.proven is None:
        _whole(pieces, search)
    if search.proven is None:
        found = list(alternatives(message, pieces.names, pieces.raws, pieces.how))
        known = _canonical(found, pieces)
        _alone(pieces, known, search)
        if search.proven is None:
            _together(pieces, known, search)
    return search.proven


def _canonicalization(pieces: Pieces, search: Search) -> None:
    """The signer said one and hashed by the other."""
    before = search.budget.used
    other: Canonicalization = "relaxed" if pieces.how == "simple" else "simple"
    changes = [
        (place, None if raw is None else canonical_field(raw, other))
        for place, raw in enumerate((*pieces.raws, pieces.own))
    ]
    if search.budget.take(pieces.size) and pieces.met_by(changes):
        search.proven = Reason("dkim-broke-header-canonicalization", {"said": pieces.how, "right": other})
    search.note("dkim-tried-header-canonicalization", before)


def _copies(pieces: Pieces, signature: Signature, search: Search) -> None:
    """z=: the signer wrote down what it signed (RFC 6376 3.5)."""
    copied: dict[bytes, list[str]] = {}
    for title, value in signature.copied:
        copied.setdefault(title.strip().lower().encode("latin-1", "replace"), []).append(value)
    if not copied:
        return
    before = search.budget.used
    for separator in (b":", b": "):
        changes: list[tuple[int, bytes | None]] = []
        facts: list[str] = []
        left = {name: len(values) for name, values in copied.items()}
        for place, name in enumerate(pieces.names):
            if left.get(name, 0) == 0:
                continue
            left[name] -= 1
            raw = pieces.raws[place]
            written = raw.partition(b":")[0] if raw is not None else name
            before_it = copied[name][left[name]].encode("utf-8", "replace")
            piece = canonical_field(written + separator + before_it, pieces.how)
            if piece != pieces.canonical[place]:
                changes.append((place, piece))
                facts.append(name.decode("latin-1"))
        if changes and search.budget.take(pieces.size) and pieces.met_by(changes):
            search.proven = Reason("dkim-broke-copied-fields", {"fields": facts})
            break
    search.note("dkim-tried-copied-fields", before)


def _whole(pieces: Pieces, search: Search) -> None:
    """Every field folded anew (only where folding counts: simple), or hashed from the top down."""
    before = search.budget.used
    if pieces.how == "simple":
        for fold in _FOLDS:
            whole = [
                (place, None if raw is None else fold(raw))
                for place, raw in enumerate((*pieces.raws, pieces.own))
            ]
            for changes in (whole, whole[:-1], whole[-1:]):
                if search.proven is None and search.budget.take(pieces.size) and pieces.met_by(changes):
                    search.proven = Reason("dkim-broke-refolded", {"field": ""})
    search.note("dkim-tried-refolded", before)


def _unfolded(raw: bytes, blank: bytes) -> bytes:
    return blank.join(line.strip(b" \t") if number else line.rstrip() for number, line in _lines(raw))


def _lines(raw: bytes) -> Iterator[tuple[int, bytes]]:
    return enumerate(raw.split(CRLF))


_FOLDS: tuple[Callable[[bytes], bytes], ...] = (
    lambda raw: raw.replace(CRLF, b""),
    lambda raw: _unfolded(raw, b" "),
    lambda raw: _unfolded(raw, CRLF + b"\t"),
    lambda raw: _unfolded(raw, CRLF + b" "),
    lambda raw: _unfolded(raw, CRLF + b"    "),
    lambda raw: _unfolded(raw, CRLF + b"        "),
)

Change = tuple[int, bytes | None, Alternative]


def _canonical(found: Sequence[Alternative], pieces: Pieces) -> list[Change]:
    """The alternatives with their canonical form, those left out that change nothing."""
    seen: set[tuple[int, bytes | None]] = set()
    known: list[Change] = []
    for one in found:
        piece = None if one.raw is None else canonical_field(one.raw, pieces.how)
        if piece != pieces.canonical[one.place] and (one.place, piece) not in seen:
            seen.add((one.place, piece))
            known.append((one.place, piece, one))
    return known


def _alone(pieces: Pieces, known: Sequence[Change], search: Search) -> None:
    before = search.budget.used
    for place, piece, one in known:
        if not search.budget.take(pieces.size):
            break
        if pieces.met_by([(place, piece)]):
            search.proven = _reason(pieces, [one])
            break
    search.note("dkim-tried-one-field", before)


def _together(pieces: Pieces, known: Sequence[Change], search: Search) -> None:
    """Two fields at once, then From and Subject with any third, as mailing lists change them."""
    before = search.budget.used
    few = known[:MAX_TOGETHER]
    for number, (place, piece, one) in enumerate(few):
        for other_place, other_piece, other in few[number + 1 :]:
            if place == other_place:
                continue
            if not search.budget.take(pieces.size):
                search.note("dkim-tried-two-fields", before)
                return
            if pieces.met_by([(place, piece), (other_place, other_piece)]):
                search.proven = _reason(pieces, [one, other])
                search.note("dkim-tried-two-fields", before)
                return
    if not search.note("dkim-tried-two-fields", before):
        return
    before = search.budget.used
    _as_lists_do(pieces, few, search)
    search.note("dkim-tried-list-fields", before)


def _as_lists_do(pieces: Pieces, known: Sequence[Change], search: Search) -> None:
    by_name = {name: [one for one in known if pieces.names[one[0]] == name] for name in LISTS}
    third = [one for name in LISTS[2:] for one in by_name[name]]
    for from_place, from_piece, from_field in by_name[b"from"]:
        for subject_place, subject_piece, subject in by_name[b"subject"]:
            for place, piece, other in third:
                if not search.budget.take(pieces.size):
                    return
                if pieces.met_by([(from_place, from_piece), (subject_place, subject_piece), (place, piece)]):
                    search.proven = _reason(pieces, [from_field, subject, other])
                    return


def _reason(pieces: Pieces, found: Sequence[Alternative]) -> Reason:
    """The cause with its facts: of one field, or of several."""
    if len(found) == 1:
        one = found[0]
        return Reason(one.id, _facts(pieces, one))
    fields = [pieces.names[one.place].decode("latin-1") for one in found]
    return Reason(
        "dkim-broke-several-fields",
        {
            "fields": fields,
            "causes": [one.id for one in found],
            "signed": [_text(one.raw) for one in found],
        },
    )


def _facts(pieces: Pieces, one: Alternative) -> dict[str, object]:
    return {
        "field": pieces.names[one.place].decode("latin-1"),
        "signed": _text(one.raw),
        "now": _text(pieces.raws[one.place]),
        **one.facts,
    }


def _text(raw: bytes | None) -> str:
    """A field's value for people, cut to size; empty where the field was not there."""
    value = b" ".join((raw or b"").partition(b":")[2].split())
    return value.decode("utf-8", "replace")[:SHOWN]
