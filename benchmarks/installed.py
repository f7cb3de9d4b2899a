"""Which peers and tools are here, in which version, how they are started, and how to get those missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from benchmarks.serving import tool
from benchmarks.side import Contestant

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / ".venv" / "node_modules"
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}
"""Where Debian keeps the sources of Go's libraries."""

INSTALL = {
    "NSD": "apt-get install nsd",
    "dnsdist": "apt-get install dnsdist",
    "checkdmarc": "pip install checkdmarc",
    "dnspython": "pip install dnspython",
    "pyspf": "pip install pyspf",
    "dkimpy": "pip install dkimpy",
    "blitiri.com.ar/go/spf": "apt-get install golang-go golang-blitiri-go-spf-dev",
    "Mail::SPF": "apt-get install libmail-spf-perl",
    "Mail::DKIM": "apt-get install libmail-dkim-perl",
    "mailauth": "npm install --prefix .venv mailauth node@22",
    "OpenDKIM": "apt-get install opendkim",
}


@cache
def version(name: str) -> str:
    """Of a peer or tool; empty where it is missing."""
    if name in ("checkdmarc", "dnspython", "pyspf", "dkimpy"):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return ""
    if name in ("Mail::SPF", "Mail::DKIM"):
        return _said("perl", f"-M{name}", "-e", f"print ${name}::VERSION")
    if name == "blitiri.com.ar/go/spf":
        package = _said("dpkg-query", "-W", "-f", "${Version}", "golang-blitiri-go-spf-dev")
        compiler = _said("go", "version").removeprefix("go version ").partition(" ")[0]
        return f"{package}, {compiler}" if package and compiler else ""
    if name == "mailauth":
        script = "console.log(require('mailauth/package.json').version + ', node ' + process.version)"
        return _said(node(), "-e", script)
    options = {"NSD": ("nsd", "-v"), "dnsdist": ("dnsdist", "--version"), "OpenDKIM": ("opendkim", "-V")}
    program, option = options[name]
    words = _said(program, option).split()
    return next((word.strip("v") for word in words if word.strip("v")[:1].isdigit()), "")


def python(name: str, worker: str, *arguments: str, count: int) -> Contestant:
    """One of `benchmarks.worker`."""
    return Contestant(name, (sys.executable, "-m", "benchmarks.worker", worker, *arguments), count)


def mailauth(*arguments: str, count: int) -> Contestant:
    """One of the works of peers/mailauth.js."""
    words = (node(), str(ROOT / "benchmarks" / "peers" / "mailauth.js"), *arguments)
    return Contestant("mailauth", words, count, {"NODE_PATH": str(MODULES)})


def node() -> str:
    """The npm package's, for the machine's own is often too old for mailauth."""
    own = MODULES / ".bin" / "node"
    return str(own) if own.exists() else shutil.which("node") or "node"


def go_program(name: str, folder: Path) -> str:
    """benchmarks/peers/NAME.go, compiled; empty where that fails."""
    made, source = folder / name, ROOT / "benchmarks" / "peers" / f"{name}.go"
    environment = {**os.environ, **GO, "GOCACHE": str(folder / "go-cache")}
    words = ["go", "build", "-o", str(made), str(source)]
    done = subprocess.run(words, env=environment, capture_output=True, check=False)
    return str(made) if not done.returncode else ""


def _said(program: str, *options: str) -> str:
    """The first line that the program says, empty where it fails."""
    if not (path := tool(program)):
        return ""
    environment = {**os.environ, "NODE_PATH": str(MODULES)}
    done = subprocess.run([path, *options], capture_output=True, text=True, check=False, env=environment)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines and not done.returncode else ""
