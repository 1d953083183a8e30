"""What `veeam-bot check` says of channels, groups and people that the settings name."""

from pathlib import Path

import pytest

from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.people import UserGroup
from tests.rooms.slack.checking import found, granted, routed_to, rows
from tests.support.settings_files import SERVER

AT = "veeam-bot.toml, [[routes]] 1, channel"
CHANNELS = {
    "C0OLD": (
        "problem",
        "channel #old (C0OLD)",
        "It is archived: nothing can be posted there.",
        f"Unarchive it, or name another one: {AT}.",
    ),
    "C0RANDOM": (
        "problem",
        "channel #random (C0RANDOM)",
        "The bot is not a member: nothing can be posted there.",
        f"In #random type /invite @veeam, or name another one: {AT}.",
    ),
    "C0SECRET": (
        "problem",
        "channel C0SECRET",
        "There is no such channel, or it is private and the bot is not in it.",
        f"If it is private, type /invite @veeam in it (invite the bot), or name another one: {AT}.",
    ),
    "C0MISTYPED": (
        "problem",
        "channel C0MISTYPED",
        "There is no such channel, or it is private and the bot is not in it.",
        f"If it is private, type /invite @veeam in it (invite the bot), or name another one: {AT}.",
    ),
    "C0ANNOUNCE": (
        "warning",
        "channel #announce (C0ANNOUNCE)",
        "Only some may post there; whether the bot may shows with the first message.",
        f"Let the bot post, in the channel's settings, or name another one: {AT}.",
    ),
    "C0SHARED": (
        "warning",
        "channel #shared (C0SHARED)",
        "It is shared with another organisation, whose people read everything posted there.",
        f"If that is not meant, name another one: {AT}.",
    ),
}


@pytest.mark.parametrize(("channel", "row"), CHANNELS.items(), ids=CHANNELS)
async def test_channels(
    slack: SlackSandbox, tmp_path: Path, channel: str, row: tuple[str, str, str, str]
) -> None:
    """What keeps the bot from telling there, and where it was named."""
    assert rows(await found(slack, tmp_path, routed_to(channel))) == [row]


async def test_a_channel_where_only_the_command_works(slack: SlackSandbox, tmp_path: Path) -> None:
    """The command needs no membership; an archived channel it cannot use."""
    findings = await found(slack, tmp_path, f'{SERVER}\n[slack]\nallowed_channels = ["C0RANDOM", "C0OLD"]\n')
    assert rows(findings, "channel") == [
        ("ok", "channel #random (C0RANDOM)", "It exists.", ""),
        (
            "problem",
            "channel #old (C0OLD)",
            "It is archived: nobody can use the command there.",
            "Unarchive it, or name another one: veeam-bot.toml, [slack], allowed_channels, entry 2.",
        ),
    ]


async def test_a_channel_named_twice_has_one_row(slack: SlackSandbox, tmp_path: Path) -> None:
    """It is asked once, and every place that names it is told."""
    toml = f'{routed_to("C0OLD")}\n[slack]\ndefault_channel = "C0OLD"\n'
    (row,) = rows(await found(slack, tmp_path, toml))
    assert row[3] == f"Unarchive it, or name another one: veeam-bot.toml, [slack], default_channel; {AT}."
    assert len(slack.calls_of("conversations.info")) == 1


