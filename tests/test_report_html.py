"""The page of an audit: nothing in it can break out, nothing is loaded, and in a browser it works."""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from senderauth.audit import Summary, compare
from senderauth.report import audit_page, wording
from tests.test_cli import senderauth
from tests.test_diff import finding, policy, row

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"&\u2028\u202e\u2066\x1b]0;x\x07"
ROWS = [
    row("a.example"),
    row("b.example", grade="E", spoofing__answer="yes", findings=[finding("dmarc-record-absent", "medium")]),
    row("c.example", grade="F", spf__record=HOSTILE, spf__terminal="+all", findings=[finding(HOSTILE)]),
    row("xn--mnchen-3ya.example", grade="C", state="unknown", unknown=[
        {"name": "xn--mnchen-3ya.example", "type": "TXT", "status": "TIMEOUT"}
    ]),
    row("", state="bad-input", grade=None, given=HOSTILE, error={
        "id": "audit-not-a-domain", "facts": {"line": 5, "value": HOSTILE}
    }),
]  # fmt: skip

VALUE = "v=spf1 ip4:192.0.2.1 ~all"
FIX = {
    "proposals": [{
        "id": "spf-close-all", "kind": "improvement", "who": "domain-owner",
        "facts": {"domain": "f.example", "addresses": []},
        "changes": [
            {"name": "f.example", "type": "TXT", "old": ["v=spf1 +all"], "new": [VALUE, HOSTILE], "kept": []}
        ],
        "settings": [{"id": "helo", "who": "mail-admin", "value": HOSTILE}],
        "receivers": ["gmail", HOSTILE], "findings": ["spf-passes-everyone", HOSTILE], "reach": [],
        "cautions": [{"id": "caution-name-all-senders", "facts": {"domain": HOSTILE}}],
    }],
    "advice": [
        {"id": "no-record-senders-unknown", "facts": {"domain": "f.example"}}, {"id": HOSTILE, "facts": {}}
    ],
    "grade": "C", "spoofable": "yes", "hosts": None, "findings": [],
}  # fmt: skip
ROWS.append(row("f.example", grade="A", findings=[finding("spf-passes-everyone", "medium")], fix=FIX))


def page(rows: list[dict[str, Any]], language: str = "en", comparison: Any = None) -> str:
    summary = Summary()
    for one in rows:
        summary.add(one)
    counts = summary.document(complete=True, seconds=1)
    title = f"Audit {HOSTILE}"
    return "".join(
        audit_page(lambda: iter(rows), counts, wording(language), title=title, comparison=comparison)
    )


