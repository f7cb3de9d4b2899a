"""A row as one flat table's line, for CSV and Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from senderauth.audit.row import adsp_word
from senderauth.dns import owner, rdata

COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("n", "n", "int"),
    ("given", "given", "text"),
    ("domain", "domain", "text"),
    ("state", "state", "text"),
    ("error", "error", "text"),
    ("grade", "grade", "text"),
    ("spoofable", "spoofing", "text"),
    ("spoofable_why", "spoofing", "text"),
    ("spoofed_spf", "spoofing", "text"),
    ("spf_state", "spf", "text"),
    ("spf_terminal", "spf", "text"),
    ("spf_lookups", "spf", "int"),
    ("spf_void_lookups", "spf", "int"),
    ("spf_addresses4", "spf", "int"),
    ("spf_addresses6", "spf", "text"),
    ("spf_exact", "spf", "bool"),
    ("spf_includes", "spf", "texts"),
    ("spf_problems", "spf", "texts"),
    ("spf_record", "spf", "text"),
    ("dmarc_policy", "dmarc", "text"),
    ("dmarc_policy_rfc7489", "dmarc", "text"),
    ("dmarc_state", "dmarc", "text"),
    ("dmarc_state_rfc7489", "dmarc", "text"),
    ("dmarc_location", "dmarc", "text"),
    ("dmarc_inherited", "dmarc", "bool"),
    ("dmarc_reports", "dmarc", "bool"),
    ("dmarc_pct", "dmarc", "int"),
    ("dmarc_testing", "dmarc", "bool"),
    ("dmarc_record", "dmarc", "text"),
    ("adsp", "adsp", "text"),
    ("dkim_state", "dkim", "text"),
    ("dkim_keys", "dkim", "texts"),
    ("mx_state", "mx", "text"),
    ("mx_hosts", "mx", "texts"),
    ("mta_sts", "mta_sts", "text"),
    ("tls_rpt", "tls_rpt", "text"),
    ("hosts", "hosts", "texts"),
    ("findings", "findings", "texts"),
    ("unknown", "unknown", "texts"),
    ("fix_proposals", "fix", "texts"),
    ("fix_records", "fix", "texts"),
    ("fix_removed", "fix", "texts"),
    ("fix_settings", "fix", "texts"),
    ("fix_advice", "fix", "texts"),
    ("fix_grade", "fix", "text"),
    ("fix_spoofable", "fix", "text"),
    ("fix_hosts", "fix", "text"),
)
"""Name, the row's field that it comes from, kind. addresses6 is text: 2^128 fits no number of a table.
Records are as in a master file, so that several in one cell can be told apart.
"""

_NAMES = tuple(name for name, _, _ in COLUMNS)


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of a row's document by column; None where there is nothing."""
    cells: dict[str, Any] = dict.fromkeys(_NAMES)
    for name in ("n", "given", "domain", "state", "grade", "mta_sts", "tls_rpt"):
        cells[name] = row.get(name)
    if error := row.get("error"):
        cells["error"] = error["id"]
    if spoofing := row.get("spoofing"):
        cells["spoofable"] = spoofing["answer"]
        cells["spoofable_why"] = spoofing["reason"]["id"]
        cells["spoofed_spf"] = spoofing["spf"]
    if spf := row.get("spf"):
        for name, value in spf.items():
            cells[f"spf_{name}"] = list(value) if isinstance(value, tuple) else value
        cells["spf_addresses6"] = str(spf["addresses6"])
    if dmarc := row.get("dmarc"):
        newer, older = dmarc["rfc9989"], dmarc["rfc7489"]
        cells["dmarc_policy"], cells["dmarc_policy_rfc7489"] = newer["policy"], older["policy"]
        cells["dmarc_state_rfc7489"] = older["state"]
        for name in ("state", "location", "inherited"):
            cells[f"dmarc_{name}"] = newer[name]
        for name in ("reports", "pct", "testing", "record"):
            cells[f"dmarc_{name}"] = dmarc[name]
    if adsp := row.get("adsp"):
        cells["adsp"] = adsp_word(adsp["state"], adsp["practice"])
    if dkim := row.get("dkim"):
        cells["dkim_state"] = dkim["state"]
        cells["dkim_keys"] = [
            f"{key['selector']}:{key['state']}:{key['type']}:{key['bits']}" for key in dkim["keys"]
        ]
    if mx := row.get("mx"):
        cells["mx_state"], cells["mx_hosts"] = mx["state"], list(mx["hosts"])
    if hosts := row.get("hosts"):
        cells["hosts"] = [f"{host['address'] or host['host']}:{host['outcome']}" for host in hosts]
    if findings := row.get("findings"):
        cells["findings"] = list(dict.fromkeys(f"{one['severity']}:{one['id']}" for one in findings))
    if unknown := row.get("unknown"):
        cells["unknown"] = [f"{one['type']}:{one['name']}:{one['status']}" for one in unknown]
    if fix := row.get("fix"):
        cells |= _fix_cells(fix)
    return cells


