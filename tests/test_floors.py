"""The floors: every room imports from below, through doors; every guest library is met in its one room."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "senderauth"

FLOORS = (
    {"values", "names", "dns"},
    {"spf", "dkim", "dmarc", "adsp", "arc", "lint"},
    {"catalogue", "message"},
    {"simulation"},
    {"advice"},
    {"audit"},
    {"report"},
    {"cli"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
SIDEWAYS = {("dns", "names"), ("dns", "values"), ("catalogue", "message"), ("arc", "dkim")}
DOORS = {"__init__", "__main__", "sync", "testing"}

GUESTS = {
    "asyncio": {"dns", "audit"},
    "checkdmarc": {"lint"},
    "cryptography": {"dkim", "advice"},
    "distributed": {"audit"},
    "dkim": {"dkim"},  # dkimpy
    "dns": {"dns", "lint"},  # dnspython
    "idna": {"names"},
    "publicsuffixlist": {"names"},
    "pyarrow": {"audit"},
    "rich": {"report", "cli"},
    "typer": {"cli"},
}


@dataclass(frozen=True)
class Import:
    path: Path
    line: int
    words: tuple[str, ...]
    """The dotted name, and with `from` the name that is taken from it."""
    level: int = 0
    taken: bool = False
    """Whether the last word is a name that is taken from what the others lead to."""


def imports(path: Path) -> Iterator[Import]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, tuple(alias.name.split(".")))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                words = (*(node.module or "").split("."), alias.name)
                yield Import(path, node.lineno, words, node.level, taken=True)


def faults(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root.parent)}:{found.line}: {fault}"
        for path in sorted(root.rglob("*.py"))
        for found in imports(path)
        if (fault := _fault(root, path, found))
    ]


def _fault(root: Path, path: Path, found: Import) -> str:
    room = path.relative_to(root).parts[0].removesuffix(".py")
    if room not in FLOOR and room not in DOORS:
        return f"{room} has no floor"
    if found.level:
        return "a relative import"
    top, *rest = found.words
    if top != root.name:
        return "" if room in GUESTS.get(top, {room}) else f"{top} is no guest of {room}"
    if room in DOORS:
        return (
            ""
            if rest and rest[0] in FLOOR and not _reaches(root, found)
            else "a door opens on doors of rooms"
        )
    other = rest[0] if rest else ""
    if other == room:
        return ""
    if other not in FLOOR:  # the top floor knows everything
        return "" if room == "cli" else "through the package's own door"
    if FLOOR[other] >= FLOOR[room] and (room, other) not in SIDEWAYS:
        return f"{room} may not know {other}"
    return f"past the door of {other}" if _reaches(root, found) else ""


def _reaches(root: Path, found: Import) -> bool:
    """Whether the words lead to a module inside a room, and not to a thing that the room's door offers,
    which may be called as its module is.
    """
    inner = root.joinpath(*found.words[1:3])
    if len(found.words) < 3 or not (inner.with_suffix(".py").exists() or inner.is_dir()):
        return False
    return not (found.taken and len(found.words) == 3 and found.words[2] in _offered(inner.parent))


def _offered(room: Path) -> set[str]:
    """The names in `__all__`."""
    for node in ast.parse((room / "__init__.py").read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def test_the_floors_hold() -> None:
    found = faults(ROOT)
    assert not found, "\n" + "\n".join(found)


def test_every_room_has_a_floor() -> None:
    rooms = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in ROOT.rglob("*.py")}
    assert rooms - DOORS <= set(FLOOR)


def test_a_name_that_is_not_there_is_no_secret_to_a_type_checker() -> None:
    for path in ROOT.rglob("*.py"):
        tops = ast.parse(path.read_text("utf-8")).body  # what stands under `if not TYPE_CHECKING` is deeper
        names = [node.name for node in tops if isinstance(node, ast.FunctionDef)]
        assert "__getattr__" not in names, path


PLANTED = [
    ("spf/x.py", "from senderauth.simulation import Scenario", "spf may not know simulation"),
    ("spf/x.py", "import senderauth.dmarc", "spf may not know dmarc"),
    ("spf/x.py", "from senderauth import dmarc", "spf may not know dmarc"),
    ("spf/x.py", "from senderauth.dns.core import Answer", "past the door of dns"),
    ("spf/x.py", "from senderauth.dns import core", "past the door of dns"),
    ("spf/x.py", "import senderauth.dns.drive", "past the door of dns"),
    ("spf/x.py", "from senderauth.dns.drive import drive", "past the door of dns"),
    ("spf/x.py", "from senderauth import check", "through the package's own door"),
    ("spf/x.py", "import senderauth", "through the package's own door"),
    ("spf/x.py", "from . import record", "a relative import"),
    ("spf/x.py", "from ..dns import Answer", "a relative import"),
    ("spf/x.py", "import dns.resolver", "dns is no guest of spf"),
    ("spf/x.py", "from dns import resolver", "dns is no guest of spf"),
    ("spf/x.py", "def f():\n    import asyncio", "asyncio is no guest of spf"),
    ("names.py", "import senderauth.values", "names may not know values"),
    ("attic/x.py", "import os", "attic has no floor"),
    ("sync.py", "from senderauth.dns.core import Answer", "a door opens on doors of rooms"),
    ("sync.py", "import asyncio", "asyncio is no guest of sync"),
]
BLAMELESS = [
    ("spf/x.py", "from senderauth import dns, names"),  # ours, not dnspython
    ("spf/x.py", "from senderauth.dns import Answer"),
    ("spf/x.py", "from senderauth.dns import drive"),  # the function, which its module lent its name
    ("spf/x.py", "from senderauth.spf.record import parse"),
    ("dns/x.py", "import asyncio, dns.message\nfrom senderauth import names"),
    ("dkim/x.py", "import dkim"),
    ("arc/x.py", "from senderauth.dkim import verify"),
    ("catalogue/x.py", "from senderauth.message import read"),
    ("sync.py", "from senderauth import advice"),
]


def _plant(folder: Path, path: str, source: str) -> Path:
    root = folder / "senderauth"
    for name in ("dns/core.py", "dns/drive.py", "dns/__init__.py", path):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "dns" / "__init__.py").write_text('__all__ = ["Answer", "drive"]')
    (root / path).write_text(source)
    return root


@pytest.mark.parametrize(("path", "source", "fault"), PLANTED)
def test_a_planted_fault_is_found(tmp_path: Path, path: str, source: str, fault: str) -> None:
    assert [found.partition(": ")[2] for found in faults(_plant(tmp_path, path, source))] == [fault]


@pytest.mark.parametrize(("path", "source"), BLAMELESS)
def test_what_is_allowed_is_no_fault(tmp_path: Path, path: str, source: str) -> None:
    assert not faults(_plant(tmp_path, path, source))


HEAVY = (
    "asyncio", "checkdmarc", "cryptography", "dkim", "dns", "idna", "importlib.metadata", "publicsuffixlist",
    "rich",
)  # fmt: skip


@pytest.mark.parametrize("module", ["senderauth", "senderauth.cli"])
def test_importing_is_light(module: str) -> None:
    if not (ROOT.parent / Path(*module.split("."))).exists():
        pytest.skip(f"{module} is not there yet")
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & {set(HEAVY)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT.parent
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
