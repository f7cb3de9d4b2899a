"""All benchmarks as one table of ratios: `make bench`, with these settings as variables.

    RUNS=3              how often everything is measured; shown are medians
    DOMAINS=5000        domains of an audit
    SIZES=2000,20000    lists that are compared for how time and memory grow, e.g. also 200000
    DELAYED=20000       domains of the audit with late answers
    PARTS=a,b           only these, nothing is written: whole_row only_spf spf_and_dmarc scale delay client
                        dkim suite start trips log
    WORLD=folder        a world that is there already (see `benchmarks.world`), else one is made
    SEED=1              of the world that is made
    PAGE=docs/benchmarks.md

Contestants run in turns on the same world, whose name server is started for this, on loopback. Peers that
are not installed are left out, and it is said how they are installed.
"""

from __future__ import annotations

import inspect
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import senderauth
from benchmarks import audit, catalogue, client, delays, dkim, spf, start
from benchmarks.installed import INSTALL, version
from benchmarks.serving import served
from benchmarks.table import Bench, markdown
from benchmarks.world import length, lines

Part = Callable[[Bench], None]
SERVED: tuple[Part, ...] = (
    audit.whole_row,
    audit.only_spf,
    audit.spf_and_dmarc,
    audit.scale,
    audit.delay,
    client.client,
)
ALONE: tuple[Part, ...] = (dkim.dkim, spf.suite, start.start, delays.trips, catalogue.log)

PAGE = """# Benchmarks

Written by `make bench`, which measures everything in one run. Trust ratios more than rates: machines differ,
and one machine differs from minute to minute.

{facts}

{table}

## How it was measured

Medians of {runs} runs, contestants in turns (A B C A B C …), each run in a process of its own. The clock
starts when a contestant has imported what it needs and has warmed up; CPU is user and system time of all its
processes; questions are those that the name server counted. Ratios are of rates, then of CPU, which
neighbours on the machine disturb less: above 1 we are ahead. Where times are compared, less is better.

The world is made up, with a realistic mix of right and wrong records (`benchmarks/world.py`); NSD serves it
on loopback, on the same cores. {domains} domains; lists of {sizes}; {delayed} with late answers. Our audits
have `--retries 0`, since the others do not ask again either. `make bench RUNS=5` measures more often;
`benchmarks/__main__.py` names all settings.

All peers on Debian, after `make .venv/editable`:

```sh
apt-get install nsd dnsdist golang-go golang-blitiri-go-spf-dev libmail-spf-perl libmail-dkim-perl opendkim
npm install --prefix .venv mailauth node@22
```

{how}
"""


def setting(name: str, default: str) -> str:
    """A variable of make or of the environment."""
    return os.environ.get(name) or default


def main() -> None:
    """Measures, shows the table, and writes the page when all was measured."""
    names = [part.__name__ for part in SERVED + ALONE]
    chosen = setting("PARTS", ",".join(names)).split(",")
    if unknown := set(chosen) - set(names):
        sys.exit(f"PARTS has {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sizes = sorted(map(int, setting("SIZES", "2000,20000").split(",")))
        domains, late = int(setting("DOMAINS", "5000")), int(setting("DELAYED", "20000"))
        bench = Bench(Path(folder), int(setting("RUNS", "3")), domains, sizes, late)
        wanted = [part for part in SERVED if part.__name__ in chosen]
        if wanted and bench.has("NSD"):
            path = world(bench)
            bench.world = stack.enter_context(served(path, bench.scratch))
        elif wanted:
            bench.skip(f"{', '.join(part.__name__ for part in wanted)}: they need NSD")
            wanted = []
        for part in wanted + [part for part in ALONE if part.__name__ in chosen]:
            print(f"== {part.__name__}", file=sys.stderr)
            try:
                part(bench)
            except (RuntimeError, OSError) as problem:  # the others are worth having
                bench.skip(f"{part.__name__}: {problem}")
    print(markdown(bench.rows))
    for reason in bench.skipped:
        print(f"skipped: {reason}")
    if set(chosen) == set(names):
        path = Path(setting("PAGE", "docs/benchmarks.md"))
        path.write_text(page(bench), "utf-8")
        print(f"written: {path}")


def world(bench: Bench) -> Path:
    """The world's folder; no part asks for more domains than it has."""
    if given := setting("WORLD", ""):
        path = Path(given)
        most = length(path / "domains.txt")
        bench.domains, bench.delayed = min(bench.domains, most), min(bench.delayed, most)
        bench.sizes = sorted({min(size, most) for size in bench.sizes})
        return path
    path, count = bench.scratch / "world", max(bench.domains, *bench.sizes, bench.delayed)
    # in a process of its own: the kernel counts the memory that this one has used to those that it starts
    words = [sys.executable, "-m", "benchmarks.world", str(path), str(count), setting("SEED", "1")]
    subprocess.run(words, check=True)
    return path


def page(bench: Bench) -> str:
    """The document: where and with what it was measured, the table, and how."""
    versions = {name: version(name) for name in INSTALL}
    facts = [
        f"- {datetime.now(UTC):%Y-%m-%d}, senderauth {senderauth.__version__}",
        f"- {cpu()}, {os.cpu_count()} cores, {memory()}, load {bench.load:.1f} at the start",
        f"- {platform.system()} {platform.release()}",
        f"- {platform.python_implementation()} {platform.python_version()}",
        *(f"- {name} {number}" for name, number in versions.items() if number),
    ]
    how = [
        f"- **{part.__name__}**: {' '.join((inspect.getdoc(part) or '').split())}" for part in SERVED + ALONE
    ]
    settings = {
        "runs": bench.runs,
        "domains": f"{bench.domains:,}",
        "sizes": ", ".join(f"{size:,}" for size in bench.sizes),
        "delayed": f"{bench.delayed:,}",
    }
    left_out = ["", "Left out:", "", *(f"- {reason}" for reason in bench.skipped)] if bench.skipped else []
    return PAGE.format(
        facts="\n".join(facts), table=markdown(bench.rows), how="\n".join(how + left_out), **settings
    )


def cpu() -> str:
    """What the processor calls itself."""
    for line in lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def memory() -> str:
    """How much the machine has."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{total / 2**30:.0f} GiB"


if __name__ == "__main__":
    main()
