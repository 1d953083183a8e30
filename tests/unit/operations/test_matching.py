"""What a word means among names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.job_types import described_types_named, in_words, job_types_named
from bot.operations.matching import INVISIBLE, fits, fold, is_exactly, means_everything, nearest, pick
from bot.veeam import REVISIONS, Revision, job_type_key, revision_facts
from bot.veeam.job_layouts import LAYOUTS

NAMES = (
    "SQL",
    "SQL Prod",
    "sql prod",
    "SQL Prod 2",
    "Ann\u2019s VM",
    "50% [old]",
    "A*",
    "Müller",
    "A \u2013 B  C",
)

PICKED = [
    ("SQL Prod", ("SQL Prod",)),
    ("sql", ("SQL",)),
    ("SQL PROD", ("SQL Prod", "sql prod")),
    ("prod 2", ("SQL Prod 2",)),
    ("prod", ("SQL Prod", "sql prod", "SQL Prod 2")),
    ("sql*2", ("SQL Prod 2",)),
    ("sql ?rod", ("SQL Prod", "sql prod")),
    ("A*", ("A*",)),
    ("Ann's VM", ("Ann\u2019s VM",)),
    ("[old]", ("50% [old]",)),
    ("[5]*", ()),
    ("Mu\u0308ller", ("Müller",)),
    ("a - b c", ("A \u2013 B  C",)),
    ('"SQL Prod 2', ("SQL Prod 2",)),
    ("xyz", ()),
    ("", ()),
]


@pytest.mark.parametrize(("word", "expected"), PICKED)
def test_the_best_way_of_matching_counts(word: str, expected: tuple[str, ...]) -> None:
    """The very name beats the folded one, a whole name beats a part of one, and a part beats a glob."""
    assert pick(word, NAMES, str) == expected


@pytest.mark.parametrize(("word", "expected"), [("sql", ("SQL",)), ("Prod", ()), ("S*", ()), ("A*", ("A*",))])
def test_a_quoted_name_is_the_whole_name(word: str, expected: tuple[str, ...]) -> None:
    """What stood in quotes matches whole names only, and has no wildcards."""
    assert pick(word, NAMES, str, exact=True) == expected


def test_twins_are_all_returned() -> None:
    """One name on two servers is two matches."""
    twins = (("hq", "SQL"), ("dr", "SQL"))
    assert pick("SQL", twins, lambda twin: twin[1]) == twins


@given(st.text(min_size=1), st.lists(st.text()))
def test_a_name_is_found_by_itself(name: str, others: list[str]) -> None:
    """Whoever types or quotes a whole name never gets another one."""
    assert set(pick(name, [*others, name], str, exact=True)) == {name}
    assert set(pick(name, [*others, name], str)) == {name}


@pytest.mark.parametrize(
    "seen_alike",
    [
        "SQL\u200d Prod",
        "SQL\u3164Prod",
        "S\u00adQL Prod",
        "SQL Prod\u200e",
        "sql\u2800 PROD",
        "SQL\ufe0f Prod",
    ],
)
def test_what_looks_the_same_is_the_same(seen_alike: str) -> None:
    """Letters that nobody sees make no other name, and fillers are blanks."""
    assert fold(seen_alike) == fold("SQL Prod")


@given(st.text(), st.sampled_from(INVISIBLE), st.integers(0, 99))
def test_a_letter_that_nobody_sees_makes_no_difference(name: str, letter: str, place: int) -> None:
    """Wherever an invisible letter stands, the name is the same."""
    with_letter = f"{name[:place]}{letter}{name[place:]}"
    assert fold(with_letter).replace(" ", "") == fold(name).replace(" ", "")


@pytest.mark.parametrize("text", ["all", "ALL", "*", " ** ", "?", "%", "all jobs", "everything", ""])
def test_what_means_everything(text: str) -> None:
    """Words for all there is, and wildcards alone, name no job."""
    assert means_everything(text)


@pytest.mark.parametrize("text", ["all night", "SQL*", "-", "#1", "a", ":fire:"])
def test_what_may_be_a_name(text: str) -> None:
    """Anything else may be a name, or a part of one."""
    assert not means_everything(text)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    """A folded name stays as it is, so that either side may be folded before."""
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("pattern", "expected"), [("prod", 3), ("SQL*", 4), ("*2", 1), ("a*b", 0), ("a*c", 1), ("*", 9), ("", 0)]
)
def test_a_pattern_narrows_a_list(pattern: str, expected: int) -> None:
    """A list shows the names that hold the pattern, or fit it as a glob."""
    assert sum(fits(pattern, name) for name in NAMES) == expected


@pytest.mark.parametrize(
    ("typed", "name", "expected"),
    [
        ("Ann\u2019s VM", "Ann's VM", True),
        ("SQL \u2014 Prod", "SQL - Prod", True),
        (" SQL\u00a0Prod ", "SQL Prod", True),
        ("Mu\u0308ller", "Müller", True),
        ("sql prod", "SQL Prod", False),
        ("SQL Pro", "SQL Prod", False),
        ("SQL  Prod", "SQL Prod", False),
        ("SQL*", "SQL Prod", False),
    ],
)
def test_a_name_typed_out(typed: str, name: str, *, expected: bool) -> None:
    """Keyboards rewrite quotes and dashes; letters, and their case, are the person's own."""
    assert is_exactly(typed, name) is expected


def test_names_that_are_alike() -> None:
    """The likest names come first, and nothing is named that is not alike."""
    assert nearest("SQL Pord", ["Oracle", "SQL Prod", "SQL Test", "SQL Prod"])[0] == "SQL Prod"
    assert nearest("qqqq", ["Oracle", "SQL Prod"]) == ()


@pytest.mark.parametrize(
    ("word", "revision", "expected"),
    [
        ("vspherebackup", "1.3-rev0", ("VSphereBackup",)),
        ("backupcopy", "1.3-rev0", ("BackupCopy",)),
        ("hyper", "1.3-rev0", ("HyperVBackup",)),
        ("agent", "1.3-rev0", ("WindowsAgentBackup", "LinuxAgentBackup")),
        ("proxmox", "1.3-rev0", ()),
        ("proxmox", "1.3-rev2", ("ProxmoxBackupJob",)),
        ("vsphere", "1.2-rev1", ("VSphereReplica",)),
        ("vspherebackup", "1.2-rev1", ("Backup",)),
        ("Backup", "1.3-rev0", ("VSphereBackup",)),
    ],
)
def test_job_types_by_a_part_of_them(word: str, revision: str, expected: tuple[str, ...]) -> None:
    """A type may be typed in part and in any case; only those of the server's revision count."""
    assert job_types_named(word, revision_facts(revision)) == expected


@pytest.mark.parametrize("revision", REVISIONS.values(), ids=REVISIONS)
def test_each_type_is_found_by_the_words_that_lists_show(revision: Revision) -> None:
    """What stands in a list can be typed again after `type:`, and means that type alone."""
    found = {kind: job_types_named(in_words(kind), revision) for kind in revision.job_types}
    assert found == {kind: (kind,) for kind in revision.job_types}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_described_type_is_found_by_the_words_that_lists_show(kind: str) -> None:
    """What the bot calls a type names it and no other in `create`, whatever revisions have it."""
    assert [job_type_key(each) for each in described_types_named(in_words(kind))] == [job_type_key(kind)]


def test_every_job_type_of_the_pinned_revision_is_known() -> None:
    """EJobType of 1.3-rev0 has thirteen values."""
    assert len(set(revision_facts("1.3-rev0").job_types)) == 13
