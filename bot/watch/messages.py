"""What is queued in the outbox for each thing that happened: roots, their threads and their edits. Pure.

The key of a run's root is made of the run and the channel, so that every later message about the run finds
its root.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from bot.settings import Threads
from bot.store import AuditRecord, NewOutboxRow, Placement, PostedMessage
from bot.watch import facts
from bot.watch.routing import Destination, RouteReason
from bot.watch.run_facts import SessionFacts
from bot.watch.runs import Run, RunChannel

NOTICE, ROOT, REPLY, LATE = 0, 10, 20, 30
"""Priorities: what concerns a whole server, roots and their edits, threads, and roots that
come late or of runs that went well.

A channel that catches up with what it missed, or is told of every success, still gets at once what fails now.
"""

AWAITED = timedelta(seconds=15)
"""How long a root waits for the message of the action that began its run."""
_PARTS_TOLD = 20


@dataclass(frozen=True, slots=True)
class RunMessages:
    """What is queued for a run, and the run with the channels in which it is announced from now on.

    `adopted` are messages that stand there already, each with the row whose message it is from now on.
    """

    run: Run
    rows: tuple[NewOutboxRow, ...]
    adopted: tuple[tuple[NewOutboxRow, PostedMessage], ...] = ()


def message(
    key: str,
    channel: str,
    announcement: facts.Announcement,
    created_at: datetime,
    *,
    placement: Placement = Placement.POST,
    priority: int = NOTICE,
    run_key: str | None = None,
    root_key: str | None = None,
    due_at: datetime | None = None,
) -> NewOutboxRow:
    """Return a row of the outbox; `root_key` is the key of the message whose thread or edit it is."""
    return NewOutboxRow(
        key=key,
        channel=channel,
        kind=facts.kind_of(announcement),
        body=facts.encode(announcement),
        created_at=created_at,
        placement=placement,
        priority=priority,
        run_key=run_key,
        root_key=root_key,
        due_at=due_at,
    )


def root_messages(
    run: Run,
    destinations: Iterable[Destination],
    now: datetime,
    *,
    standing: Mapping[str, PostedMessage] | None = None,
    awaited: Collection[str] = (),
    storms: Mapping[str, str] | None = None,
) -> RunMessages:
    """Queue a run's root for the channels that don't have it yet, with its details in the thread.

    `standing` are the messages by channel that show an action on it: each becomes the root there. `awaited`
    are channels in which such a message is about to be posted: the root gives it time. In the channels of
    `storms` these tell of the run.
    """
    known_channels = {each.channel: each for each in run.channels}
    standing, storms = standing or {}, storms or {}
    wanted = {to.channel: to for to in with_one_ping(run, destinations)}
    for channel_id in standing:
        wanted.setdefault(
            channel_id, Destination(channel_id, Threads.THREAD, mention=None, reason=RouteReason.ROUTE)
        )
    rows: list[NewOutboxRow] = []
    adopted: list[tuple[NewOutboxRow, PostedMessage]] = []
    new: list[RunChannel] = []
    may_mention = run.facts.may_mention
    for to in wanted.values():
        posted = standing.get(to.channel)
        if to.channel in known_channels and posted is None:
            continue
        channel = known_channels.get(to.channel) or RunChannel(
            channel=to.channel,
            threads=to.threads,
            mention=to.mention,
            mentioned=may_mention,
            storm=storms.get(to.channel),
        )
        if to.channel in storms and posted is None:
            new.append(channel)
            continue
        due_at = now + AWAITED if to.channel in awaited else None
        first_row = root_row(run, channel, now, due_at=due_at)
        if posted is not None:
            adopted.append((first_row, posted))
            rows.append(_edit(run, channel, f"adopted/{posted.ts}", now))
        else:
            rows.append(first_row)
        if to.channel in known_channels:
            continue
        new.append(channel)
        # An edit notifies nobody: whom the root would mention, the thread does.
        mention = target(run, channel) if may_mention and posted is not None else None
        if mention or (to.threads is not Threads.FLAT and _has_details(run.facts.last)):
            rows.append(_story(run, channel, mention, now))
    # A message that became the root tells of the run from now on, where a storm did.
    channels = tuple(
        msgspec.structs.replace(each, storm=None, muted_in=None, listed_in=None)
        if each.channel in standing
        else each
        for each in (*run.channels, *new)
    )
    changed = msgspec.structs.replace(run, channels=channels)
    return RunMessages(changed, tuple(rows), tuple(adopted))


def _story(run: Run, channel: RunChannel, mention: str | None, now: datetime) -> NewOutboxRow:
    """What only the thread has: the root is in the channel already."""
    details = facts.DetailsReply(run=run.facts, session=run.facts.last, mention=mention)
    return reply(run, channel, "story", details, now, is_failure=False)


def with_one_ping(run: Run, destinations: Iterable[Destination]) -> list[Destination]:
    """Return the destinations, each mention of a person or group in the first channel of the run alone."""
    mentioned = {each.mention for each in run.channels}
    kept: list[Destination] = []
    for to in destinations:
        kept.append(replace(to, mention=None) if to.mention in mentioned else to)
        mentioned.add(to.mention)
    return kept


def redraw_messages(run: Run, channel_id: str, occasion: str, now: datetime) -> tuple[NewOutboxRow, ...]:
    """Queue that a run's root in a channel is drawn again, as the run stands."""
    channels = (each for each in run.channels_with_root if each.channel == channel_id)
    return tuple(_edit(run, each, occasion, now) for each in channels)


