"""The catalogue's data: complete, in three languages, and every text found by its own patterns."""

import re
import subprocess
import sys
import tomllib
from itertools import combinations
from pathlib import Path
from typing import get_args

import pytest

from senderauth import catalogue
from senderauth.catalogue import load
from senderauth.catalogue.codes import _data, _words
from senderauth.catalogue.matching import _ambiguities, _ambiguity_words, patterns
from senderauth.message.author import State

HERE = Path(load.__file__).parent
ENTRIES = dict(catalogue.entries())
MESSAGES = dict(catalogue.messages())
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

# What a check knows of one send. `case` sentences may use only what is always known there.
FACTS = {
    *("author_domain", "author", "mail_from", "mail_from_domain", "helo", "host", "address", "login"),
    *("adsp_location", "dmarc_location", "spf_location", "spf_record", "spf_term", "policy", "dmarc_record"),
    *(
        "dkim_domain",
        "dkim_selector",
        "spf_word",
        "dkim_word",
        "dmarc_word",
        "recipient",
        "receiver",
        "provider",
    ),
}
NOT_ALWAYS = {"spf_record", "policy", "dmarc_record", "dkim_domain", "dkim_selector", "receiver", "provider"}

# The help page's rows and questions, as the catalogue must hold them.
HELP_PAGE = (
    "mailbox-full",
    "content-refused-as-spam",
    "content-suspicious-url",
    "content-suspicious-text",
    "content-forbidden-attachment",
    "content-phishing-suspected",
    "sender-blocked",
    "spf-failed-for",
    "recipient-unknown",
    "relay-denied",
    "too-many-recipients",
    "foreign-sender-quota",
    "rate-limit-new-mailbox",
    "rate-limit-mailbox",
    "rate-limit-package",
    "sender-address-not-ascii",
    "dmarc-policy-refused",
    "adsp-all-refused",
    "spf-check-failed",
    "sender-address-not-permitted",
    "recipient-mailbox-disabled",
    "forward-loop",
    "temporary-server-failure",
    "login-failed",
    "sending-not-allowed",
    "too-many-connections",
    "tls-required-submission",
    "envelope-domain-forbidden",
    "delayed-notice",
    "forward-loop-catch-all",
    "forward-loop-mutual",
    "open-relay-abuse",
    "mailbox-in-use",
    "catch-all-mail",
    "login-timeout-shown-as-password",
    "login-name-incomplete",
    "filter-rules-conflict",
    "message-too-large",
    "message-fragmented",
)


def test_every_row_and_question_of_the_help_page_is_an_entry():
    rows = [ENTRIES[id].origin for id in HELP_PAGE]
    assert len(HELP_PAGE) == 39
    assert all(origin.startswith("help page, ") for origin in rows)
    assert {f"help page, row {number}" for number in range(1, 29)} <= set(rows)
    assert len(set(rows)) == 39
    assert len(MESSAGES) >= 136


@pytest.mark.parametrize("folder", ["entries", "messages", "text/en", "text/nl", "text/de"])
def test_the_index_of_blocks_says_what_a_whole_parse_says(folder):
    whole = {}
    for file in sorted((HERE / folder).glob("*.toml")):
        tables = tomllib.loads(file.read_text("utf-8"))
        assert not whole.keys() & tables.keys(), "an id stands in two files"
        whole |= tables
    blocks = load._blocks(*folder.split("/"))
    assert {id: tomllib.loads(block) for id, block in blocks.items()} == whole


def test_entries_stand_in_the_file_of_their_family():
    for file in (HERE / "entries").glob("*.toml"):
        for id, table in tomllib.loads(file.read_text("utf-8")).items():
            assert table["family"] == file.stem, id


KNOWN_KEYS = {
    "entries": {field for field in load.Entry.__dataclass_fields__ if field != "id"},
    "messages": {field for field in load.Message.__dataclass_fields__ if field != "id"},
}


@pytest.mark.parametrize("folder", KNOWN_KEYS)
def test_no_field_is_misspelt(folder):
    for file in (HERE / folder).glob("*.toml"):
        for id, table in tomllib.loads(file.read_text("utf-8")).items():
            assert table.keys() <= KNOWN_KEYS[folder], id


@pytest.mark.parametrize("source", [*ENTRIES.values(), *MESSAGES.values()], ids=lambda source: source.id)
def test_values_are_of_the_vocabulary(source):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", source.id)
    assert source.permanence in get_args(load.Permanence)
    assert set(source.checks) <= set(get_args(load.Check))
    for code in (*source.codes, source.reply):
        assert re.fullmatch(r"((\d{3})? ?(\d\.\d{1,3}\.\d{1,3})?|-ERR \[IN-USE\])", code), code
    assert set(PLACEHOLDER.findall(source.template)) <= FACTS
    if source.provider:
        assert source.provider in catalogue.provider_keys()
    if isinstance(source, catalogue.Entry):
        assert source.family in get_args(load.Family)
        assert source.must_act
        assert set(source.must_act) <= set(get_args(load.MustAct))
        assert source.said_by
        assert set(source.said_by) <= set(get_args(load.SaidBy))
        assert bool(source.patterns) == bool(source.samples), "patterns and samples need each other"
    else:
        assert source.rank in get_args(load.TextRank)
        assert source.patterns
        assert source.text
        assert source.sources
        assert {source.cause, *source.other_causes} <= ENTRIES.keys()
        assert source.cause not in source.other_causes
        assert not source.by_host_only or source.provider
        assert set(source.from_states) <= set(get_args(State))


