"""From a run to the rows of the outbox: a root for each channel, its thread, and edits of the root. Pure.

A root's key is made of the run and the channel, so that whatever is told of a run finds its root.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from bot.settings import Threads
from bot.store import NewOutboxRow, Placement
from bot.watch.facts import (
    Announcement,
    AttemptEnded,
    NoFurtherAttempt,
    RunChanged,
    RunEnded,
    RunFacts,
    SessionStory,
    encode,
)
from bot.watch.routing import Destination
from bot.watch.runs import Run, ToldIn, is_failed, may_mention

NOTICE, ROOT, REPLY = 0, 10, 20
"""Priorities: what concerns a whole server, roots and their edits, threads."""


@dataclass(frozen=True, slots=True)
class Queued:
    """What is queued for a run, and the run with the channels it is told in from now on."""

    run: Run
    rows: tuple[NewOutboxRow, ...]


def run_key(run: RunFacts) -> str:
    """Return a run's key: its server and its first session."""
    return f"{run.server}/{run.first.session_id}"


def first_told(run: Run, destinations: Iterable[Destination], now: datetime) -> Queued:
    """Queue a run for channels that were not told of it yet."""
    told_in = {told.channel for told in run.told_in}
    rows: list[NewOutboxRow] = []
    new: list[ToldIn] = []
    for destination in destinations:
        if destination.channel in told_in:
            continue
        told = ToldIn(
            channel=destination.channel,
            threads=destination.threads,
            mention=destination.mention,
            mentioned=may_mention(run.facts),
        )
        new.append(told)
        rows += _root_and_story(run.facts, told, now)
    return Queued(msgspec.structs.replace(run, told_in=(*run.told_in, *new)), tuple(rows))


def attempt_told(run: Run, now: datetime) -> Queued:
    """Queue a run's latest attempt for the channels that were told of the run before."""
    last = run.facts.last
    mention = {told.channel: _mention(told, run.facts) for told in run.told_in}
    rows: list[NewOutboxRow] = []
    for told in run.told_in:
        rows.append(_edit(run.facts, told, str(last.session_id), now))
        if told.threads is not Threads.FLAT or (run.facts.is_final and is_failed(last)):
            attempt = AttemptEnded(run=run.facts, session=last, mention=mention[told.channel])
            key = f"{_root_key(run.facts, told)}/attempt/{last.session_id}"
            rows.append(_reply(key, attempt, run.facts, told, now, is_failure=is_failed(last)))
    return Queued(_after_mentions(run), tuple(rows))


def overtaken_told(run: Run, now: datetime) -> Queued:
    """Queue that a run stands as it is, because the job ran anew since: only its root is redrawn."""
    occasion = f"final/{run.facts.last.session_id}"
    return Queued(run, tuple(_edit(run.facts, told, occasion, now) for told in run.told_in))


def no_attempt_told(run: Run, now: datetime) -> Queued:
    """Queue that the attempt that was expected did not come."""
    rows = list(overtaken_told(run, now).rows)
    last = run.facts.last.session_id
    for told in run.told_in:
        nothing_came = NoFurtherAttempt(run=run.facts, mention=_mention(told, run.facts))
        key = f"{_root_key(run.facts, told)}/no-attempt/{last}"
        rows.append(_reply(key, nothing_came, run.facts, told, now, is_failure=True))
    return Queued(_after_mentions(run), tuple(rows))


def notice(key: str, channel: str, announcement: Announcement, now: datetime) -> NewOutboxRow:
    """Return a message of its own that belongs to no run."""
    return NewOutboxRow(
        key=f"{key}/{channel}",
        channel=channel,
        kind=kind_of(announcement),
        body=encode(announcement),
        created_at=now,
        priority=NOTICE,
    )


def reply(key: str, root: NewOutboxRow, announcement: Announcement, now: datetime) -> NewOutboxRow:
    """Return a message in the thread of one that belongs to no run."""
    return NewOutboxRow(
        key=f"{key}/{root.channel}",
        channel=root.channel,
        kind=kind_of(announcement),
        body=encode(announcement),
        created_at=now,
        placement=Placement.REPLY,
        priority=REPLY,
        root_key=root.key,
    )


def kind_of(announcement: Announcement) -> str:
    """Return the announcement's kind, as its JSON is tagged."""
    return str(announcement.__struct_config__.tag)


def _root_and_story(facts: RunFacts, told: ToldIn, now: datetime) -> Iterable[NewOutboxRow]:
    mention = told.mention if may_mention(facts) else None
    root = RunEnded(run=facts, mention=mention)
    yield NewOutboxRow(
        key=_root_key(facts, told),
        channel=told.channel,
        kind=kind_of(root),
        body=encode(root),
        created_at=now,
        priority=ROOT,
        run_key=run_key(facts),
    )
    if told.threads is not Threads.FLAT and _has_story(facts):
        story = SessionStory(run=facts, session=facts.last)
        key = f"{_root_key(facts, told)}/story"
        yield _reply(key, story, facts, told, now, is_failure=is_failed(facts.last))


def _has_story(facts: RunFacts) -> bool:
    story = facts.last.story
    return story is not None and bool(story.problems or story.records or is_failed(facts.last))


def _edit(facts: RunFacts, told: ToldIn, occasion: str, now: datetime) -> NewOutboxRow:
    changed = RunChanged(run=facts)
    return NewOutboxRow(
        key=f"{_root_key(facts, told)}/edit/{occasion}",
        channel=told.channel,
        kind=kind_of(changed),
        body=encode(changed),
        created_at=now,
        placement=Placement.EDIT,
        priority=ROOT,
        run_key=run_key(facts),
        root_key=_root_key(facts, told),
    )


def _reply(
    key: str, announcement: Announcement, facts: RunFacts, told: ToldIn, now: datetime, *, is_failure: bool
) -> NewOutboxRow:
    return NewOutboxRow(
        key=key,
        channel=told.channel,
        kind=kind_of(announcement),
        body=encode(announcement),
        created_at=now,
        placement=_placing(told.threads, is_failure=is_failure),
        priority=REPLY,
        run_key=run_key(facts),
        root_key=_root_key(facts, told),
    )


def _placing(threads: Threads, *, is_failure: bool) -> Placement:
    if threads is Threads.FLAT:
        return Placement.POST
    return Placement.BROADCAST if threads is Threads.BROADCAST and is_failure else Placement.REPLY


def _mention(told: ToldIn, facts: RunFacts) -> str | None:
    return told.mention if may_mention(facts) and not told.mentioned else None


def _after_mentions(run: Run) -> Run:
    if not may_mention(run.facts):
        return run
    told_in = tuple(msgspec.structs.replace(told, mentioned=True) for told in run.told_in)
    return msgspec.structs.replace(run, told_in=told_in)


def _root_key(facts: RunFacts, told: ToldIn) -> str:
    return f"{run_key(facts)}/{told.channel}"
