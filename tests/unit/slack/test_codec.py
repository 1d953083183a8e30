"""What buttons and menus carry, both ways."""

from datetime import UTC, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_request

from bot.operations.actions.apply import Apply
from bot.operations.actions.approvals import Approve, Decline, ShowApproval
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.create import Create
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit
from bot.operations.actions.enable import Enable
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.catalog import BY_NAME, CATALOG
from bot.operations.commands import LONGEST_SPAN
from bot.operations.job_filters import OBJECTS_AT_MOST, JobPriority, JobsColumn, JobsFilter
from bot.operations.model import (
    JobRef,
    Kind,
    KnownJob,
    KnownMachine,
    MachineRef,
    NamedJob,
    NamedMachine,
    Operation,
    Origin,
    Request,
    Snapshot,
    Step,
)
from bot.operations.queries.audit import ReadAudit
from bot.operations.queries.help import ShowHelp
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.report import ShowReport
from bot.operations.queries.servers import ListServers
from bot.operations.queries.session import ShowSession
from bot.operations.queries.sessions import ListSessions, SessionsFilter
from bot.operations.queries.status import ShowStatus
from bot.operations.queries.whoami import ShowWhoami
from bot.operations.queries.why import ExplainFailure
from bot.settings import PersonId
from bot.slack import codec
from bot.slack.codec import RunRequest, Share, TurnPage, UnreadablePress, UnreadableReason
from bot.veeam import JobId, RestorePoints, ServerName, SessionId, Workload

UUID = "6c76bb17-8695-4f7c-981f-670789edd8f3"
ACTIONS = [operation for operation in CATALOG if operation.kind is Kind.ACTION]
LONGEST_SERVER = ServerName("s" * 40)

texts = st.text(max_size=60)
optional_texts = st.none() | texts
known_jobs = st.builds(KnownJob, texts.map(ServerName), texts.map(JobId))
jobs: st.SearchStrategy[JobRef] = known_jobs | st.builds(NamedJob, texts, optional_texts, st.booleans())
machines: st.SearchStrategy[MachineRef] = st.builds(NamedMachine, texts, optional_texts) | st.builds(
    KnownMachine, texts.map(ServerName), texts, texts
)
states = st.none() | st.builds(Snapshot, st.none() | texts.map(SessionId), st.booleans())
pages = st.integers(0, 10_000)
points = st.none() | st.sampled_from(RestorePoints)
steps = st.sampled_from(Step)
moments = st.datetimes(timezones=st.just(UTC))
spans = st.none() | st.timedeltas(timedelta(0), timedelta(days=400))
requests: st.SearchStrategy[Request] = st.one_of(
    st.builds(ShowHelp, optional_texts),
    st.builds(ShowWhoami, st.none() | texts.map(PersonId)),
    st.builds(
        ListJobs,
        st.none() | st.sampled_from(JobsFilter),
        optional_texts,
        optional_texts,
        optional_texts,
        optional_texts,
        pages,
        st.none() | st.sampled_from(Workload),
        st.none() | st.sampled_from(JobPriority),
        optional_texts,
        st.none() | st.integers(0, OBJECTS_AT_MOST),
        optional_texts,
        spans,
        spans,
        spans,
        st.none() | st.sampled_from(JobsColumn),
        st.booleans(),
        st.lists(st.sampled_from(JobsFilter), max_size=3).map(tuple),
    ),
    st.builds(ShowJob, jobs),
    st.builds(ExplainFailure, jobs, st.none() | texts.map(SessionId)),
    st.builds(
        ListSessions,
        st.none() | st.sampled_from(SessionsFilter),
        st.none() | jobs,
        spans,
        optional_texts,
        pages,
    ),
    st.builds(ShowSession, texts.map(SessionId), optional_texts),
    st.builds(ShowStatus, optional_texts),
    st.builds(ListServers, optional_texts),
    st.builds(ShowReport, spans, optional_texts),
    st.builds(
        ReadAudit,
        st.none() | jobs,
        st.none() | texts.map(PersonId),
        spans,
        optional_texts,
        pages,
    ),
    st.builds(Start, jobs, states, steps, st.booleans(), st.booleans(), points),
    st.builds(Stop, jobs, states, steps, st.booleans(), st.booleans()),
    st.builds(Retry, jobs, states, steps, st.booleans()),
    st.builds(Enable, jobs, states, steps),
    st.builds(Disable, jobs, states, steps, spans, st.none() | st.times(), st.none() | moments),
    st.builds(Clone, jobs, states, steps),
    st.builds(Delete, jobs, states, steps, optional_texts, optional_texts),
    st.builds(Edit, jobs, step=steps, draft=optional_texts),
    st.builds(Create, server=optional_texts, like=st.none() | known_jobs, draft=optional_texts, step=steps),
    st.builds(Approve, texts, steps, st.booleans()),
    st.builds(ShowApproval, texts),
    st.builds(Decline, texts),
    st.builds(QuickBackup, machines, steps),
)


