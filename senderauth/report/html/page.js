"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const words = read("words");
  const rows = [];
  for (const part of document.querySelectorAll("script.rows")) {
    for (const row of JSON.parse(part.textContent)) rows.push(row);
    part.remove();
  }
  const COLUMNS = ["domain", "grade", "spoofable", "dmarc", "spf", "lookups", "dkim", "mx", "worst"];
  const SEVERITIES = ["none", "info", "low", "medium", "high"];
  const RANK = {
    grade: ["A", "B", "C", "D", "E", "F", "none"],
    spoofable: ["no", "partly", "unknown", "yes", ""],
    dmarc: ["reject", "quarantine", "none", "absent", "unknown", ""],
    spf: ["-all", "~all", "?all", "none", "redirect", "+all", "absent", "several", "broken", "unknown", ""],
    dkim: ["found", "not-found", "none-possible", "unknown", ""],
    mx: ["mx", "address", "null-mx", "dead-mx", "none", "missing", "unknown", ""],
  };
  const COLOUR = {
    grade: { A: "good", B: "good", C: "fair", D: "mid", E: "bad", F: "worst" },
    spoofable: { no: "good", partly: "mid", yes: "worst" },
    dmarc: { reject: "good", quarantine: "fair", none: "mid", absent: "worst" },
    spf: { "-all": "good", "~all": "fair", "?all": "mid", none: "mid", "+all": "worst", absent: "bad",
      several: "worst", broken: "worst" },
    dkim: { found: "good" },
    mx: { mx: "good", address: "fair", "null-mx": "fair", "dead-mx": "bad", none: "bad", missing: "bad" },
    worst: { high: "worst", medium: "bad", low: "mid", info: "none", none: "good" },
  };
  const value = (row, name) => {
    const found = row[COLUMNS.indexOf(name)];
    return name === "worst" ? SEVERITIES[found] : found;
  };
  const key = (row, name) => {
    const found = row[COLUMNS.indexOf(name)];
    if (name === "worst") return found;
    if (name === "lookups") return found === null ? -1 : found;
    return RANK[name] ? RANK[name].indexOf(found) : found;
  };
  const label = (name, word) => (words.values[name] && words.values[name][word]) || word || "–";

  const state = { sort: null, down: false, page: 0, size: 100 };
  const control = (id) => document.getElementById(id);
  let shown = rows;

  const fill = (template, facts) =>
    template.replace(/\{([a-z0-9_]+)\}/g, (all, name) => (name in facts ? facts[name] : all));
  const element = (name, text, type) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (type) made.className = type;
    return made;
  };

  const select = () => {
    const wanted = control("search").value.trim().toLowerCase();
    const picked = {};
    for (const name of ["grade", "spoofable", "dmarc", "worst"]) picked[name] = control("f-" + name).value;
    shown = rows.filter((row) => {
      for (const name in picked) if (picked[name] && String(value(row, name)) !== picked[name]) return false;
      if (!wanted) return true;
      const detail = row[COLUMNS.length];
      return row[0].toLowerCase().includes(wanted) || (detail.a || "").includes(wanted) ||
        detail.f.some((finding) => finding[0].includes(wanted));
    });
    if (state.sort) {
      const sign = state.down ? -1 : 1;
      const keyed = shown.map((row, place) => [key(row, state.sort), place, row]);
      keyed.sort((x, y) => (x[0] < y[0] ? -sign : x[0] > y[0] ? sign : x[1] - y[1]));
      shown = keyed.map((one) => one[2]);
    }
    state.page = 0;
    draw();
  };

  const detail = (row) => {
    const given = row[COLUMNS.length];
    const cell = element("td");
    cell.colSpan = COLUMNS.length;
    const box = cell.appendChild(element("div", undefined, "detail"));
    if (given.a) box.append(element("code", given.a));
    if (given.r) {
      box.append(element("h3", words.ui.why));
      box.append(element("p", fill(words.reasons[given.r[0]] || given.r[0], given.r[1])));
    }
    for (const [name, record] of [["SPF", given.s], ["DMARC", given.d]]) {
      if (record) {
        box.append(element("h3", name));
        box.append(element("code", record));
      }
    }
    if (given.k.length) {
      box.append(element("h3", "DKIM"));
      box.append(element("code", given.k.join(", ")));
    }
    if (given.h.length) {
      box.append(element("h3", words.ui.hosts));
      const list = box.appendChild(element("ul"));
      for (const host of given.h) list.append(element("li", host));
    }
    if (given.f.length) {
      box.append(element("h3", words.ui.findings));
      const list = box.appendChild(element("ul"));
      for (const [id, severity, facts] of given.f) {
        const told = words.findings[id] || [id, ""];
        const item = list.appendChild(element("li"));
        const tag = element("span", label("worst", SEVERITIES[severity]), "tag");
        tag.classList.add("t-" + (COLOUR.worst[SEVERITIES[severity]] || "none"));
        item.append(tag, " ", fill(told[0], facts));
        if (told[1]) item.append(element("span", fill(told[1], facts), "more"));
      }
    }
    if (given.u.length) {
      box.append(element("h3", words.ui.unknown));
      box.append(element("code", given.u.join(", ")));
    }
    const line = element("tr", undefined, "detail");
    line.append(cell);
    return line;
  };

  const draw = () => {
    const body = document.querySelector("tbody");
    body.replaceChildren();
    const start = state.page * state.size;
    for (const row of shown.slice(start, start + state.size)) {
      const line = element("tr", undefined, "row");
      for (const name of COLUMNS) {
        const cell = element("td");
        cell.dataset.label = words.columns[name];
        const word = value(row, name);
        if (name === "domain") {
          const open = element("button", word, "open");
          open.type = "button";
          open.setAttribute("aria-expanded", "false");
          open.addEventListener("click", () => {
            const isOpen = open.getAttribute("aria-expanded") === "true";
            open.setAttribute("aria-expanded", String(!isOpen));
            if (isOpen) line.nextSibling.remove();
            else line.after(detail(row));
          });
          cell.append(open);
        } else if (name === "lookups") {
          cell.textContent = word === null ? "–" : word;
          cell.className = "num";
        } else {
          const tag = element("span", label(name, word), "tag");
          tag.classList.add("t-" + ((COLOUR[name] || {})[word] || "none"));
          cell.append(tag);
        }
        line.append(cell);
      }
      body.append(line);
    }
    const pages = Math.max(1, Math.ceil(shown.length / state.size));
    control("place").textContent = fill(words.ui.place, {
      count: shown.length.toLocaleString(), total: rows.length.toLocaleString(),
      page: state.page + 1, pages,
    });
    control("back").disabled = state.page === 0;
    control("next").disabled = state.page >= pages - 1;
    for (const head of document.querySelectorAll("th[data-column]")) {
      const sorted = head.dataset.column === state.sort;
      head.setAttribute("aria-sort", sorted ? (state.down ? "descending" : "ascending") : "none");
    }
  };

  for (const name of ["grade", "spoofable", "dmarc", "worst"]) {
    const box = control("f-" + name);
    const present = new Set(rows.map((row) => String(value(row, name))));
    const order = name === "worst" ? [...SEVERITIES].reverse() : RANK[name];
    for (const word of order) {
      if (!present.has(word)) continue;
      const option = element("option", label(name, word));
      option.value = word;
      box.append(option);
    }
    box.addEventListener("change", select);
  }
  for (const head of document.querySelectorAll("th[data-column]")) {
    const button = element("button", head.textContent);
    button.type = "button";
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      state.down = state.sort === head.dataset.column ? !state.down : false;
      state.sort = head.dataset.column;
      select();
    });
  }
  let waiting;
  control("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(select, 120);
  });
  control("back").addEventListener("click", () => { state.page -= 1; draw(); });
  control("next").addEventListener("click", () => { state.page += 1; draw(); });
  window.addEventListener("beforeprint", () => { state.size = 1000; state.page = 0; draw(); });
  window.addEventListener("afterprint", () => { state.size = 100; draw(); });
  for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;
  draw();
})();
