"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const words = JSON.parse(at("words").textContent);
  const rows = [];
  for (const part of document.querySelectorAll("script.rows")) {
    for (const row of JSON.parse(part.textContent)) rows.push(row);
    part.remove();
  }
  const COLUMNS = Object.keys(words.columns);
  const PLACE = Object.fromEntries(COLUMNS.map((name, place) => [name, place]));
  const DETAIL = COLUMNS.length;
  const SEVERITIES = words.scales.worst.map((one) => one[0]);
  const OUTCOMES = Object.fromEntries(words.scales.outcome.map((one) => [one[0][0], one[0]]));
  const PAGE = 100, PRINTED = 1000;
  const state = { sort: "", down: false, page: 0, size: PAGE, open: new Set() };
  let shown = rows;

  // A column's words: their rank from good to bad, colour and label.
  const scales = {};
  for (const [column, scale] of Object.entries(words.scales)) {
    scales[column] = new Map(scale.map(([word, colour, label], rank) => [word, { rank, colour, label }]));
  }
  const NOTHING = { rank: 99, colour: "none", label: "–" };
  // What rows can be chosen by without being a column of it.
  const APART = { state: (row) => row[DETAIL].z || "ok", changes: (row) => (row[DETAIL].c || [""])[0] };
  const value = (row, name) => {
    if (Object.hasOwn(APART, name)) return APART[name](row);
    const found = row[PLACE[name]];
    return name === "worst" && found !== null ? SEVERITIES[found] : found;
  };
  const look = (name, word) => scales[name].get(word) || NOTHING;
  const number = (count) => count.toLocaleString(document.documentElement.lang);
  const fill = (template, facts) =>
    template.replace(/\{([a-z0-9_]+)\}/g, (all, name) => (Object.hasOwn(facts, name) ? facts[name] : all));
  const element = (name, text, type) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (type) made.className = type;
    return made;
  };
  const tag = (column, word, type = "word") => {
    const { colour, label } = look(column, word);
    return element("span", label, `tag ${type} t-${colour}`);
  };

  // Choosing and sorting.
  const matches = (row, wanted) => {
    const given = row[DETAIL];
    if (Object.hasOwn(words.findings, wanted)) return (given.f || []).some((finding) => finding[0] === wanted);
    return [row[0], given.a, given.s, given.d].some((text) => text && text.toLowerCase().includes(wanted)) ||
      (given.f || []).some((finding) => finding[0].includes(wanted)) ||
      (given.p || []).some((proposal) => proposal[0][0].includes(wanted)) ||
      (given.m || []).some((host) => host.includes(wanted));
  };
  // What is not known has no place in the order: null, which comes last both ways.
  const key = (row) => {
    const name = state.sort, word = value(row, name);
    if (!scales[name]) return word;
    if (word === "" || word === null || word === "unknown" || (name === "grade" && word === "none")) return null;
    return look(name, word).rank;
  };
  const compare = (x, y) => (x[0] === y[0] ? x[1] - y[1] : x[0] === null ? 1 : y[0] === null ? -1 :
    (x[0] < y[0]) === state.down ? 1 : -1);
  const select = () => {
    const wanted = at("search").value.trim().toLowerCase();
    const picked = words.filters.map((name) => [name, at("f-" + name).value]).filter((one) => one[1]);
    shown = rows.filter((row) =>
      picked.every(([name, word]) => value(row, name) === word) && (!wanted || matches(row, wanted)));
    if (state.sort) {
      const keyed = shown.map((row, place) => [key(row), place, row]);
      keyed.sort(compare);
      shown = keyed.map((one) => one[2]);
    }
    at("reset").hidden = !wanted && !picked.length;
    at("copy").disabled = !shown.some(isDomain);
    state.page = 0;
    draw();
  };
  const isDomain = (row) => value(row, "state") !== "bad-input";
  const dnsName = (row) => row[DETAIL].a || row[0];
  const sort = (name, down) => {
    state.sort = name;
    state.down = down;
    at("sort").value = name;
    select();
  };

  // What opens below a domain.
  const list = (box, title, items) => {
    if (!items || !items.length) return;
    box.append(element("h3", title));
    box.appendChild(element("ul")).append(...items);
  };
  const finding = ([id, severity, facts]) => {
    const [title, text] = words.findings[id] || [id, ""];
    const item = element("li");
    item.append(tag("worst", SEVERITIES[severity], "severity"), " ", fill(title, facts));
    if (text) item.append(element("span", fill(text, facts), "more"));
    return item;
  };
  const host = ([name, outcome, code]) => {
    const item = element("li", name + " ");
    item.append(tag("outcome", outcome), " ", code);
    return item;
  };
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {  // not allowed here: the old way
      const box = document.body.appendChild(element("textarea", text));
      box.select();
      document.execCommand("copy");
      box.remove();
    }
  };
  const copier = (text) => {
    const button = element("button", words.ui["copy-value"], "copy");
    button.type = "button";
    button.addEventListener("click", async () => {
      await copy(text);
      button.textContent = words.ui["copied-value"];
      button.focus();
    });
    return button;
  };
  const said = (kind, id) => words.said[kind][id] || id;
  const change = ([name, type, gone, come]) => {
    const all = element("dl", undefined, "change");
    const line = (label, text, copied) => {
      const cell = element("dd");
      cell.append(element("code", text), ...(copied ? [" ", copier(text)] : []));
      all.append(element("dt", label), cell);
    };
    line(words.ui["panel-name"], name, true);
    line(words.ui["panel-type"], type);
    for (const text of gone) line(words.ui["panel-remove"], text);
    for (const [text, exact] of come) line(words.ui["panel-value"], text, exact);
    return all;
  };
  const proposal = (given) => ([[id, facts], who, changes, settings, settled, cured, cautions]) => {
    const [title, text] = words.proposals[id] || [id, ""];
    const item = element("li");
    item.append(element("strong", fill(title, facts)), ` [${said("actor", who)}]`);
    if (text) item.append(element("span", fill(text, facts), "more"));
    item.append(...changes.map(change));
    for (const [name, value] of settings) item.append(element("p", fill(said("setting", name), { value })));
    const of = (one) => (given.f || []).find((finding) => finding[0] === one) || [one, 0, {}];
    const gone = settled.map((one) => fill((words.findings[one] || [one])[0], of(one)[2])).join("; ");
    if (gone) item.append(element("p", `${words.ui.settles} ${gone}`));
    if (cured.length) item.append(element("p", `${words.ui["receivers-cured"]} ${cured.map((one) => said("receiver", one)).join("; ")}`));
    for (const [reason, given] of cautions) {
      item.append(element("p", `${words.ui.mind} ${fill(words.reasons[reason] || reason, given)}`));
    }
    return item;
  };
  const advice = ([id, facts]) => {
    const [title, text] = words.proposals[id] || [id, ""];
    const item = element("li", fill(title, facts));
    if (text) item.append(element("span", fill(text, facts), "more"));
    return item;
  };
  const fixes = (box, given) => {
    list(box, words.ui.fix, (given.p || []).map(proposal(given)));
    if (given.q) {
      const then = box.appendChild(element("p", words.ui.then + " "));
      for (const [name, word] of [["grade", given.q[0]], ["spoofable", given.q[1]], ["outcome", given.q[2]]]) {
        if (!word) continue;
        then.append((words.columns[name] || words.ui.hosts) + " ");
        then.append(tag(name, word, name === "grade" ? "grade" : "word"), " ");
      }
    }
    list(box, words.ui.advice, (given.v || []).map(advice));
  };
  const records = (row) => {
    const given = row[DETAIL];
    const all = element("dl");
    for (const [name, texts] of [["DNS", isDomain(row) && dnsName(row)], ["SPF", given.s], ["DMARC", given.d], ["DKIM", given.k],
      ["MX", given.m], [words.ui.also, given.t]]) {
      if (!texts || !texts.length) continue;
      const cell = element("dd");
      const many = Array.isArray(texts) ? texts : [texts];
      many.forEach((text, place) => cell.append(...(place ? [element("br")] : []), element("code", text)));
      all.append(element("dt", name), cell);
    }
    return all;
  };
  const receivers = ([forged, own]) => {
    const box = element("details");
    const table = element("table", undefined, "receivers");
    const head = table.createTHead().insertRow();
    for (const text of ["", words.ui.forged, words.ui.own]) head.append(element("th", text));
    const body = table.createTBody();
    words.receivers.forEach((name, place) => {
      const letters = [forged[place], (own || "")[place]];
      if (!letters.some((letter) => OUTCOMES[letter])) return;
      const line = body.insertRow();
      const label = line.appendChild(element("th", name));
      label.scope = "row";
      for (const letter of letters) {
        const cell = line.insertCell();
        if (OUTCOMES[letter]) cell.append(tag("outcome", OUTCOMES[letter]));
      }
    });
    for (const cell of head.cells) cell.scope = "col";
    box.append(element("summary", words.ui.receivers), table);
    return box;
  };
  const detail = (row) => {
    const given = row[DETAIL];
    const left = element("div"), right = element("div");
    if (given.c && given.c[1].length) {
      list(left, words.ui.since, given.c[1].map(([name, text]) => {
        const item = element("li");
        item.append(element("span", name + ": ", "soft"), text);
        return item;
      }));
    }
    if (given.r) {
      const told = element("p");
      if (isDomain(row)) {
        left.append(element("h3", words.ui.why));
        told.append(tag("spoofable", value(row, "spoofable")), " – ");
      }
      told.append(fill(words.reasons[given.r[0]] || given.r[0], given.r[1]));
      left.append(told);
    }
    const findings = (given.f || []).map(finding);
    if (given.x) findings.push(element("li", fill(words.ui.more, { count: number(given.x) }), "soft"));
    list(left, words.ui.findings, findings);
    if (!given.f && value(row, "spoofable")) left.append(element("p", words.ui["no-finding"], "soft"));
    fixes(left, given);
    list(left, words.ui.unknown, (given.u || []).map((text) => element("li", text)));
    right.append(records(row));
    list(right, words.ui.hosts, (given.h || []).map(host));
    if (given.o) right.append(receivers(given.o));
    const line = element("tr", undefined, "detail");
    line.setAttribute("role", "row");
    const cell = line.appendChild(element("td"));
    cell.setAttribute("role", "cell");
    cell.colSpan = COLUMNS.length;
    cell.appendChild(element("div", undefined, "sides")).append(left, right);
    return line;
  };

  // One page of the table.
  const opener = (row, line) => {
    const button = element("button", row[0], "open");
    button.type = "button";
    const show = () => {
      const isOpen = state.open.has(row);
      button.setAttribute("aria-expanded", String(isOpen));
      if (isOpen) line.after(detail(row));
      else if (line.nextSibling && line.nextSibling.className === "detail") line.nextSibling.remove();
    };
    button.addEventListener("click", () => {
      if (!state.open.delete(row)) state.open.add(row);
      show();
    });
    return [button, show];
  };
  const say = (text) => {
    for (const place of document.querySelectorAll(".place")) place.textContent = text;
  };
  const draw = () => {
    const body = document.querySelector(".domains > tbody");
    const start = state.page * state.size;
    body.replaceChildren();
    for (const row of shown.slice(start, start + state.size)) {
      const line = body.appendChild(element("tr", undefined, "row"));
      line.setAttribute("role", "row");
      const [button, show] = opener(row, line);
      for (const name of COLUMNS) {
        const cell = line.appendChild(element("td"));
        cell.setAttribute("role", "cell");
        cell.dataset.label = words.columns[name];
        cell.dataset.column = name;
        const word = value(row, name);
        if (name === "domain") cell.append(button);
        else if (name === "lookups") cell.append(element("span", word === null ? "–" : String(word), "num"));
        else cell.append(tag(name, word, name === "grade" ? "grade" : "word"));
      }
      show();
    }
    const pages = Math.max(1, Math.ceil(shown.length / state.size));
    say(shown.length ? fill(words.ui.place, {
      count: number(shown.length), total: number(rows.length), page: number(state.page + 1), pages: number(pages),
    }) : words.ui.nothing);
    at("back").disabled = state.page === 0;
    at("next").disabled = state.page >= pages - 1;
    for (const head of document.querySelectorAll("th[data-column]")) {
      const direction = state.down ? "descending" : "ascending";
      head.setAttribute("aria-sort", head.dataset.column === state.sort ? direction : "none");
    }
  };
  const turn = (pages) => {
    state.page += pages;
    draw();
    toTable();
  };
  const toTable = () => {
    at("domains").scrollIntoView();
    at("domains").focus({ preventScroll: true });
  };

  // Controls, and the plots as another way to them.
  const worstFirst = (name) => name !== "domain";
  for (const name of words.filters) {
    const box = at("f-" + name);
    const present = new Set(rows.map((row) => value(row, name)));
    for (const [word, , label] of words.scales[name]) {
      if (present.has(word)) box.append(new Option(label, word));
    }
    box.closest("label").hidden = box.options.length < 3;
    box.addEventListener("change", select);
  }
  const clear = () => {
    for (const name of words.filters) at("f-" + name).value = "";
    at("search").value = "";
  };
  at("reset").addEventListener("click", () => {
    clear();
    select();
    at("search").focus();
  });
  at("copy").addEventListener("click", async () => {
    const names = shown.filter(isDomain).map(dnsName);
    await copy(names.join("\n") + "\n");
    at("place").textContent = fill(words.ui.copied, { count: number(names.length) });
  });
  at("sort").append(new Option(words.ui["sort-input"], ""));
  for (const head of document.querySelectorAll("th[data-column]")) {
    const name = head.dataset.column;
    const button = element("button", head.textContent);
    button.type = "button";
    head.replaceChildren(button);
    button.addEventListener("click", () => sort(name, state.sort === name ? !state.down : worstFirst(name)));
    at("sort").append(new Option(words.columns[name], name));
  }
  at("sort").addEventListener("change", () => sort(at("sort").value, worstFirst(at("sort").value)));
  const pick = (label, choose) => {
    const button = element("button");
    button.type = "button";
    button.append(...label.childNodes);
    label.append(button);
    button.addEventListener("click", () => {
      clear();
      choose();
      select();
      toTable();
    });
  };
  for (const label of document.querySelectorAll("[data-filter]")) {
    pick(label, () => { at("f-" + label.dataset.filter).value = label.dataset.word; });
  }
  for (const label of document.querySelectorAll("[data-finding]")) {
    pick(label, () => { at("search").value = label.dataset.finding; });
  }
  for (const label of document.querySelectorAll("[data-domain]")) {
    const domain = label.textContent;
    pick(label, () => {
      at("search").value = domain;
      for (const row of rows) if (row[0] === domain) state.open.add(row);
    });
  }
  let waiting;
  at("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(select, 120);
  });
  at("back").addEventListener("click", () => turn(-1));
  at("next").addEventListener("click", () => turn(1));
  const before = { page: 0 };
  window.addEventListener("beforeprint", () => {
    before.page = state.page;
    Object.assign(state, { size: PRINTED, page: 0 });
    draw();
    if (shown.length > PRINTED) {
      const facts = { count: number(PRINTED), total: number(shown.length) };
      say(fill(words.ui["print-more"], facts));
    }
  });
  window.addEventListener("afterprint", () => {
    Object.assign(state, { size: PAGE, page: before.page });
    draw();
  });
  for (const part of document.querySelectorAll(".needs-script")) part.hidden = false;
  draw();
})();