@given(requests)
def test_request_comes_back_from_its_button(request: Request) -> None:
    """A button's value is the whole request."""
    value = codec.encode_run(request)

    assert value is not None
    assert codec.decode(f"operation:{request.operation.name}", value) == RunRequest(request, Origin.BUTTON)


@given(requests)
def test_request_comes_back_from_a_menu(request: Request) -> None:
    """A menu's entry is the same request, and known to come from a menu."""
    value = codec.encode_run(request, codec.OPTION_LIMIT)

    if value is not None:
        assert len(value) <= codec.OPTION_LIMIT
        assert (
            codec.decode(codec.MORE, value)
            == codec.decode(codec.CHOOSE, value)
            == RunRequest(request, Origin.MENU)
        )


@given(requests)
def test_shared_request_comes_back(request: Request) -> None:
    """Share carries what is to be shared."""
    value = codec.encode_share(request)

    assert value is not None
    assert codec.decode(codec.SHARE, value) == Share(request)


@given(requests, texts, optional_texts, optional_texts)
def test_what_a_form_carries_comes_back(
    request: Request, name: str, channel: str | None, thread: str | None
) -> None:
    """A form carries the request, the name it is about, and where it was opened from."""
    carried = codec.FormMetadata(request, name, channel, thread)
    metadata = codec.encode_form(carried)

    assert metadata is not None
    assert len(metadata) <= codec.METADATA_LIMIT
    assert codec.decode_form(metadata) == carried


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ("", UnreadableReason.BROKEN),
        ("[]", UnreadableReason.BROKEN),
        ('["2f","SQL","C1",null,"delete"]', UnreadableReason.BROKEN),
        ('["2a","SQL","C1",null,"delete",[2,"hq","j"]]', UnreadableReason.BROKEN),
        ('["0f","SQL","C1",null,"delete",[2,"hq","j"]]', UnreadableReason.OLD),
        ('["2f","SQL","C1",null,"undo",[2,"hq","j"]]', UnreadableReason.OLD),
        ('["2f","SQL",7,null,"delete",[2,"hq","j"]]', UnreadableReason.BROKEN),
    ],
)
def test_what_no_form_carries_says_why(metadata: str, why: UnreadableReason) -> None:
    """What another version carried, or nobody, is an answer of its own."""
    assert codec.decode_form(metadata) == UnreadablePress("", why)


@given(st.text(max_size=200))
def test_no_metadata_makes_decoding_raise(metadata: str) -> None:
    """Whatever Slack sends back, decoding returns something."""
    assert isinstance(codec.decode_form(metadata), codec.FormMetadata | UnreadablePress)


def test_page_comes_back() -> None:
    """Previous and Next carry the list and the page to show."""
    value = codec.encode_turn(ListJobs(JobsFilter.FAILED, page=2))

    assert codec.decode(codec.NEXT, value or "") == TurnPage(ListJobs(JobsFilter.FAILED, page=2))


@given(requests)
def test_value_survives_an_escaping_slack(request: Request) -> None:
    """No value contains a character that Slack might escape on the way."""
    assert not set("&<>") & set(codec.encode_run(request) or "")


@pytest.mark.parametrize(
    "machine",
    [
        KnownMachine(LONGEST_SERVER, "", UUID, "Agent"),
        KnownMachine(LONGEST_SERVER, "h" * 30, UUID, "HyperV"),
        KnownMachine(LONGEST_SERVER, "h" * 20, UUID, "CloudDirector"),
    ],
    ids=lambda machine: machine.platform,
)
def test_a_machine_of_any_platform_fits_a_menu(machine: KnownMachine) -> None:
    """Where a machine's ID is a UUID there is room for a host's name beside it, and for the platform."""
    value = codec.encode_run(QuickBackup(machine), codec.OPTION_LIMIT)
    assert value is not None
    assert codec.decode(codec.STILL_MORE, value) == RunRequest(QuickBackup(machine), Origin.MENU)


@pytest.mark.parametrize("operation", ACTIONS, ids=lambda one: one.name)
def test_longest_real_action_fits_a_menu(operation: Operation) -> None:
    """A server's name of 40 characters and two UUIDs fit the 150 characters of an option."""
    job, state = KnownJob(LONGEST_SERVER, JobId(UUID)), Snapshot(SessionId(UUID), is_active=True)
    longest: dict[str, Request] = {
        "start": Start(job, full=True, chained=True, snapshot=state),
        "stop": Stop(job, now=True, chained=True, snapshot=state),
        "retry": Retry(job, chained=True, snapshot=state),
        "enable": Enable(job, snapshot=state),
        "disable": Disable(job, span=LONGEST_SPAN),  # a span is typed, so nothing was drawn
        "clone": Clone(job, snapshot=state),
        "delete": Delete(job, snapshot=state),
        "edit": Edit(job),
        "create": Create(LONGEST_SERVER),
        "quickbackup": QuickBackup(KnownMachine(LONGEST_SERVER, "h" * 60, "vm-1234567890")),
        "apply": Apply(job, snapshot=state),
        "clearcache": ClearCache(job, snapshot=state),
    }

    value = codec.encode_run(longest[operation.name], codec.OPTION_LIMIT)

    assert value is not None
    assert codec.decode(codec.MORE, value) == RunRequest(longest[operation.name], Origin.MENU)


