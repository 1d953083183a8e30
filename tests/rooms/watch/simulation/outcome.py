"""What must hold once all is over: what a reader of the channels has seen of each session, mute and day."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from sqlalchemy import select

from bot.sandbox.vbr.state import Session
from bot.slack.views.announcements import identity
from bot.store import Placement
from bot.store.tables import runs as run_rows
from bot.watch.facts import (
    AttemptEnded,
    DetailsReply,
    ExpectationOver,
    ExpectationUnmet,
    MutedRunEnded,
    MuteEnded,
    NoFurtherAttempt,
    OutageBegan,
    OutageEnded,
    RunAcknowledged,
    RunChanged,
    RunEnded,
    StormBegan,
    StormChanged,
    StormFinal,
)
from bot.watch.runs import Run
from tests.rooms.watch.simulation import world as of
from tests.rooms.watch.simulation.channels import Posted
from tests.rooms.watch.simulation.steps import Steps
from tests.rooms.watch.simulation.world import Outside

Owned = tuple[str, str, tuple[str, ...]]


class Outcome:
    """Judges what stands in the channels. `owned`: by whom a run was acknowledged, and in which channels."""

    def __init__(self, outside: Outside, steps: Steps) -> None:
        self._outside = outside
        self._steps = steps
        self._posted = outside.channels.posted
        self.owned: list[Owned] = []

    async def judge(self) -> None:
        runs = await self._runs()
        told = Counter(self._told(runs))
        self._each_message_stands_once()
        self._what_is_unmet_again_was_over()
        self._threads_are_in_order()
        self._a_full_repository_is_said_once()
        self._mutes_end_once()
        self._each_failure_pings_once(runs)
        if self._outside.is_restored:
            self._no_session_is_told_twice(told)
            return  # what people had muted since then is muted no more; that it was is forgotten
        self._no_session_is_told_twice(told)
        self._no_session_is_lost(told, runs)
        self._roots_say_how_it_ended(runs)
        self._outages_are_said_once()
        self._whoever_subscribed_is_told(told, runs)
        self._routes_are_kept(runs)
        self._owners_are_named(runs)
        standing = self._standing()
        assert not standing, standing

    async def what_stands_is_said(self, *, is_full: bool, is_disabled: bool) -> None:
        """Every mute is over: whatever fails now is said aloud, by its own message or at a mute's end."""
        aloud = set(self._told(await self._runs(), is_aloud=True))
        for job in self._outside.world.jobs:
            last = _last(self._outside.world.sessions_of(job))
            if last is None or last.result != "Failed" or job.name == of.NIGHTLY:
                continue
            channels = {channel for channel, session_id in aloud if session_id == last.id}
            assert (of.ALL in channels) if job.name != of.LOOSE else channels, ("unsaid", job.name, last)
        standing = {each.expectation.kind for each in self._standing()}
        assert not is_full or "repository" in standing
        assert not is_disabled or "disabled" in standing

    async def _runs(self) -> list[Run]:
        """Every run that is kept."""
        async with self._outside.database.reading() as reading:
            bodies = await reading.all(select(run_rows.c.body))
        return [run for (body,) in bodies if (run := Run.decode(body)) is not None]

    def _told(self, runs: Sequence[Run], *, is_aloud: bool = False) -> Iterator[tuple[str, str]]:
        """The sessions that a channel was told of, as often as it was; or only where it was by a root.

        What was said quietly in an earlier run's thread is said again by the run's own root, or by a storm.
        """
        rooted = {each.row.key for each in self._posted if isinstance(each.said, RunEnded)}
        rooted |= {f"{key}/{channel}" for key, channel in _in_storms(runs)}
        for each in self._posted:
            channel = each.row.channel
            match each.said:
                case AttemptEnded(run=run) | MutedRunEnded(run=run) if (
                    each.row.root_key != (own := f"{run.key}/{channel}") and own in rooted
                ):
                    pass
                case RunEnded(run=run):
                    yield from ((channel, str(attempt.session_id)) for attempt in run.attempts)
                case MuteEnded(run=run) if is_aloud:
                    yield from ((channel, str(attempt.session_id)) for attempt in run.attempts)
                case AttemptEnded(session=session):
                    yield channel, str(session.session_id)
                case MutedRunEnded(session=session) if not is_aloud:
                    yield channel, str(session.session_id)
        for kept in runs:
            for place in kept.channels:
                if place.storm is not None:
                    yield from ((place.channel, str(each.session_id)) for each in kept.facts.attempts)

    def _no_session_is_told_twice(self, told: Counter[tuple[str, str]]) -> None:
        twice = {key: count for key, count in told.items() if count > 1}
        assert not twice, twice

    def _no_session_is_lost(self, told: Counter[tuple[str, str]], runs: Sequence[Run]) -> None:
        counted = {
            (each.channel, str(attempt.session_id))
            for run in runs
            for each in run.channels
            if each.is_counted
            for attempt in run.facts.attempts
        }
        world = self._outside.world
        # A part that went well is its run's affair.
        parts = [each for each in self._outside.parts if each.result != "Success"]
        whole = [each for job in world.jobs for each in world.sessions_of(job) if each.ended_at is not None]
        ended = [*whole, *parts]
        for session in ended:
            name = of.COPY if session.parent_id else world.book.jobs[session.job_id].name
            # No route takes what has no result, unless it is another attempt.
            channels = (of.ALL, of.DEFAULT) if session.result == "None" else (of.ALL,)
            if name not in {of.LOOSE, of.NIGHTLY}:
                keys = [(channel, session.id) for channel in channels]
                assert any(told[key] or key in counted for key in keys), (name, session)

    def _outages_are_said_once(self) -> None:
        """Each that was reported is over in the same channels."""
        began, ended = Counter[tuple[str, datetime]](), Counter[tuple[str, datetime]]()
        for each in self._posted:
            if isinstance(each.said, OutageBegan):
                began[each.row.channel, each.said.since] += 1
            elif isinstance(each.said, OutageEnded):
                ended[each.row.channel, each.said.since] += 1
        assert began == ended, (began, ended)
        assert max(began.values(), default=1) == 1, began

    def _whoever_subscribed_is_told(self, told: Counter[tuple[str, str]], runs: Sequence[Run]) -> None:
        """A run without a route is told to its subscribers, else to the default channel, nowhere else."""
        channels: dict[str, set[str]] = defaultdict(set)
        for channel, session_id in told:
            channels[session_id].add(channel)
        first = {str(run.facts.first.session_id): run for run in runs}
        for session_id, due in self._steps.due.items():
            run = first.get(session_id)
            if run is None:
                continue
            kept = {each.channel for each in run.channels}
            if due.is_held:
                assert not kept or kept <= due.channels, (session_id, kept, due)
                assert kept or not due.channels, (session_id, due)
            else:
                assert kept == due.channels, (session_id, kept, due)
            counted = {each.channel for each in run.channels if each.is_counted}
            assert channels[session_id] == kept - counted, (session_id, channels[session_id], run.channels)

    def _routes_are_kept(self, runs: Sequence[Run]) -> None:
        """One takes no run that was started from its channel, and one no run that is the first to fail."""
        plain = self._outside.world.job(of.PLAIN)
        failed = [each for each in self._outside.world.sessions_of(plain) if each.result == "Failed"]
        for run in runs:
            first = run.facts.first
            if run.facts.job_id != plain.id or not first.is_failed or len(run.facts.attempts) > 1:
                continue
            channels = {each.channel for each in run.channels}
            is_own = self._steps.started_in.get(first.session_id) == of.OWN
            assert (of.OWN in channels) is not is_own, run
            before = [each for each in failed if each.ended_at is None or each.ended_at <= first.ended_at]
            assert of.NIGHTS not in channels or len(before) > 1, run

    def _each_failure_pings_once(self, runs: Sequence[Run]) -> None:
        in_storm: dict[str, list[str]] = defaultdict(list)
        for kept in runs:
            for place in kept.channels:
                if place.storm is not None:
                    in_storm[place.storm].append(kept.facts.key)
        pings: Counter[tuple[str, str]] = Counter()
        for each in self._posted:
            match each.said:
                case StormBegan(storm=storm, mention=str(mention)) | StormFinal(storm=storm, mention=mention):
                    pings.update((key, mention) for key in in_storm[storm.storm_id])
                    pings[storm.storm_id, mention] += 1
                case (
                    RunEnded(run=run, mention=str(mention))
                    | AttemptEnded(run=run, mention=str(mention))
                    | DetailsReply(run=run, mention=str(mention))
                    | NoFurtherAttempt(run=run, mention=str(mention))
                    | MuteEnded(run=run, mention=str(mention))
                ):
                    pings[run.key, mention] += 1
        twice = {key: count for key, count in pings.items() if count > 1}
        assert not twice, twice

    def _each_message_stands_once(self) -> None:
        """No message stands twice in a channel, or in a thread; also if an older database was restored."""
        # What is unmet again after it was met is another message.
        alike = Counter(
            (each.place, identity(each.metadata))
            for each in self._posted
            if not isinstance(each.said, ExpectationUnmet)
        )
        twice = {key: count for key, count in alike.items() if count > 1}
        assert not twice, twice

    def _what_is_unmet_again_was_over(self) -> None:
        """What did not happen has another message only once the one before says that it is over."""
        before: dict[tuple[str, str, str], Posted] = {}
        for each in self._posted:
            if isinstance(each.said, ExpectationUnmet):
                about = (each.row.channel, each.said.expectation.kind, each.said.expectation.subject)
                earlier = before.get(about)
                if earlier is not None:
                    over_at = self._outside.channels.over.get((each.row.channel, earlier.ts))
                    assert over_at is not None, (earlier, each)
                    assert over_at <= each.at, (earlier, each)
                before[about] = each

    def _threads_are_in_order(self) -> None:
        """A thread tells of a run's attempts one after the other, and never before the run's root."""
        told: dict[tuple[str, str], int] = {}
        for each in self._posted:
            if isinstance(each.said, AttemptEnded):
                run, session_id = each.said.run, each.said.session.session_id
                place = [attempt.session_id for attempt in run.attempts].index(session_id)
                assert place > told.get((each.row.channel, run.key), 0), each
                told[each.row.channel, run.key] = place

    def _roots_say_how_it_ended(self, runs: Sequence[Run]) -> None:
        """However edits came late or were lost: in the end each root, and each storm, says what is so."""
        kept = {each.facts.key: each.facts for each in runs}
        in_storms = Counter(
            place.storm for each in runs for place in each.channels if place.storm is not None
        )
        for each in self._posted:
            shown = self._outside.channels.shown(each)
            if isinstance(shown, RunEnded | RunChanged) and shown.run.key in kept:
                last = kept[shown.run.key]
                is_so = (last.result, last.is_final, last.muted, last.acknowledged)
                run = shown.run
                assert (run.result, run.is_final, run.muted, run.acknowledged) == is_so, (shown, last)
            elif isinstance(shown, StormBegan | StormChanged):
                assert shown.storm.count >= in_storms[shown.storm.storm_id], shown

    def _a_full_repository_is_said_once(self) -> None:
        """Not again before it was empty."""
        at = [
            each.at
            for each in self._posted
            if isinstance(each.said, ExpectationUnmet) and each.said.expectation.kind == "repository"
        ]
        for before, after in pairwise(at):
            assert any(before <= emptied_at <= after for emptied_at in self._outside.emptied_at), at

    def _mutes_end_once(self) -> None:
        """What was held back is said aloud once when its mute is over."""
        loud: Counter[tuple[str, str, int]] = Counter()
        for each in self._posted:
            if isinstance(each.said, MuteEnded) and each.row.placement is not Placement.REPLY:
                loud[each.row.channel, each.said.run.job_id, each.said.mute.id] += 1
        assert max(loud.values(), default=1) == 1, loud

    def _owners_are_named(self, runs: Sequence[Run]) -> None:
        """In the thread of each root; the list of a storm says it, and takes it back."""
        said = Counter(
            (each.said.run.key, each.said.by, each.row.channel)
            for each in self._posted
            if isinstance(each.said, RunAcknowledged)
        )
        in_storms = _in_storms(runs)
        owned = Counter(
            (key, by, channel)
            for key, by, channels in self.owned
            for channel in channels
            if (key, channel) not in in_storms
        )
        assert all(said[key] >= count for key, count in owned.items()), (said, owned)

    def _standing(self) -> list[ExpectationUnmet]:
        return [
            each.said
            for each in self._posted
            if isinstance(each.said, ExpectationUnmet)
            and not isinstance(self._outside.channels.shown(each), ExpectationOver)
        ]


def _in_storms(runs: Sequence[Run]) -> set[tuple[str, str]]:
    """The runs that a storm tells of, by their keys, each with the channel."""
    return {(run.facts.key, each.channel) for run in runs for each in run.channels if each.storm is not None}


def _last(sessions: Sequence[Session]) -> Session | None:
    """The session that ended last, where that is one."""
    ended = sorted(
        (each for each in sessions if each.ended_at is not None),
        key=lambda each: each.ended_at,  # type: ignore[arg-type,return-value]
    )
    if not ended or (len(ended) > 1 and ended[-1].ended_at == ended[-2].ended_at):
        return None
    return ended[-1]
