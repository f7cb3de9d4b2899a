"""The nouns of every room: what `frozen` makes is what dataclass makes, only sooner."""

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass, replace

import pytest

from senderauth.values import Finding, Reason, frozen


@frozen
class Fast:
    """One with everything."""

    first: int
    second: str = "two"
    third: list[int] = field(default_factory=list)
    fourth: int = field(default=4, compare=False)


@dataclass(frozen=True, slots=True)
class Plain:
    """The same."""

    first: int
    second: str = "two"
    third: list[int] = field(default_factory=list)
    fourth: int = field(default=4, compare=False)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((1,), {}),
        ((1, "b"), {}),
        ((1,), {"third": [3]}),
        ((), {"first": 1, "fourth": 5}),
        ((1, "", [], 0), {}),
    ],
)
def test_a_frozen_class_is_a_dataclass(given: tuple[object, ...], named: dict[str, object]) -> None:
    fast, plain = Fast(*given, **named), Plain(*given, **named)  # type: ignore[arg-type]
    assert [getattr(fast, f.name) for f in fields(fast)] == [getattr(plain, f.name) for f in fields(plain)]
    assert repr(fast).removeprefix("Fast") == repr(plain).removeprefix("Plain")
    assert (is_dataclass(Fast), type(fast), Fast.__match_args__) == (True, Fast, Plain.__match_args__)  # type: ignore[attr-defined]
    assert fast == Fast(*given, **named)  # type: ignore[arg-type]
    assert fast == replace(fast, fourth=99)
    assert fast != replace(fast, first=2)
    assert pickle.loads(pickle.dumps(fast)) == copy.deepcopy(fast) == fast


def test_nobody_changes_it() -> None:
    made = Fast(1)
    for change in (lambda: setattr(made, "first", 2), lambda: delattr(made, "first")):
        with pytest.raises(FrozenInstanceError):
            change()
    with pytest.raises((AttributeError, TypeError)):
        made.other = 1  # type: ignore[attr-defined]
    assert not hasattr(made, "__dict__")


def test_each_has_its_own_default() -> None:
    one, other = Fast(1), Fast(1)
    one.third.append(1)
    assert other.third == []


def test_misuse_is_told_as_ever() -> None:
    for given, named in (((), {}), ((1, 2, 3, 4, 5), {}), ((1,), {"fifth": 1}), ((1,), {"first": 1})):
        with pytest.raises(TypeError, match=r"Fast\.__init__\(\)"):
            Fast(*given, **named)  # type: ignore[arg-type]
    assert list(inspect.signature(Fast).parameters) == ["first", "second", "third", "fourth"]


def test_equal_findings_hash_alike() -> None:
    assert hash(Reason("a", ())) == hash(Reason("a", ()))  # type: ignore[arg-type]
    assert len({Finding("a", "low", "b", (), "c"), Finding("a", "low", "b", (), "c")}) == 1  # type: ignore[arg-type]
