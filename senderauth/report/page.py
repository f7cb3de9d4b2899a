"""Lines on a terminal: wrapping, indenting, colour. rich would do it too, and take 100 ms to load."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

STYLES = {
    "refused": "1;31",
    "deferred": "1;33",
    "marked": "1;33",
    "unknown": "1;35",
    "accepted": "1;32",
    "head": "1",
    "dim": "2",
}
KEPT = "\N{NO-BREAK SPACE}"


class Page:
    """Collects lines no wider than `width`; styled only where colour is wanted."""

    def __init__(self, width: int = 80, colour: bool = False) -> None:
        self.width, self.colour = max(40, width), colour
        self.lines: list[str] = []

    def style(self, text: str, style: str) -> str:
        """The text in a style, unchanged without colour."""
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self.colour else text

    def line(self, text: str = "", indent: int = 0, hang: int = 0, style: str = "") -> None:
        """A paragraph, wrapped: first line at indent, the others `hang` deeper."""
        wrapped = textwrap.wrap(
            text,
            self.width - 1,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + hang),
            break_on_hyphens=False,
        ) or [""]
        self.lines += [self.style(row, style) if style else row for row in wrapped]

    def row(self, head: str, told: Iterable[str]) -> None:
        """Several statements beside a head, none of them broken over two lines."""
        kept = "   ".join(one.replace(" ", KEPT) for one in told)
        before = len(self.lines)
        self.line(head.replace(" ", KEPT) + kept, hang=len(head))
        self.lines[before:] = [line.replace(KEPT, " ") for line in self.lines[before:]]

    def lead(self, word: str, style: str, text: str) -> None:
        """A line that begins with a word in a style."""
        wrapped = textwrap.wrap(
            f"{word}  {text}",
            self.width - 1,
            subsequent_indent=" " * (len(word) - len(word.lstrip()) + 2),
            break_on_hyphens=False,
        )
        wrapped[0] = self.style(word, style) + wrapped[0][len(word) :]
        self.lines += wrapped

    def head(self, text: str) -> None:
        """A heading with an empty line above."""
        self.lines += ["", self.style(text, "head")]

    def __str__(self) -> str:
        return "\n".join(self.lines) + "\n"