def _fix_cells(fix: Mapping[str, Any]) -> dict[str, Any]:
    """What to publish and what to take away, each as `--set` takes it; and what it leads to."""
    proposals = fix["proposals"]
    changes = [change for proposal in proposals for change in proposal["changes"]]
    settings = [setting for proposal in proposals for setting in proposal["settings"]]
    return {
        "fix_proposals": [proposal["id"] for proposal in proposals],
        "fix_records": [_record(c, text) for c in changes for text in c["new"] if text not in c["old"]],
        "fix_removed": [_record(c, text) for c in changes for text in c["old"] if text not in c["new"]],
        "fix_settings": [f"{setting['id']}={setting['value']}" for setting in settings],
        "fix_advice": [advice["id"] for advice in fix["advice"]],
        "fix_grade": fix["grade"],
        "fix_spoofable": fix["spoofable"],
        "fix_hosts": fix["hosts"],
    }


def _record(change: Mapping[str, Any], text: str) -> str:
    return f"{owner(change['name'])} {change['type']} {rdata(change['type'], text)}"


def told(cells: Mapping[str, str]) -> dict[str, Any]:
    """What a row's cells still say once they are text, in the form of its document: all that a summary
    counts. Cells that are not there give nothing, as fields that were left out.
    """
    row: dict[str, Any] = {
        name: cells[name] or None
        for name in ("given", "domain", "state", "grade", "mta_sts", "tls_rpt")
        if name in cells
    }
    if "spoofable" in cells:
        row["spoofing"] = {"answer": cells["spoofable"]} if cells["spoofable"] else None
    if state := cells.get("spf_state"):
        row["spf"] = {
            "state": state,
            "terminal": cells["spf_terminal"].removeprefix("'") or None,  # see write.py
            "lookups": int(cells["spf_lookups"]),
        }
    if state := cells.get("dmarc_state"):
        row["dmarc"] = {
            "rfc9989": {"policy": cells["dmarc_policy"] or None, "state": state},
            "rfc7489": {
                "policy": cells["dmarc_policy_rfc7489"] or None,
                "state": cells["dmarc_state_rfc7489"],
            },
        }
    if word := cells.get("adsp"):
        row["adsp"] = {"state": word, "practice": None}
    for name in ("dkim", "mx"):
        if state := cells.get(f"{name}_state"):
            row[name] = {"state": state}
    row["hosts"] = [{"outcome": host.rpartition(":")[2]} for host in cells.get("hosts", "").split()]
    if "findings" in cells:
        pairs = [finding.partition(":") for finding in cells["findings"].split()]
        row["findings"] = [{"severity": severity, "id": id} for severity, _, id in pairs]
    if "unknown" in cells:
        row["unknown"] = cells["unknown"].split()
    if cells.get("fix_spoofable"):
        row["fix"] = {
            "proposals": [{"id": id} for id in cells["fix_proposals"].split()],
            "advice": [{"id": id} for id in cells["fix_advice"].split()],
            **{name: cells[f"fix_{name}"] or None for name in ("grade", "spoofable", "hosts")},
        }
    return row