HELD_AT = "veeam-bot.toml, [[grants]] 1"
GROUPS = {
    'group = "S0NOWHERE"': (
        "problem",
        "group S0NOWHERE",
        "There is no such user group: nobody has its role.",
        f"Correct it: {HELD_AT}, group.",
    ),
    'group = "@backup-admin"': (
        "problem",
        "group @backup-admin",
        "There is no such user group: nobody has its role. Was @backup-admins meant?",
        f"Correct it: {HELD_AT}, group.",
    ),
    'group = "@former-admins"': (
        "problem",
        "group @former-admins (S0FORMER)",
        "It is disabled: nobody has its role.",
        f"Enable it in Slack, or name another one: {HELD_AT}, group.",
    ),
    'group = "S0EMPTY"': (
        "warning",
        "group @empty (S0EMPTY)",
        "It has no members: nobody has its role.",
        "Add people to it in Slack, under User groups.",
    ),
    'user = "U0GUS"': (
        "problem",
        "person gus (U0GUS)",
        "This person is a guest: the bot refuses them whatever is granted.",
        f"Grant the role to someone else: {HELD_AT}, user.",
    ),
    'user = "U0DEE"': (
        "problem",
        "person dee (U0DEE)",
        "This person is deactivated: the bot refuses them whatever is granted.",
        f"Grant the role to someone else: {HELD_AT}, user.",
    ),
    'user = "U0FAY"': (
        "problem",
        "person fay (U0FAY)",
        "This person belongs to another organisation: the bot refuses them whatever is granted.",
        f"Grant the role to someone else: {HELD_AT}, user.",
    ),
    'user = "U0NOBODY"': (
        "problem",
        "person U0NOBODY",
        "The workspace has no such person: nobody has its role.",
        f"Correct it: {HELD_AT}, user.",
    ),
}


@pytest.mark.parametrize(("holder", "row"), GROUPS.items(), ids=GROUPS)
async def test_who_holds_a_role(
    slack: SlackSandbox, tmp_path: Path, holder: str, row: tuple[str, str, str, str]
) -> None:
    """A grant that lets nobody in is named with its place."""
    slack.workspace.directory.add(UserGroup("S0EMPTY", "empty", "Empty"))
    assert rows(await found(slack, tmp_path, granted(holder))) == [row]


async def test_a_handle_that_two_groups_bear(slack: SlackSandbox, tmp_path: Path) -> None:
    """The living one counts; a disabled group keeps its handle."""
    slack.workspace.directory.add(UserGroup("S0NEW", "former-admins", "Admins again", ["U0ANN"]))
    findings = await found(slack, tmp_path, granted('group = "@former-admins"'))
    assert rows(findings, "group") == [("ok", "group @former-admins (S0NEW)", "It has 1 member.", "")]


MENTIONED_AT = "veeam-bot.toml, [[routes]] 1, mention"


@pytest.mark.parametrize(
    ("mention", "row"),
    [
        (
            "@oncal",
            (
                "problem",
                "group @oncal",
                "There is no such user group: a mention reaches nobody. Was @oncall meant?",
                f"Correct it: {MENTIONED_AT}.",
            ),
        ),
        ("@OnCall", ("ok", "group @oncall (S0ONCALL)", "It has 2 members.", "")),
        (
            "@former-admins",
            (
                "problem",
                "group @former-admins (S0FORMER)",
                "It is disabled: a mention reaches nobody.",
                f"Enable it in Slack, or name another one: {MENTIONED_AT}.",
            ),
        ),
        (
            "S0FORMER",
            (
                "problem",
                "group @former-admins (S0FORMER)",
                "It is disabled: a mention reaches nobody.",
                f"Enable it in Slack, or name another one: {MENTIONED_AT}.",
            ),
        ),
        (
            "U0DEE",
            (
                "problem",
                "person dee (U0DEE)",
                "This person is deactivated: a mention reaches nobody.",
                f"Name someone else: {MENTIONED_AT}.",
            ),
        ),
        ("U0GUS", ("ok", "person gus (U0GUS)", "This person is a guest, and is only mentioned.", "")),
    ],
)
async def test_who_is_mentioned(
    slack: SlackSandbox, tmp_path: Path, mention: str, row: tuple[str, str, str, str]
) -> None:
    """A mention that reaches nobody is a problem; a guest may well be on call."""
    toml = f'{routed_to("C0PROD")}mention = "{mention}"\n'
    assert rows(await found(slack, tmp_path, toml), "group", "person") == [row]
