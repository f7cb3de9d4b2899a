"""The README's examples are run."""

import doctest
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_examples_in_the_readme() -> None:
    failed, tried = doctest.testfile(str(README), module_relative=False, optionflags=doctest.ELLIPSIS)

    assert tried >= 5
    assert not failed
