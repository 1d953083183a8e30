"""Causes: what VBR's texts name, what names nothing, and that no text takes long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import CauseSettings
from bot.veeam import DEFAULT_RULES, About, cause_of, cut_in_middle, cut_to_cause
from bot.veeam.causes import ALL_CHARACTERS, LINE_CHARACTERS
from tests.support.failure_texts import KNOWN_CAUSES, NO_CAUSE

_LONGEST_SECONDS = 0.5
_WORDS = sorted({word for text, _ in KNOWN_CAUSES for word in text.split()})


def key_of(*texts: str) -> str | None:
    found = cause_of(texts)
    return None if found is None else found.cause.key


def test_texts_met_in_practice() -> None:
    """Each text gives the cause that it names, by a line that stands in it."""
    wrong = {text: key_of(text) for text, key in KNOWN_CAUSES if key_of(text) != key}
    assert wrong == {}
    for text, _ in KNOWN_CAUSES:
        found = cause_of([text])
        assert found is not None
        assert found.line in {" ".join(line.split()) for line in text.splitlines()}


def test_what_only_says_that_something_failed() -> None:
    """Generic lines name no cause, alone or together."""
    assert {text: key_of(text) for text in NO_CAUSE if key_of(text) is not None} == {}
    assert cause_of(NO_CAUSE) is None


def test_every_cause_can_be_found_and_says_what_to_do() -> None:
    """Keys are unique, titles and next steps are sentences for people."""
    keys = [cause.key for cause in DEFAULT_RULES.causes]
    assert len(keys) == len(set(keys))
    assert [cause.key for cause in DEFAULT_RULES.causes if not cause.next_step.endswith(".")] == []
    for rule in DEFAULT_RULES.rules:
        assert rule.patterns
        assert all(pattern.chains for pattern in rule.patterns)


def test_the_most_specific_of_several_lines_decides() -> None:
    """What merely follows from it is passed over, and so are generic lines; its first line is cited."""
    found = cause_of(
        [
            "Processing finished with errors",
            "Agent failed to process method {DataTransfer.SyncDisk}.",
            "Error: Timed out\nThere is not  enough space on the disk.",
            "No space left on device",
        ]
    )
    assert found is not None
    assert (found.cause.key, found.place) == ("repository_full", 2)
    assert found.line == "There is not enough space on the disk."


def test_what_the_line_names() -> None:
    """Two repositories that are full are two troubles; where the line names none the job's own counts."""
    one, other = cause_of(["Backup repository 'Repo-3' is unavailable"]), cause_of(["Repository is offline"])
    assert one is not None
    assert other is not None
    assert (one.cause.about, one.resource) == (About.REPOSITORY, "Repo-3")
    assert one.common_key("Repo-1") == other.common_key("REPO-3")
    assert other.common_key("Repo-1") != other.common_key("Repo-3")


def test_words_are_whole() -> None:
    """A pattern is no part of a longer word or number."""
    assert key_of("Win32 error. Code: 530") is None
    assert key_of("The interruptiontimeouts counter was read") is None
    assert key_of("it\u2019s from the host\u2019s administrative share") == "guest_unreachable"


def test_a_long_line_is_cut_around_the_words_that_decide() -> None:
    """The citation is bounded and has what decided, wherever in the line it stood."""
    found = cause_of([f"{'x' * 2_000} disk quota exceeded {'y' * 1_000}"])
    assert found is not None
    assert len(found.line) == LINE_CHARACTERS
    assert "disk quota exceeded" in found.line
    assert cause_of([f"{'x' * ALL_CHARACTERS} disk quota exceeded"]) is None


@pytest.mark.parametrize("place", [0, 300, 900, 1_900])
@pytest.mark.parametrize("characters", [140, 220, 1_000])
def test_what_is_cut_keeps_the_words_that_decide(place: int, characters: int) -> None:
    """Wherever they stand in a long text; else its beginning and its end are kept."""
    filler = "Failed to process the next of many blocks. " * 50
    text = f"{filler[:place]} There is not enough space on the disk. {filler[place:]}"
    cut = cut_to_cause(text, characters)
    assert len(cut) <= characters
    assert key_of(cut) == "repository_full"
    assert cut_to_cause(filler, characters) == cut_in_middle(filler, characters)
    assert cut_to_cause(text[:100], characters) == text[:100].strip()


