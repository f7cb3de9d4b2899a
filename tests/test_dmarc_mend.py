"""What records that cannot be used were meant to say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senderauth import dmarc
from senderauth.dmarc.record import parse


@pytest.mark.parametrize(
    ("texts", "meant"),
    [
        (["v=DMARC1; p=reject"], None),
        (["v=DMARC1; rua=mailto:a@b.example"], None),  # is read as p=none (RFC 9989 4.10.1)
        (["v=DMARC1; p=rejct; rua=mailto:a@b.example"], "v=DMARC1; p=reject; rua=mailto:a@b.example"),
        (["v=DMARC1; p=reject; sp=quarentine"], "v=DMARC1; p=reject; sp=quarantine"),
        (["v=DMARC1; p=reject; sp=; np="], "v=DMARC1; p=reject"),
        (["v=DMARC1; p="], None),
        (["v=DMARC1; p=block"], None),
        (["v=DMARC1; policy=reject"], "v=DMARC1; p=reject"),
        (["v=DMARC1; p=none; rau=mailto:a@b.example"], "v=DMARC1; p=none; rua=mailto:a@b.example"),
        (["DMARC1; p=quarantine"], "v=DMARC1; p=quarantine"),
        (["v=dmarc1; p=reject"], "v=DMARC1; p=reject"),
        (["v=DMARC1, p=reject"], "v=DMARC1; p=reject"),
        (["v=DMARC1 p=reject rua=mailto:a@b.example"], "v=DMARC1; p=reject; rua=mailto:a@b.example"),
        (["v=DMARC1, p=none, rua=mailto:a@b.example, mailto:c@b.example"],
         "v=DMARC1; p=none; rua=mailto:a@b.example, mailto:c@b.example"),
        (["p=reject; v=DMARC1"], "v=DMARC1; p=reject"),
        (["p=reject"], "v=DMARC1; p=reject"),
        (['"v=DMARC1; p=reject"'], "v=DMARC1; p=reject"),
        (["v=DMARC1; p=reject", "v=DMARC1; p=none; sp=reject"], "v=DMARC1; p=none; sp=reject"),
        (["v=DMARC1; p=reject; rua=mailto:a@b.example", "v=DMARC1; p=none"],
         "v=DMARC1; p=none; rua=mailto:a@b.example"),
        (["v=DMARC1; p=reject; rua=mailto:a@b.example", "v=DMARC1; p=none; rua=mailto:c@b.example"],
         "v=DMARC1; p=none; rua=mailto:c@b.example"),
        (["v=DMARC1; p=reject", "other=1"], None),
        (["verification=1"], None),
    ],
)  # fmt: skip
def test_a_record_is_mended_where_it_can_mean_one_thing(texts: list[str], meant: str | None) -> None:
    assert dmarc.mend([text.encode() for text in texts]) == meant


@given(st.lists(st.text("vDMARC1dmarcpsnou=;, rejtquaint\"'\u2013", max_size=40).map(str.encode), max_size=3))
def test_what_is_mended_is_a_record_with_nothing_to_mend(texts: list[bytes]) -> None:
    mended = dmarc.mend(texts)
    if mended is not None:
        assert parse(mended).p is not None
        assert dmarc.mend([mended.encode()]) is None
