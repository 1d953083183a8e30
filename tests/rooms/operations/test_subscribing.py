"""Channels are subscribed and unsubscribed by people with the role, and everybody there reads who did it."""

from dataclasses import replace

import pytest

from bot.operations.actions.unsubscribe import Unsubscribe
from bot.operations.catalog import TYPED
from bot.operations.commands import parse
from bot.operations.model import Origin, Person, Refusal, Standing
from bot.operations.outcomes import (
    AlreadyPressed,
    Done,
    NoSubscription,
    NotFound,
    NotSubscribed,
    Offered,
    Outcome,
    Refused,
)
from bot.operations.places import Readers
from bot.settings import ChannelId, GrantSettings, PersonId, Role, RouteSettings
from bot.slack.views.message import Reply
from bot.slack.views.outcomes import outcome as draw
from bot.store import Subscription, Subscriptions
from bot.store.subscriptions import CHANNEL_AT_MOST
from tests.rooms.operations.office import GRANTS, OPERATOR, SQL_ONLY, VIEWER, Office

DR_ONLY = PersonId("U0DRONLY")


async def types(office: Office, line: str, person: PersonId = OPERATOR, **more: object) -> Outcome:
    return await office.ask(parse(line, TYPED), person, **more)  # type: ignore[arg-type]  # passed on


async def answered(office: Office, line: str, person: PersonId = OPERATOR, **more: object) -> Reply:
    return draw(await types(office, line, person, **more), "r-1")


async def kept(office: Office) -> tuple[Subscription, ...]:
    return await Subscriptions(office.database).every()


@pytest.mark.parametrize(
    ("line", "results", "pattern", "server"),
    [
        ("subscribe", ("Warning", "Failed"), None, None),
        ("subscribe all", ("Warning", "Failed"), None, None),
        ("subscribe failed, success SQL*", ("Success", "Failed"), "SQL*", None),
        ("subscribe Failures server:dr", ("Failed",), None, "dr"),
        ("subscribe oracle", ("Warning", "Failed"), "Oracle", "hq"),
        ("subscribe Oracle warning", ("Warning",), "Oracle", "hq"),
    ],
)
async def test_what_is_subscribed_to(
    office: Office, line: str, results: tuple[str, ...], pattern: str | None, server: str | None
) -> None:
    """Failures and warnings of everything, unless it is said otherwise; the channel reads who did it."""
    reply = await answered(office, line)
    assert reply.in_channel
    assert reply.message.text.startswith(f"<@{OPERATOR}> subscribed this channel to ")
    (own,) = await kept(office)
    assert (own.channel, own.person_id, own.results) == ("C0PROD", OPERATOR, results)
    assert (own.pattern, own.server) == (pattern, server)
    assert own.job_id == (office.world.job("Oracle").id if pattern == "Oracle" else None)


async def test_it_is_on_record_before_and_after(office: Office) -> None:
    """Both to subscribe and to end it: who, where, to what."""
    await types(office, "subscribe failed Oracle")
    await types(office, "unsubscribe Oracle")
    rows = await office.audited()
    assert [(row["event"], row.get("operation"), row.get("outcome")) for row in rows] == [
        ("opened", "channel.subscribe", None),
        ("closed", None, "done"),
        ("opened", "channel.unsubscribe", None),
        ("closed", None, "done"),
    ]
    assert (rows[0]["server"], rows[0]["job_name"], rows[0]["detail"]) == ("hq", "Oracle", "Failed of Oracle")


async def test_a_part_of_a_name_subscribes_to_nothing(office: Office) -> None:
    """A job is meant by its whole name, as for any action; what fits is offered with a button."""
    reply = await answered(office, "subscribe Orac")
    assert await kept(office) == ()
    assert '"Subscribe"' in str(reply.message.blocks).replace("'", '"')
    missing = await answered(office, "subscribe Orakle")
    assert "No job named" in missing.message.text


async def test_one_that_is_there_is_not_made_again(office: Office) -> None:
    """The same again is named with who made it; of one who sees less it is another."""
    await types(office, "subscribe SQL*", SQL_ONLY)
    again = await types(office, "subscribe sql*", SQL_ONLY)
    assert isinstance(again, NotSubscribed)
    assert again.why is NoSubscription.ALREADY
    await types(office, "subscribe SQL*", OPERATOR)
    await types(office, "subscribe SQL P*", OPERATOR)
    assert f"By <@{OPERATOR}>" in (await answered(office, "subscribe SQL P*", SQL_ONLY)).message.text
    assert [each.person_id for each in await kept(office)] == [SQL_ONLY, OPERATOR, OPERATOR]