@pytest.mark.parametrize("id", ENTRIES)
def test_an_entry_has_words_of_its_own_in_every_language(id):
    words = {language: catalogue.wording(id, language) for language in catalogue.LANGUAGES}
    for field in ("title", "cause", "remedy", "case"):
        texts = [getattr(words[language], field) for language in catalogue.LANGUAGES]
        assert len({frozenset(PLACEHOLDER.findall(text)) for text in texts}) == 1
        assert len({bool(text) for text in texts}) == 1
        for one, other in combinations(filter(None, texts), 2):
            assert one != other, "a copy is no translation"
        for text in texts:
            assert text == text.strip()
            assert "  " not in text
            assert "TODO" not in text
    english = words["en"]
    assert english.title
    assert english.cause.endswith(".")
    assert english.remedy.endswith(".")
    assert set(PLACEHOLDER.findall(english.case)) <= FACTS - NOT_ALWAYS


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_wording_is_of_entries_only_and_titles_differ(language):
    blocks = load._blocks("text", language)
    assert blocks.keys() - {"codes", "ambiguities"} == ENTRIES.keys()
    titles = [catalogue.wording(id, language).title for id in ENTRIES]
    assert len(set(titles)) == len(titles)
    assert max(map(len, titles)) <= 80


def test_a_message_is_explained_by_its_cause():
    assert catalogue.wording("gmail-dmarc-rejected", "de") == catalogue.wording("dmarc-policy-refused", "de")


@pytest.mark.parametrize("pattern", patterns(), ids=lambda pattern: pattern.id)
def test_a_pattern_is_written_as_normalised_text_looks_and_can_be_looked_up(pattern):
    assert pattern.text == " ".join(pattern.text.lower().split())
    assert pattern.hooks


# Fallbacks and look-alikes: their own words do not lead to them first.
EXCEPTIONS = {
    "openspf-why": "a link that stands in the texts of others, too: whoever says more goes first",
    "zoho-dmarc": "word for word the RFC's text: told apart by the host alone",
}


def own_samples():
    for entry in ENTRIES.values():
        for number, sample in enumerate(entry.samples, 1):
            yield pytest.param(entry.id, sample, None, None, id=f"{entry.id}-{number}")
    for message in MESSAGES.values():
        for number, sample in enumerate((message.text, *message.samples), 1):
            host = message.provider if message.by_host_only else None
            yield pytest.param(message.id, sample, host, message.reply or None, id=f"{message.id}-{number}")


@pytest.mark.parametrize(("id", "sample", "provider", "code"), list(own_samples()))
def test_its_own_sample_leads_to_it_first_and_no_other(id, sample, provider, code):
    found = catalogue.match(sample, provider=provider, code=code)
    assert found[0].id == id, [(match.id, match.pattern) for match in found]


def test_the_exceptions_are_what_they_are_said_to_be():
    assert {m.id for m in MESSAGES.values() if m.by_host_only} == {"zoho-dmarc", "tencent-dmarc"}
    zoho = MESSAGES["zoho-dmarc"]
    assert catalogue.match(zoho.text)[0].id == "dmarc-policy-refused"
    why = MESSAGES["openspf-why"]
    assert "openspf-why" in [m.id for m in catalogue.match(MESSAGES["policyd-spf-permerror"].text)][1:]
    assert catalogue.match(why.text)[0].id == "openspf-why"
    assert EXCEPTIONS.keys() <= MESSAGES.keys()


def test_a_template_filled_with_a_case_is_found_as_that_message():
    facts = dict.fromkeys(FACTS, "example.com") | {"address": "192.0.2.1", "policy": "reject"}
    for source in (*MESSAGES.values(), *(entry for entry in ENTRIES.values() if entry.template)):
        if source.id in ("zoho-dmarc", "tencent-dmarc"):  # told apart by the host only
            continue
        text = PLACEHOLDER.sub(lambda name: facts[name[1]], source.template)
        found = catalogue.match(text, code=source.reply or None)
        assert found[0].id == source.id, (source.id, text, found[0].id)


def test_the_codes_have_words_in_every_language_and_lead_to_entries():
    keys = _data().keys() - {"provider", "subject"}
    for language in catalogue.LANGUAGES:
        assert _words(language).keys() == keys
    for one, other in combinations(catalogue.LANGUAGES, 2):
        assert not [key for key in keys if _words(one)[key] == _words(other)[key]]
    named = {_data()[key].get("entry") for key in keys} - {None}
    named |= {entry for table in _data()["provider"].values() for entry in table.values()}
    named |= {row["entry"] for row in _data()["subject"]["words"]}
    assert named <= ENTRIES.keys()


def test_the_ambiguities_have_words_in_every_language_and_name_entries():
    for language in catalogue.LANGUAGES:
        assert _ambiguity_words(language).keys() == _ambiguities().keys()
    for name, row in _ambiguities().items():
        assert set(row["means"]) <= ENTRIES.keys(), name
        assert set(row.get("of", ())) <= ENTRIES.keys() | MESSAGES.keys(), name


def test_a_check_loads_only_the_data_and_only_what_it_asks_for():
    program = (
        "import sys, senderauth.catalogue as c; c.message('gmail-dmarc-rejected'); c.entry('spf-failed-for');"
        "c.wording('spf-failed-for', 'nl'); from senderauth.catalogue import load;"
        "assert load.entry.cache_info().currsize == 1, 'one entry asked, one parsed';"
        "print(sorted(n for n in sys.modules if n.startswith('senderauth.catalogue')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['senderauth.catalogue', 'senderauth.catalogue.load']"


@pytest.mark.parametrize("call", [catalogue.entry, catalogue.message, catalogue.wording])
def test_an_unknown_id_is_a_key_error(call):
    with pytest.raises(KeyError):
        call("no-such-id")


def test_a_language_that_is_not_there_is_a_value_error():
    with pytest.raises(ValueError, match="en, nl, de"):
        catalogue.wording("spf-failed-for", "fr")
