"""The documentation pages are made from the data: what is committed is what the data says."""

from pathlib import Path

from senderauth import catalogue
from senderauth.report.pages import pages

DOCS = Path(__file__).parents[1] / "docs"


def test_the_pages_are_up_to_date() -> None:
    made = dict(pages())
    there = {f"{path.parent.name}/{path.name}" for path in DOCS.glob("*/*.md")}
    there = {name for name in there if name.startswith(("catalogue/", "findings/"))}
    stale = [name for name in made if name in there and (DOCS / name).read_text("utf-8") != made[name]]
    again = "`python -m senderauth.report.pages docs` writes them anew"

    assert there == set(made), again
    assert not stale, again


def test_every_cause_has_a_page() -> None:
    assert all(f"catalogue/{id}.md" in dict(pages()) for id in catalogue.entries())