def test_what_does_not_fit_is_not_offered() -> None:
    """A pattern beyond Slack's limit leaves the button out instead of breaking the message."""
    too_long = ListJobs(pattern="x" * 2_000)

    assert codec.encode_share(too_long) is None
    assert codec.encode_turn(replace_request(too_long, page=1)) is None
    assert codec.encode_run(ShowJob(NamedJob("x" * 150)), codec.OPTION_LIMIT) is None


def test_half_a_surrogate_is_not_offered() -> None:
    """Text that can't be sent makes no button, and no error."""
    assert codec.encode_run(ShowJob(NamedJob("\ud800"))) is None


@pytest.mark.parametrize(
    ("action_id", "value", "why"),
    [
        ("somebody_elses", "[]", UnreadableReason.FOREIGN),
        ("", "", UnreadableReason.FOREIGN),
        ("operation:retry", "", UnreadableReason.BROKEN),
        ("operation:retry", "retry", UnreadableReason.BROKEN),
        ("operation:retry", "{}", UnreadableReason.BROKEN),
        ("operation:retry", "[]", UnreadableReason.BROKEN),
        ("operation:retry", '["2a","start",[2,"hq","j"]]', UnreadableReason.BROKEN),
        ("operation:retry", '["2x","retry",[2,"hq","j"]]', UnreadableReason.BROKEN),
        ("operation:retry", '["2a","retry"]', UnreadableReason.BROKEN),
        ("operation:retry", '["2a","retry",[2,"hq"]]', UnreadableReason.BROKEN),
        ("operation:retry", '["2a","retry",null]', UnreadableReason.BROKEN),
        ("operation:retry", '["2a","retry",[2,"hq","j"],2]', UnreadableReason.BROKEN),
        ("operation:retry", '["2a","retry",[2,"hq","j"],["s"]]', UnreadableReason.BROKEN),
        ("operation:retry", '["0a","retry",[2,"hq","j"]]', UnreadableReason.OLD),
        ("operation:retry", '["3a","retry",[2,"hq","j"]]', UnreadableReason.OLD),
        ("operation:undo", '["2a","undo",[2,"hq","j"]]', UnreadableReason.OLD),
        ("operation:retry", '["2a","retry",[2,"hq","j"],null,3,0,0]', UnreadableReason.OLD),
        ("page:next", '["2t","jobs",null,null,null,null,null,-1]', UnreadableReason.BROKEN),
        ("page:next", '["2t","jobs","sick"]', UnreadableReason.BROKEN),
        ("share", '["2s","sessions",null,null,1e400]', UnreadableReason.BROKEN),
        ("share", '["2s","sessions",null,null,9999999999999999999999999]', UnreadableReason.BROKEN),
        ("share", '["2s","sessions",null,null,-1]', UnreadableReason.BROKEN),
        ("share", '["2s","sessions",null,null,"-P1D"]', UnreadableReason.BROKEN),
        ("share", '["2s","audit",null,null,"P1001D"]', UnreadableReason.BROKEN),
        ("operation:disable", '["2a","disable",[2,"hq","j"],null,3,"-PT4H"]', UnreadableReason.BROKEN),
        ("operation:disable", '["2a","disable",[2,"hq","j"],null,3,"P999999D"]', UnreadableReason.BROKEN),
    ],
)
def test_what_cannot_be_read_says_why(action_id: str, value: str, why: UnreadableReason) -> None:
    """A foreign, old or broken value is an answer of its own, never an error."""
    assert codec.decode(action_id, value) == UnreadablePress(action_id, why)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda each: st.lists(each, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(sorted(BY_NAME)), st.lists(json_values, max_size=7))
def test_no_value_makes_decoding_raise(name: str, cells: list[object]) -> None:
    """Whatever stands in the cells, decoding returns a press."""
    value = msgspec.json.encode(["2a", name, *cells]).decode() if _is_small(cells) else "[" * 5_000

    assert isinstance(codec.decode(f"operation:{name}", value), RunRequest | UnreadablePress)


@given(st.text(max_size=40), st.text(max_size=200))
def test_no_text_makes_decoding_raise(action_id: str, value: str) -> None:
    """Whatever Slack sends, decoding returns a press."""
    assert isinstance(codec.decode(action_id, value), RunRequest | TurnPage | Share | UnreadablePress)


def _is_small(cells: object) -> bool:
    if isinstance(cells, list):
        return all(map(_is_small, cells))
    return not isinstance(cells, int) or abs(cells) < 2**63