def attempt_messages(run: Run, now: datetime) -> RunMessages:
    """Queue a run's latest attempt for the channels that have its root."""
    last, count = run.facts.latest, len(run.facts.attempts)
    rows: list[NewOutboxRow] = []
    is_one_of_many = last.part is not None or (last.log_type is not None and last.is_failed)
    if is_one_of_many and count > _PARTS_TOLD and count & (count - 1):
        return RunMessages(run, ())  # of a policy's machines, or of a night's log backups, some are enough
    for channel in run.channels:
        if channel.has_root:
            rows.append(_edit(run, channel, str(last.session_id), now))
        elif not channel.muted_in:
            continue  # a storm tells of it, or it was only counted
        if channel.threads is not Threads.FLAT or (run.facts.is_final and last.is_failed):
            attempt = facts.AttemptEnded(run=run.facts, session=last, mention=_mention(run, channel))
            rows.append(
                reply(run, channel, f"attempt/{last.session_id}", attempt, now, is_failure=last.is_failed)
            )
    return RunMessages(_mentioned(run), tuple(rows))


def recovery_messages(run: Run, now: datetime) -> RunMessages:
    """Queue that the job's next run made up for a failed one: its root is redrawn wherever it stands."""
    by = run.facts.latest if run.facts.recovery is None else run.facts.recovery
    occasion = f"recovered/{by.session_id}"
    return RunMessages(run, edits(run, occasion, now))


def edits(run: Run, occasion: str, now: datetime) -> tuple[NewOutboxRow, ...]:
    """Queue that the run's root is drawn again as the run stands, wherever it has one."""
    return tuple(_edit(run, channel, occasion, now) for channel in run.channels_with_root)


def superseded_messages(run: Run, now: datetime) -> RunMessages:
    """Queue that no retry comes because the job has run again since: only the root is redrawn."""
    occasion = f"final/{run.facts.latest.session_id}"
    return RunMessages(run, edits(run, occasion, now))


def missing_attempt_messages(run: Run, now: datetime) -> RunMessages:
    """Queue that the attempt that was expected did not come."""
    rows = list(superseded_messages(run, now).rows)
    occasion = f"no-attempt/{run.facts.latest.session_id}"
    for channel in run.channels_with_thread:
        missing = facts.NoFurtherAttempt(run=run.facts, mention=_mention(run, channel))
        rows.append(reply(run, channel, occasion, missing, now, is_failure=True))
    return RunMessages(_mentioned(run), tuple(rows))


