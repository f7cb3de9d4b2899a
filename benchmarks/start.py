"""Start-up: whole processes, beside a bare typer program and checkdmarc."""

from __future__ import annotations

import compileall
import sys
from pathlib import Path

import senderauth
from benchmarks.side import Contestant, whole
from benchmarks.table import Bench, Goal, Row

BARE = '''
import typer

app = typer.Typer()

@app.command()
def hello(name: str = "world") -> None:
    """Say hello."""
    print(f"hello {name}")

app()
'''


def start(bench: Bench) -> None:
    """Whole processes from start to end: `senderauth` beside a program of five lines with the same
    library for commands. All compiled beforehand. The ratio is of seconds.
    """
    # an installed package is compiled; an editable checkout is not where Python was told to write no bytecode
    compileall.compile_dir(str(Path(senderauth.__file__).parent), quiet=1)
    folder = Path(sys.executable).parent
    program, bare = str(folder / "senderauth"), bench.scratch / "bare.py"
    bare.write_text(BARE)
    check = (program, "check", "shop@webshop.example", "--host", "203.0.113.9", "--demo")
    base = "a bare typer program"
    commands = {
        base: (sys.executable, str(bare)),
        "senderauth --version": (program, "--version"),
        "senderauth --help": (program, "--help"),
        "senderauth check --demo": check,
        "senderauth check --demo --json": (*check, "--json"),
    }
    guest = folder / "checkdmarc"
    if guest.exists():
        commands["checkdmarc --help"] = (str(guest), "--help")
    contestants = [Contestant(name, words, 1) for name, words in commands.items()]
    medians = bench.race(contestants, whole, 3 * bench.runs)
    goals = {"senderauth --version": 1.3, "senderauth --help": 1.3}
    for name, figures in medians.items():
        if name.startswith("senderauth"):
            for peer in (base, "checkdmarc --help") if name == "senderauth --help" else (base,):
                if peer in medians:
                    ratio = figures.seconds / medians[peer].seconds
                    goal = Goal("≤", goals.get(name, 2)) if peer == base else None
                    theirs = f"{peer} {medians[peer].seconds * 1e3:.0f} ms"
                    bench.add(Row(f"time of {name}", f"{figures.seconds * 1e3:.0f} ms", theirs, ratio, goal))