async def test_where_nothing_can_be_posted_nobody_subscribes(office: Office) -> None:
    """The bot is not in the channel, the channel is shared, or it is a conversation of two other people."""
    office.talks.left.add("C0PROD")
    reply = await answered(office, "subscribe")
    assert "Invite it with `/invite`" in reply.message.text
    office.talks.read_by = {"C0SHARED": Readers.OTHERS, "D0PEERS": Readers.OTHERS}
    for channel, is_direct in (("C0SHARED", False), ("D0PEERS", True)):
        refused = await types(office, "subscribe", channel=channel, is_direct=is_direct)
        assert isinstance(refused, Refused)
        assert refused.refusal is Refusal.SHARED_CHANNEL
    nowhere = await types(office, "subscribe", channel=None)
    assert isinstance(nowhere, NotSubscribed)
    assert await kept(office) == ()


async def test_a_conversation_with_the_bot_can_be_subscribed(office: Office) -> None:
    """What concerns only oneself is posted there."""
    reply = await answered(office, "subscribe Oracle", channel="D0ANN", is_direct=True)
    assert "subscribed their conversation with the bot" in reply.message.text
    (own,) = await kept(office)
    assert (own.channel, own.is_direct) == ("D0ANN", True)


@pytest.mark.parametrize("line", ["subscribe SQL*", "unsubscribe Oracle"])
async def test_a_message_changes_nothing(office: Office, line: str) -> None:
    """A mention is answered with the button that does it."""
    await types(office, "subscribe Oracle")
    offered = await types(office, line, origin=Origin.MENTION)
    assert isinstance(offered, Offered)
    message = draw(offered, "r-1").message
    assert "Nothing was changed yet" in message.text
    assert line.split()[1] in message.text
    assert len(await kept(office)) == 1
    done = await office.ask(offered.request, origin=Origin.BUTTON)
    assert draw(done, "r-1").in_channel
    assert len(await kept(office)) == (2 if line.startswith("subscribe") else 0)


async def test_whoever_may_ends_what_others_subscribed(office: Office) -> None:
    """By its words or from the list; a second press says who did."""
    await types(office, "subscribe SQL*", SQL_ONLY)
    await types(office, "subscribe Oracle")
    choice = await answered(office, "unsubscribe")
    assert not choice.in_channel
    assert len(await kept(office)) == 2
    reply = await answered(office, 'unsubscribe "sql*"')
    assert reply.message.text.startswith(f"<@{OPERATOR}> unsubscribed this channel from ")
    assert f"<@{SQL_ONLY}> had subscribed it" in reply.message.text
    (left,) = await kept(office)
    for person in (VIEWER, OPERATOR):
        await types(office, "unsubscribe Oracle", person, press="the same")
    assert await kept(office) == ()
    second = await types(office, "unsubscribe Oracle", SQL_ONLY, press="the same")
    assert isinstance(second, AlreadyPressed)
    assert left.pattern == "Oracle"
    none = await types(office, "unsubscribe")
    assert isinstance(none, NotSubscribed)
    assert none.why is NoSubscription.NONE_SUCH


async def test_the_list_has_what_the_settings_say_too(office: Office) -> None:
    """Each with who made it and, unless it is the settings', a button; another channel's are not in it."""
    office.routes = (
        RouteSettings(channel=ChannelId("C0PROD"), jobs=("Exchange*",), failures_in_a_row=3),
        RouteSettings(channel=ChannelId("C0ELSE"), jobs=("Payroll*",)),
    )
    await types(office, "subscribe <!channel>*")
    message = (await answered(office, "subscriptions")).message
    assert "<!channel>" not in str(message)
    assert f"by <@{OPERATOR}>" in message.text
    assert "jobs like `Exchange*`" in message.text
    assert "only after 3 failures in a row" in message.text
    assert "Payroll" not in message.text
    assert str(message.blocks).count("operation:unsubscribe") == 1