class Reader(HTMLParser):
    """Tags and their attributes, and the text of scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, _: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            self.scripts.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_nothing_in_a_row_becomes_markup(language: str) -> None:
    text = page(ROWS, language, compare(ROWS, [{**ROWS[0], "grade": "F", "mx": None}, *ROWS[1:]]))
    tags = read(text).tags

    assert [tag for tag, _ in tags if tag in ("img", "link", "iframe", "object", "base")] == []
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert sum(tag == "script" for tag, _ in tags) == 3  # rows, words, the one that runs
    assert "\x1b" not in text
    assert not {"\u2028", "\u202e", "\u2066"} & set(text)  # would turn what follows around
    assert not {"src", "href", "action"} & {name for _, attributes in tags for name in attributes}


def test_the_policy_names_the_hashes_of_what_may_run() -> None:
    text = page(ROWS)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    style = text[text.index("<style>") + 7 : text.index("</style>")]
    script = text[text.rindex("<script>") + 8 : text.rindex("</script>")]
    for directive, content in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy[1]
    assert policy[1].startswith("default-src 'none'")
    assert "style=" not in text  # it would not be allowed


def test_the_rows_stand_in_it_as_data() -> None:
    rows, words = (json.loads(script) for script in read(page(ROWS)).scripts[:2])
    assert [one[0] for one in rows[:2]] == ["a.example", "b.example"]
    assert rows[3][0] == "münchen.example"
    assert rows[3][9]["a"] == "xn--mnchen-3ya.example"
    assert words["findings"]["dmarc-record-absent"][0]


@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_every_word_of_the_page_is_there(language: str) -> None:
    changed = compare(ROWS, [{**ROWS[0], "grade": "F"}])
    text = page(ROWS, language, changed)
    for prefix in ("plot-", "column-", "value-", "head-", "diff-", "field-"):
        assert not re.search(rf"[>\"]{prefix}[a-z]", text), prefix


def test_what_to_mend_is_told_with_what_to_do() -> None:
    text = page([{**ROWS[1], "findings": [finding("spf-several-records")]}])
    assert "<var>COUNT</var> SPF records at <var>SUBJECT</var>" in text
    assert "Merge them into one: <var>RECORDS</var>" in text


def test_without_rows_there_is_a_page() -> None:
    assert "</html>" in page([])


def test_a_row_that_proposes_nothing_is_no_fault() -> None:
    assert "a.example" in page([row("a.example", fix=None)])


def test_rows_with_some_fields_only_are_shown() -> None:
    text = page([{"schema": "senderauth/audit/1", "domain": "a.example", "grade": "B"}])
    assert "a.example" in text
    assert "can be spoofed" not in text  # what is not in the file is not called good
    assert json.loads(read(text).scripts[0]) == [["a.example", "B", "", "", "", None, "", "", None, {}]]


def test_the_command_leaves_no_half_page(tmp_path: Path) -> None:
    audit, out = tmp_path / "a.jsonl", tmp_path / "a.html"
    audit.write_text("".join(json.dumps(one) + "\n" for one in ROWS))
    assert senderauth("report", str(audit), "-o", str(out), "--lang", "de").returncode == 0
    assert 'lang="de"' in out.read_text("utf-8")
    whole = out.read_bytes()
    audit.write_text(audit.read_text() + "not a row\n")
    done = senderauth("report", str(audit), "-o", str(out))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{audit}:{len(ROWS) + 1}:" in done.stderr
    assert out.read_bytes() == whole
    assert list(tmp_path.glob("*.part")) == []
    done = senderauth("report", str(audit), "-o", str(tmp_path / "none" / "a.html"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.fixture
def audited(tmp_path: Path) -> Path:
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in ROWS))
    return file


def test_standard_input_is_read_as_often_as_it_must_be(audited: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.html"
    assert senderauth("report", str(audited), "-o", str(out), "--title", "x").returncode == 0
    done = senderauth("report", "-", "-o", "-", "--title", "x", stdin=audited.read_text())
    assert (done.returncode, done.stdout) == (0, out.read_text("utf-8"))


def test_an_audit_is_not_overwritten_by_its_report(audited: Path, tmp_path: Path) -> None:
    before = audited.read_bytes()
    link = tmp_path / "link.html"
    link.symlink_to(audited)
    for out in (audited, link):
        done = senderauth("report", str(audited), "-o", str(out))
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert audited.read_bytes() == before


def test_a_link_stays_a_link_and_a_device_a_device(audited: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "b.html", tmp_path / "link.html"
    target.write_text("old")
    link.symlink_to(target)
    assert senderauth("report", str(audited), "-o", str(link)).returncode == 0
    assert link.is_symlink()
    assert "a.example" in target.read_text("utf-8")
    assert senderauth("report", str(audited), "-o", "/dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()


def test_an_audit_that_still_runs_can_be_shown(audited: Path, tmp_path: Path) -> None:
    audited.write_bytes(audited.read_bytes()[:-20])
    out = tmp_path / "a.html"
    done = senderauth("report", str(audited), "-o", str(out))
    assert done.returncode == 0
    assert done.stderr.count("is torn off") == 1
    assert "c.example" in out.read_text("utf-8")


def test_an_audit_of_another_time_is_compared(audited: Path, tmp_path: Path) -> None:
    old, out = tmp_path / "old.jsonl", tmp_path / "a.html"
    old.write_text(json.dumps(row("b.example")) + "\n")
    assert senderauth("report", str(audited), "--previous", str(old), "-o", str(out)).returncode == 0
    assert "can be spoofed:</span> no → yes" in out.read_text("utf-8")
    old.write_text('{"schema": "senderauth/check/1"}\n')
    done = senderauth("report", str(audited), "--previous", str(old), "-o", str(out))
    assert (done.returncode, f"{old}:1:" in done.stderr) == (2, True)


@pytest.mark.parametrize(("count", "end"), [(12, "include:_spf.long-name-11.example: 4"), (20, "…")])
def test_a_long_fact_is_told_whole_or_says_that_it_is_cut(count: int, end: str) -> None:
    word = "long-" if count == 12 else "longer-" * 8
    costs = [f"include:_spf.{word}name-{n}.example: 4" for n in range(count)]
    told = {**finding("spf-too-many-lookups"), "evidence": {"lookups": 48, "limit": 10, "costs": costs}}
    (shown, *_) = json.loads(read(page([row("a.example", findings=[told])])).scripts[0])
    assert shown[-1]["f"][0][2]["costs"].endswith(end)


# --- in a browser ----------------------------------------------------------------------------------

# A browser on its own asks its maker for updates and lists; ours talks to nobody.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="no playwright (extra `browser`)")
    program = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium is installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The page of 250 rows, and afterwards: no error, nothing loaded."""
    rows = [
        *ROWS,
        *(row(f"{n:03}.example", grade="ABCDEF"[n % 6], spf__lookups=n % 11) for n in range(250 - len(ROWS))),
    ]
    file = tmp_path / "page.html"
    file.write_text(page(rows), "utf-8")
    tab = browser.new_page()
    said: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(file.as_uri())
    yield tab
    assert said == []
    assert asked == [file.as_uri()]
    tab.close()


