"""Start-up: `senderauth --version`, `--help` and a check on zone files against a bare typer program.

Goals: the first two at most 1.3 times, the check at most 2 times the bare program.
"""

from __future__ import annotations

import compileall
import sys
import tempfile
from pathlib import Path

import senderauth
from benchmarks.side import command, in_turn, table

BARE = '''
import typer

app = typer.Typer()

@app.command()
def hello(name: str = "world") -> None:
    """Say hello."""
    print(f"hello {name}")

app()
'''


def main(rounds: int = 15) -> None:
    """Measures whole processes, in turn."""
    # an installed package is compiled; an editable checkout is not where Python was told to write no bytecode
    compileall.compile_dir(str(Path(senderauth.__file__).parent), quiet=1)
    ours = str(Path(sys.executable).parent / "senderauth")
    check = (ours, "check", "shop@webshop.example", "--host", "203.0.113.9", "--demo")
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        medians = in_turn(
            {
                "bare typer program": command(sys.executable, str(bare)),
                "bare typer --help": command(sys.executable, str(bare), "--help"),
                "senderauth --version": command(ours, "--version"),
                "senderauth --help": command(ours, "--help"),
                "senderauth check --demo": command(*check),
                "senderauth check --demo --json": command(*check, "--json"),
            },
            rounds,
        )
    print(table("start-up, whole processes", medians, "bare typer program"))


if __name__ == "__main__":
    main()