async def test_the_list_names_nothing_that_is_not_for_the_asker(office: Office) -> None:
    """Jobs and patterns beyond somebody's grants are not named to them, and are not theirs to end."""
    office.routes = (RouteSettings(channel=ChannelId("C0PROD"), jobs=("Exchange*",)),)
    for line in ("subscribe Oracle", "subscribe Ora*", "subscribe failed server:dr"):
        await types(office, line)
    message = (await answered(office, "subscriptions", SQL_ONLY)).message
    assert not [word for word in ("Ora", "Exchange", "dr") if word in str(message).replace("under", "")]
    assert "operation:unsubscribe" not in str(message.blocks)
    for each in await kept(office):
        assert isinstance(await office.ask(Unsubscribe(each.id), SQL_ONLY), Refused)
    assert len(await kept(office)) == 3


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"standing": Standing.DEACTIVATED}, "can't use the bot any more"),
        ({"groups": frozenset()}, "has none of Veeam's roles here any more"),
        ({"groups": frozenset({"S0VIEW"})}, "can't subscribe channels any more"),
        ({"groups": None}, "Slack doesn't say at the moment"),
    ],
)
async def test_a_subscription_shows_what_its_maker_may_see_by_now(
    office: Office, changed: dict[str, object], said: str
) -> None:
    """Whoever left, or lost every role, shows nothing; while nobody can say, nobody says yes or no."""
    await types(office, "subscribe", SQL_ONLY)
    (own,) = await kept(office)
    may_get = office.service.subscribers.may_get
    assert (await may_get(own, "hq", "SQL Prod"), await may_get(own, "hq", "Oracle")) == (True, False)
    assert not await may_get(own, "dr", "SQL Prod")
    person: Person = office.team.people[SQL_ONLY]
    office.team.people[SQL_ONLY] = replace(person, **changed)  # type: ignore[arg-type]  # made-up changes
    await office.clock.advance(10)
    assert await may_get(own, "hq", "SQL Prod") is (None if changed.get("groups", "") is None else False)
    assert said in (await answered(office, "subscriptions")).message.text


async def test_a_channel_takes_only_so_many(office: Office) -> None:
    """One more is refused with the limit."""
    for number in range(CHANNEL_AT_MOST):
        await types(office, f"subscribe SQL{number}*")
    assert (
        f"A channel can have {CHANNEL_AT_MOST} subscriptions at most"
        in (await answered(office, "subscribe")).message.text
    )


async def test_a_channel_that_others_read_by_now_gets_nothing(office: Office) -> None:
    """It was shared with another organisation after it was subscribed."""
    await types(office, "subscribe")
    (own,) = await kept(office)
    office.talks.read_by["C0PROD"] = Readers.OTHERS
    await office.clock.advance(10)
    assert await office.service.subscribers.may_get(own, "hq", "SQL Prod") is False


def hire(office: Office) -> None:
    """Let somebody operate dr who may only look at hq."""
    operator = GrantSettings(user=DR_ONLY, role=Role.BACKUP_OPERATOR, servers=("dr",))
    viewer = GrantSettings(user=DR_ONLY, role=Role.BACKUP_VIEWER, servers=("hq",))
    office.grants = (*GRANTS, operator, viewer)
    office.team.people[DR_ONLY] = Person(DR_ONLY, "dr", Standing.MEMBER, frozenset())


async def test_only_where_the_role_is_held_can_be_subscribed(office: Office) -> None:
    """Whoever operates one server and looks at another subscribes channels to the first alone."""
    hire(office)
    for line in ("subscribe server:hq", "subscribe Oracle", "subscribe SQL* server:hq"):
        refused = await types(office, line, DR_ONLY)
        assert isinstance(refused, Refused), line
        assert refused.refusal is Refusal.SCOPE
    assert isinstance(await types(office, "subscribe Ora*", SQL_ONLY), Refused)
    assert await kept(office) == ()
    await types(office, "subscribe", DR_ONLY)
    (own,) = await kept(office)
    may_get = office.service.subscribers.may_get
    assert (await may_get(own, "hq", "Oracle"), await may_get(own, "dr", "Oracle")) == (False, True)