def names(tab: Any) -> list[str]:
    found: list[str] = tab.eval_on_selector_all("td button.open", "all => all.map(one => one.textContent)")
    return found


def test_it_shows_a_hundred_rows_and_turns_pages(shown: Any) -> None:
    assert len(names(shown)) == 100
    shown.click("#next")
    shown.click("#next")
    assert len(names(shown)) == 50
    assert shown.is_disabled("#next")


ROW = ".domains > tbody > tr"


def test_it_sorts_both_ways_and_the_worst_first(shown: Any) -> None:
    head = "th[data-column=grade]"
    shown.click(f"{head} button")
    assert shown.get_attribute(head, "aria-sort") == "descending"
    assert shown.inner_text(f"{ROW}:first-child td:nth-child(2)") == "F"
    shown.click(f"{head} button")
    assert shown.get_attribute(head, "aria-sort") == "ascending"
    assert shown.inner_text(f"{ROW}:first-child td:nth-child(2)") == "A"
    shown.click("th[data-column=lookups] button")
    assert shown.inner_text(f"{ROW}:first-child td:nth-child(6)") == "10"
    assert shown.get_attribute(head, "aria-sort") == "none"


def test_what_is_not_known_comes_last_both_ways(shown: Any) -> None:
    for _ in range(2):
        shown.click("th[data-column=grade] button")
        shown.click("#next")
        shown.click("#next")
        assert shown.inner_text(f"{ROW}:last-child td:nth-child(2)") in ("–", "no grade")


def test_it_filters(shown: Any) -> None:
    shown.select_option("#f-grade", "F")
    assert 0 < len(names(shown)) < 100
    shown.select_option("#f-spoofable", "yes")
    assert names(shown) == []
    assert shown.inner_text("#place") == "No domain is like that."
    shown.select_option("#f-grade", "")
    assert names(shown) == ["b.example"]
    shown.select_option("#f-spoofable", "")
    for wanted, found in (
        ("mnchen", ["münchen.example"]),  # its A-labels
        ("dmarc-record-absent", ["b.example"]),  # a finding
        ("onerror", ["c.example", HOSTILE.partition("&")[0]]),  # a record
    ):
        shown.fill("#search", wanted)
        shown.wait_for_timeout(300)  # it waits for a pause in the typing
        assert [name.partition("&")[0] for name in names(shown)] == found


def test_bars_and_findings_are_ways_to_their_domains(shown: Any) -> None:
    shown.click("th[data-filter=spoofable] button >> text=yes")
    assert names(shown) == ["b.example"]
    assert shown.input_value("#f-spoofable") == "yes"
    shown.click("[data-finding=dmarc-record-absent] button")
    assert (names(shown), shown.input_value("#f-spoofable")) == (["b.example"], "")


def test_the_numbers_on_top_are_ways_too(shown: Any) -> None:
    for filter, word, found in (
        ("worst", "high", ["c.example"]),
        ("state", "unknown", ["münchen.example"]),
        ("state", "bad-input", [HOSTILE.partition("&")[0]]),
    ):
        shown.click(f".tiles [data-filter={filter}][data-word={word}] button")
        assert [name.partition("&")[0] for name in names(shown)] == found
        assert shown.input_value(f"#f-{filter}") == word
        assert shown.evaluate("document.activeElement.id") == "domains"  # the keyboard goes on there
    shown.click("#reset")
    assert len(names(shown)) == 100
    assert not shown.is_visible("#reset")
    assert shown.query_selector("#f-changes") is None  # nothing to compare with