class AuditChannel:
    """Queues each action with its outcome, and each refusal, for one channel, if there is one.

    `actions` are the names on record to report. The record is kept whether or not a message can be sent.
    """

    def __init__(self, channel: str | None, actions: Collection[str]) -> None:
        self._channel = channel
        self._actions = frozenset(actions)

    def rows(self, attempt: AuditRecord) -> tuple[NewOutboxRow, ...]:
        """Return the message about an attempt; none for a refused query, and none without an outcome."""
        entry, outcome = attempt.entry, attempt.outcome
        if self._channel is None or outcome is None or entry.operation not in self._actions:
            return ()
        recorded = facts.ActionRecorded(
            operation=entry.operation,
            outcome=outcome.outcome,
            person_id=entry.person_id,
            person_name=entry.person_name,
            reference=entry.reference,
            origin=entry.origin,
            at=entry.at,
            channel_id=entry.channel_id,
            server=entry.server,
            job_name=entry.job_name,
            asked=entry.detail,
            session_id=outcome.session_id,
            said=outcome.detail,
            approver_id=entry.approver_id,
            approver_name=entry.approver_name,
            reason=entry.reason,
            row=None if attempt.mark is None else attempt.mark.row,
            hash=None if attempt.mark is None else attempt.mark.hash,
        )
        key = f"audit/{attempt.id}/{self._channel}"
        # Nobody delays what was done by being refused: Slack takes about a message a second.
        priority = REPLY if outcome.outcome == "refused" else ROOT
        return (message(key, self._channel, recorded, outcome.at, priority=priority),)


def _has_details(session: SessionFacts) -> bool:
    details = session.details
    return details is not None and bool(details.problems or details.records or session.is_failed)


def _edit(run: Run, channel: RunChannel, occasion: str, now: datetime) -> NewOutboxRow:
    key = root_key(run, channel.channel)
    return message(
        f"{key}/edit/{occasion}",
        channel.channel,
        facts.RunChanged(run=run.facts),
        now,
        placement=Placement.EDIT,
        priority=ROOT,
        run_key=run.facts.key,
        root_key=key,
    )


def reply(
    run: Run,
    channel: RunChannel,
    occasion: str,
    announcement: facts.Announcement,
    now: datetime,
    *,
    is_failure: bool,
) -> NewOutboxRow:
    """Queue a message in the run's thread, or that of another message where that tells of the run."""
    key = root_key(run, channel.channel)
    if channel.thread_key:
        placement = Placement.REPLY
    elif channel.threads is Threads.FLAT:
        placement = Placement.POST
    elif channel.threads is Threads.BROADCAST and is_failure:
        placement = Placement.BROADCAST
    else:
        placement = Placement.REPLY
    return message(
        f"{key}/{occasion}",
        channel.channel,
        announcement,
        now,
        placement=placement,
        priority=REPLY,
        run_key=run.facts.key,
        root_key=channel.thread_key or key,
    )


def root_row(run: Run, channel: RunChannel, now: datetime, *, due_at: datetime | None = None) -> NewOutboxRow:
    """Queue a run's root for a channel."""
    return message(
        root_key(run, channel.channel),
        channel.channel,
        facts.RunEnded(run=run.facts, mention=target(run, channel) if run.facts.may_mention else None),
        now,
        priority=LATE if run.facts.is_late or run.facts.last.went_well else ROOT,
        run_key=run.facts.key,
        due_at=due_at,
    )


def root_key(run: Run, channel_id: str) -> str:
    """Return the key of the row that a run's root in a channel is."""
    return f"{run.facts.key}/{channel_id}"


def target(run: Run, channel: RunChannel | Destination) -> str | None:
    """Return whom to mention in a channel: not the person whose own press began the run."""
    return None if channel.mention == run.facts.last.started_by else channel.mention


def _mention(run: Run, channel: RunChannel) -> str | None:
    return target(run, channel) if run.facts.may_mention and not channel.mentioned else None


def _mentioned(run: Run) -> Run:
    """The run once the messages are queued: if they may mention people, no later ones do."""
    if not run.facts.may_mention:
        return run
    channels = tuple(msgspec.structs.replace(channel, mentioned=True) for channel in run.channels)
    return msgspec.structs.replace(run, channels=channels)