def test_the_settings_add_causes() -> None:
    """Theirs come first; one that the bot knows gets more patterns, and a new title or next step if given."""
    own = [
        CauseSettings(name="dedupe_appliance", patterns=("catalyst * session", "storeonce & busy")),
        CauseSettings(name="repository_full", title="Share full", patterns=("kein platz",)),
    ]
    rules = DEFAULT_RULES.with_own(own)
    found = cause_of(["Busy: all sessions of StoreOnce 1 are taken, disk is full"], rules)
    assert found is not None
    assert (found.cause.key, found.cause.title) == ("dedupe_appliance", "Dedupe appliance")
    for text in ("Kein Platz auf D:", "disk is full"):
        full = cause_of([text], rules)
        assert full is not None
        assert (full.cause.key, full.cause.title) == ("repository_full", "Share full")
        assert full.cause.next_step.startswith("Free space")
    assert len(rules.causes) == len(DEFAULT_RULES.causes) + 2


@given(st.lists(st.one_of(st.text(), st.lists(st.sampled_from(_WORDS), max_size=60).map(" ".join))))
def test_no_text_makes_it_raise(texts: list[str]) -> None:
    """Whatever the texts: a finding whose line is bounded, or none."""
    found = cause_of(texts)
    assert found is None or (0 < len(found.line) <= LINE_CHARACTERS and found.place < len(texts))


@pytest.mark.parametrize(
    "unit",
    [
        "\n",
        "a\n",
        "timeou\n",
        "timeouttimeout",
        "certificate  has ",
        "not enough spac ",
        "[['",
        "d:\\",
        "d:\\a b\\",
        "\\\\a ",
        "/a b.v ",
        "\u0130\u00df",
    ],
)
def test_no_text_takes_long(unit: str) -> None:
    """Texts made to be slow take no longer than their bounded length allows."""
    began = time.process_time()
    names = [unit * 10, unit, *(f"{unit} {number}" for number in range(1_000))]
    cause_of([unit * 100_000] * 1_000, names=names)
    cause_of(f"{unit * 50}{number}" for number in range(100_000))
    assert time.process_time() - began < _LONGEST_SECONDS


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (r"Failed to write data to the file [D:\VSS writer failed\proxy\x.vbk].", None),
        (r"Failed to open D:\Tape library\No space left on device\x.vbk", None),
        (r"Failed to open \\nas01\License has expired\x.vbk. Access is denied.", "permissions"),
        ("Failed to open '/srv/tape library/Timed out.vbk'", None),
        ("Failed to open /srv/timeout/vsscontrol", None),
        (r"There is not enough space on the disk. [D:\Datastore\Shadow copies\x.vbk]", "repository_full"),
        (r"There is not enough space on the disk. [C:\Windows\VeeamBackupTemp\x.tmp]", None),
        (r"Operation not permitted: [/backup/VSS/x.vbk]", "immutability"),
        ("Processing Media pool Error: Logon failure", "credentials"),
        ("Processing Snapshot not found Error: Unspecified error", None),
        ("Job 'License has  expired' failed", None),
        ("Task for Snapshot creation failed: no route to host", "host_unreachable"),
        ("Could not process [Immutability]", None),
        ("Processing immutability failed", None),
        ("The immutability of the backups could not be set", "immutability"),
        ("Backup repository 'Tape library' is unavailable", "repository_unreachable"),
        ("Default Backup Repository is unavailable", "repository_unreachable"),
    ],
)
def test_names_are_no_causes(line: str, key: str | None) -> None:
    """Neither folders and files nor names decide, and none rules a cause out; the line is cited as it is."""
    names = ("License has expired", "Snapshot creation", "Immutability", "Tape library", None, "")
    found = cause_of([line], names=(*names, "Default Backup Repository"))
    assert (None if found is None else found.cause.key) == key
    if found is not None:
        assert found.line == " ".join(line.split())