def test_names_can_be_taken_along(shown: Any) -> None:
    shown.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.fill("#search", "n.example")
    shown.wait_for_timeout(300)
    shown.click("#copy")
    shown.wait_for_function("document.getElementById('place').textContent.includes('copied')")
    assert shown.evaluate("navigator.clipboard.readText()") == "xn--mnchen-3ya.example\n"
    shown.fill("#search", "onerror")  # a record and a line that is no domain
    shown.wait_for_timeout(300)
    shown.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    shown.click("#copy")
    assert shown.evaluate("document.getElementById('place').textContent") == "Names copied: 1"
    shown.click(f"{ROW}:nth-child(1) button.open")
    assert shown.inner_text("tr.detail dd:first-of-type") == "c.example"  # a button's text cannot be marked


def test_what_changed_can_be_chosen_and_stands_with_its_domain(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    before = [{**ROWS[0], "grade": "F"}, {**ROWS[1], "grade": "A"}, *ROWS[2:4]]
    file.write_text(page(ROWS, comparison=compare(before, ROWS)), "utf-8")
    tab = browser.new_page()
    tab.goto(file.as_uri())
    tab.click(".tiles [data-word=better] button")
    assert names(tab) == ["a.example"]
    tab.click("th[data-filter=changes][data-word=worse] button")
    assert names(tab) == ["b.example"]
    tab.click("#reset")
    tab.click(".changes [data-domain] button >> text=b.example")
    assert names(tab) == ["b.example"]
    assert "grade: A → E" in tab.inner_text("tr.detail")
    tab.close()


def test_a_domain_opens_with_what_to_change_ready_to_copy(shown: Any) -> None:
    shown.fill("#search", "spf-close-all")  # proposals are found, too
    shown.wait_for_timeout(300)
    assert names(shown) == ["f.example"]
    shown.click("button.open")
    opened = " ".join(shown.inner_text("tr.detail").split())
    assert "Close the SPF record of f.example: ~all in place of +all" in opened
    assert "Refuse no longer: Gmail" in opened
    assert "No record can be proven to close f.example to strangers yet" in opened
    assert "Once all of it is made: Grade C Spoofable yes" in opened
    assert "<img src=x onerror=alert(2)>" in opened  # as text
    assert shown.locator("tr.detail img").count() == 0
    assert shown.locator("tr.detail .change code").nth(3).inner_text() == VALUE
    copy = shown.locator("tr.detail .copy")
    assert copy.count() == 2  # the name, and the value that can be shown as it is
    shown.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    copy.nth(1).click()
    assert (shown.evaluate("window.copied"), copy.nth(1).inner_text()) == (VALUE, "Copied")


def test_it_opens_a_domain_by_keyboard(shown: Any) -> None:
    opener = f"{ROW}:nth-child(2) button.open"
    shown.focus(opener)
    shown.keyboard.press("Enter")
    assert shown.get_attribute(opener, "aria-expanded") == "true"
    opened = shown.inner_text("tr.detail")
    assert "v=spf1 -all" in opened
    assert "No DMARC record" in opened
    shown.click("tr.detail summary")
    assert "gmail" in shown.inner_text("tr.detail .receivers").lower()
    shown.focus(opener)
    shown.keyboard.press("Enter")
    assert shown.query_selector("tr.detail") is None


def test_what_is_open_stays_open_in_print_and_on_coming_back(shown: Any) -> None:
    shown.click(f"{ROW}:nth-child(2) button.open")
    shown.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert shown.query_selector("tr.detail") is not None
    shown.evaluate("window.dispatchEvent(new Event('afterprint'))")
    shown.click("#next")
    assert shown.query_selector("tr.detail") is None
    shown.click("#back")
    assert shown.get_attribute(f"{ROW}:nth-child(2) button.open", "aria-expanded") == "true"


def test_many_findings_alike_are_told_once(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    many = [finding("dmarc-record-absent", "medium")] * 9 + [finding(f"x-{n}", "low") for n in range(50)]
    file.write_text(page([row("a.example", findings=many)]), "utf-8")
    tab = browser.new_page()
    tab.goto(file.as_uri())
    tab.click("button.open")
    told = tab.inner_text("tr.detail")
    assert told.count("No DMARC record") == 1
    assert "… and 11 more" in told
    tab.close()


def test_a_line_that_is_no_domain_says_so(shown: Any) -> None:
    shown.click(".tiles [data-word=bad-input] button")
    shown.click("button.open")
    told = shown.inner_text("tr.detail")
    assert "is not a domain name" in told
    assert "stranger" not in told


def test_hostile_text_is_text(shown: Any) -> None:
    for place in (5, 3):
        shown.click(f"{ROW}:nth-child({place}) button.open")
    assert "</script>" in shown.inner_text("tr.detail")
    assert shown.query_selector(".domains img, .domains script") is None


def test_what_helps_a_screen_reader_is_there(shown: Any) -> None:
    heads = shown.query_selector_all(".domains thead th")
    assert all(one.get_attribute("scope") == "col" for one in heads)
    unnamed = """[...document.querySelectorAll("input, select, button")]
        .filter((one) => !(one.labels && one.labels.length) && !one.textContent.trim()).length"""
    assert shown.evaluate(unnamed) == 0
    assert shown.get_attribute("html", "lang") == "en"
    assert shown.get_attribute("#place", "role") == "status"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(shown: Any, scheme: str) -> None:
    """WCAG 2.2 1.4.3: a contrast of 4.5 to 1."""
    shown.emulate_media(color_scheme=scheme)
    shown.click(f"{ROW}:nth-child(3) button.open")
    least, text = shown.evaluate(CONTRAST)
    assert least >= 4.5, text


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const blend = (layers) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of layers) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((one) => one / 255)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
    .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
  let least = [99, ""];
  const told = "h1, p, li, th, td, button, .tag, code, summary, label, footer";
  for (const one of document.querySelectorAll(told)) {
    if (one.disabled || !one.textContent.trim() || !one.checkVisibility()) continue;
    const grounds = [];
    for (let at = one; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
    const ground = light(blend(grounds)), ink = light(blend([...grounds, getComputedStyle(one).color]));
    const contrast = (Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05);
    if (contrast < least[0]) least = [contrast, one.outerHTML.slice(0, 200)];
  }
  return least;
}"""


@pytest.mark.parametrize("width", [320, 375, 768, 1024, 1100, 1280])
@pytest.mark.parametrize("language", ["en", "de"])
def test_nothing_sticks_out(browser: Any, tmp_path: Path, width: int, language: str) -> None:
    file = tmp_path / "page.html"
    long = row(
        "a-domain-with-a-rather-long-name.example.com", mx__state="null-mx", dkim__state="none-possible"
    )
    silent = {
        "spoofing__answer": "unknown",
        "dmarc__rfc9989": policy(None, "unknown"),
        "mx__state": "unknown",
    }
    rows = [*ROWS, long, row("b.example", grade=None, spf__terminal=None, spf__state="several", **silent)]
    file.write_text(page(rows, language, compare(rows, [{**ROWS[0], "grade": "F"}])), "utf-8")
    tab = browser.new_page(viewport={"width": width, "height": 800})
    tab.goto(file.as_uri())
    tab.click(f"{ROW}:nth-child(3) button.open")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.close()


def test_on_a_phone_one_can_sort(shown: Any) -> None:
    shown.set_viewport_size({"width": 360, "height": 800})
    shown.select_option("#sort", "grade")
    assert shown.inner_text(f"{ROW}:first-child td:nth-child(2)") == "F"
    shown.select_option("#sort", "")
    assert names(shown)[0] == "a.example"


def test_in_print_there_are_no_controls_and_more_rows(shown: Any) -> None:
    shown.emulate_media(media="print", color_scheme="dark")
    assert not shown.is_visible(".controls")
    assert shown.evaluate("getComputedStyle(document.querySelector('td')).color") == "rgb(0, 0, 0)"
    shown.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert len(names(shown)) == 250


def test_without_scripts_the_first_rows_can_be_read(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(page(ROWS), "utf-8")
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(file.as_uri())
    assert "a.example" in tab.inner_text(".domains")
    assert "Without scripts" in tab.inner_text("noscript")
    assert not tab.is_visible(".controls")
    context.close()