async def test_only_what_one_could_subscribe_to_is_ended(office: Office) -> None:
    """Another server's subscription stays; one's own, and one that shows nothing any more, can be ended."""
    hire(office)
    for line in ("subscribe server:hq", "subscribe server:dr", "subscribe SQL* server:hq"):
        await types(office, line)
    await types(office, "subscribe failed", DR_ONLY)
    assert isinstance(await types(office, "unsubscribe all server:hq", DR_ONLY), Refused)
    message = (await answered(office, "subscriptions", DR_ONLY)).message
    assert str(message.blocks).count("operation:unsubscribe") == 2
    await types(office, "unsubscribe failed all", DR_ONLY)
    await types(office, "unsubscribe all server:dr", DR_ONLY)
    assert [each.server for each in await kept(office)] == ["hq", "hq"]
    office.team.people[OPERATOR] = replace(office.team.people[OPERATOR], standing=Standing.DEACTIVATED)
    await office.clock.advance(10)
    await types(office, "unsubscribe SQL* server:hq", DR_ONLY)
    assert [each.pattern for each in await kept(office)] == [None]


async def test_a_role_that_is_held_elsewhere_by_now_shows_nothing(office: Office) -> None:
    """The list says why nothing is posted."""
    await types(office, "subscribe server:dr")
    await types(office, "subscribe Ora*")
    await types(office, "subscribe ?QL*")
    office.team.people[OPERATOR] = replace(office.team.people[OPERATOR], groups=frozenset({"S0SQL"}))
    await office.clock.advance(10)
    own, *_ = await kept(office)
    assert await office.service.subscribers.may_get(own, "dr", "SQL Prod") is False
    said = (await answered(office, "subscriptions")).message.text
    assert said.count("can't subscribe channels to this any more") == 2


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("unsubscribe", 1),
        ("unsubscribe failed", 1),
        ("unsubscribe all", 1),
        ("unsubscribe *", 1),
        ("unsubscribe SQL*", 0),
    ],
)
async def test_nothing_is_ended_on_a_guess(office: Office, line: str, left: int) -> None:
    """The only one is no more meant than any other: without its name a list asks, with a button."""
    await types(office, "subscribe failed SQL*")
    outcome = await types(office, line)
    assert len(await kept(office)) == left
    if line in {"unsubscribe", "unsubscribe failed"}:
        assert isinstance(outcome, Done)
        assert str(draw(outcome, "r-1").message.blocks).count("operation:unsubscribe") == 1


async def test_an_offer_to_unsubscribe_is_of_one(office: Office) -> None:
    """By mention: its button ends the subscription that the message names, whatever comes after it."""
    await types(office, "subscribe SQL*")
    offered = await types(office, "unsubscribe SQL*", origin=Origin.MENTION)
    (own,) = await kept(office)
    assert isinstance(offered, Offered)
    assert offered.request == Unsubscribe(own.id)
    assert f"failures and warnings of jobs like `SQL*`, by <@{OPERATOR}>" in draw(offered, "r-1").message.text


@pytest.mark.parametrize("name", ["Database", "Oracle"])
async def test_a_renamed_job_is_unsubscribed_by_either_name(office: Office, name: str) -> None:
    """By the name it has now, at once, and by the one it had."""
    await types(office, "subscribe Oracle")
    office.world.book.rename_job(office.world.job("Oracle"), "Database")
    assert "*Database*" in (await answered(office, "subscriptions")).message.text
    await types(office, f"unsubscribe {name}")
    assert await kept(office) == ()


@pytest.mark.parametrize("line", ["subscribe server:h", "subscribe Oracle server:h"])
async def test_a_part_of_a_servers_name_subscribes_to_nothing(office: Office, line: str) -> None:
    """A server is meant by its whole name, and named as the nearest."""
    missing = await types(office, line)
    assert isinstance(missing, NotFound)
    assert (missing.what, missing.nearest) == ("server", ("hq",))
    assert await kept(office) == ()


@pytest.mark.parametrize(
    ("default", "line", "is_said"),
    [
        ("C0BACKUPS", "subscribe", True),
        ("C0BACKUPS", "subscribe success", False),
        ("C0PROD", "subscribe", False),
        (None, "subscribe", False),
    ],
)
async def test_the_default_channel_is_named_where_it_loses_something(
    office: Office, default: str | None, line: str, *, is_said: bool
) -> None:
    """There is one, it is another, and it would have had these results."""
    office.default_channel = default
    assert ("The default channel" in (await answered(office, line)).message.text) is is_said
