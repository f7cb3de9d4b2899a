"""The examples of the README and of docstrings are run."""

import doctest
from importlib import import_module
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_examples_in_the_readme() -> None:
    failed, tried = doctest.testfile(str(README), module_relative=False, optionflags=doctest.ELLIPSIS)

    assert tried >= 5
    assert not failed


def test_examples_in_docstrings() -> None:
    failed, tried = 0, 0
    for path in sorted((README.parent / "senderauth").rglob("*.py")):
        if ">>>" in path.read_text("utf-8"):
            words = path.relative_to(README.parent).with_suffix("").parts
            found = doctest.testmod(import_module(".".join(words)))
            failed, tried = failed + found.failed, tried + found.attempted

    assert tried >= 4
    assert not failed
