"""What buttons and menus carry, both ways."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.catalog import BY_NAME, CATALOG, OPERATIONS, Kind, Operation
from bot.operations.parser import LONGEST
from bot.operations.requests import (
    ApproveRequest,
    AuditRequest,
    CloneRequest,
    CreateRequest,
    DeclineRequest,
    DeleteRequest,
    DisableRequest,
    Drawn,
    EditRequest,
    EnableRequest,
    HelpRequest,
    JobRef,
    JobRequest,
    JobsFilter,
    JobsRequest,
    KnownJob,
    KnownMachine,
    MachineRef,
    NamedJob,
    NamedMachine,
    Origin,
    QuickBackupRequest,
    Request,
    RetryRequest,
    ServersRequest,
    SessionRequest,
    SessionsFilter,
    SessionsRequest,
    StartRequest,
    StatusRequest,
    Step,
    StopRequest,
    WhoamiRequest,
)
from bot.settings import PersonId
from bot.slack import codec
from bot.slack.codec import Act, Share, Turn, Unreadability, Unreadable
from bot.veeam import JobId, RestorePoints, ServerName, SessionId

UUID = "6c76bb17-8695-4f7c-981f-670789edd8f3"
ACTIONS = [operation for operation in CATALOG if operation.kind is Kind.ACTION]
LONGEST_SERVER = ServerName("s" * 40)

texts = st.text(max_size=60)
optional_texts = st.none() | texts
jobs: st.SearchStrategy[JobRef] = st.builds(KnownJob, texts.map(ServerName), texts.map(JobId)) | st.builds(
    NamedJob, texts, optional_texts, st.booleans()
)
machines: st.SearchStrategy[MachineRef] = st.builds(NamedMachine, texts, optional_texts) | st.builds(
    KnownMachine, texts.map(ServerName), texts, texts
)
states = st.none() | st.builds(Drawn, st.none() | texts.map(SessionId), st.booleans())
pages = st.integers(0, 10_000)
points = st.none() | st.sampled_from(RestorePoints)
steps = st.sampled_from(Step)
spans = st.none() | st.timedeltas(timedelta(0), timedelta(days=400))
requests: st.SearchStrategy[Request] = st.one_of(
    st.builds(HelpRequest, optional_texts),
    st.builds(WhoamiRequest, st.none() | texts.map(PersonId)),
    st.builds(
        JobsRequest,
        st.none() | st.sampled_from(JobsFilter),
        optional_texts,
        optional_texts,
        optional_texts,
        optional_texts,
        pages,
    ),
    st.builds(JobRequest, jobs),
    st.builds(
        SessionsRequest,
        st.none() | st.sampled_from(SessionsFilter),
        st.none() | jobs,
        spans,
        optional_texts,
        pages,
    ),
    st.builds(SessionRequest, texts.map(SessionId), optional_texts),
    st.builds(StatusRequest, optional_texts),
    st.builds(ServersRequest, optional_texts),
    st.builds(
        AuditRequest,
        st.none() | jobs,
        st.none() | texts.map(PersonId),
        spans,
        optional_texts,
        pages,
    ),
    st.builds(StartRequest, jobs, st.booleans(), st.booleans(), states, points, steps),
    st.builds(StopRequest, jobs, st.booleans(), st.booleans(), states, steps),
    st.builds(RetryRequest, jobs, st.booleans(), states, steps),
    st.builds(EnableRequest, jobs, states, steps),
    st.builds(DisableRequest, jobs, states, spans, steps),
    st.builds(CloneRequest, jobs, states, steps),
    st.builds(DeleteRequest, jobs, states, optional_texts, optional_texts),
    st.builds(ApproveRequest, texts),
    st.builds(DeclineRequest, texts),
    st.builds(QuickBackupRequest, machines, steps),
)


def _name(request: Request) -> str:
    return next(operation.name for operation in OPERATIONS if isinstance(request, operation.request))


@given(requests)
def test_request_comes_back_from_its_button(request: Request) -> None:
    """A button's value is the whole request."""
    value = codec.encode_act(request)

    assert value is not None
    assert codec.decode(f"operation:{_name(request)}", value) == Act(request, Origin.BUTTON)


@given(requests)
def test_request_comes_back_from_a_menu(request: Request) -> None:
    """A menu's entry is the same request, and known to come from a menu."""
    value = codec.encode_act(request, codec.OPTION_LIMIT)

    if value is not None:
        assert len(value) <= codec.OPTION_LIMIT
        assert (
            codec.decode(codec.MORE, value) == codec.decode(codec.CHOOSE, value) == Act(request, Origin.MENU)
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
    carried = codec.Carried(request, name, channel, thread)
    metadata = codec.encode_form(carried)

    assert metadata is not None
    assert len(metadata) <= codec.METADATA_LIMIT
    assert codec.decode_form(metadata) == carried


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ("", Unreadability.BROKEN),
        ("[]", Unreadability.BROKEN),
        ('["1f","SQL","C1",null,"delete"]', Unreadability.BROKEN),
        ('["1a","SQL","C1",null,"delete",["hq","j"]]', Unreadability.BROKEN),
        ('["0f","SQL","C1",null,"delete",["hq","j"]]', Unreadability.OLD),
        ('["1f","SQL","C1",null,"undo",["hq","j"]]', Unreadability.OLD),
        ('["1f","SQL",7,null,"delete",["hq","j"]]', Unreadability.BROKEN),
    ],
)
def test_what_no_form_carries_says_why(metadata: str, why: Unreadability) -> None:
    """What another version carried, or nobody, is an answer of its own."""
    assert codec.decode_form(metadata) == Unreadable("", why)


@given(st.text(max_size=200))
def test_no_metadata_makes_decoding_raise(metadata: str) -> None:
    """Whatever Slack sends back, decoding returns something."""
    assert isinstance(codec.decode_form(metadata), codec.Carried | Unreadable)


def test_page_comes_back() -> None:
    """Previous and Next carry the list and the page to show."""
    value = codec.encode_turn(JobsRequest(JobsFilter.FAILED, page=2))

    assert codec.decode(codec.NEXT, value or "") == Turn(JobsRequest(JobsFilter.FAILED, page=2))


@given(requests)
def test_value_survives_an_escaping_slack(request: Request) -> None:
    """No value contains a character that Slack might escape on the way."""
    assert not set("&<>") & set(codec.encode_act(request) or "")


@pytest.mark.parametrize("operation", ACTIONS, ids=lambda one: one.name)
def test_longest_real_action_fits_a_menu(operation: Operation) -> None:
    """A server's name of 40 characters and two UUIDs fit the 150 characters of an option."""
    job, state = KnownJob(LONGEST_SERVER, JobId(UUID)), Drawn(SessionId(UUID), is_active=True)
    longest: dict[str, Request] = {
        "start": StartRequest(job, full=True, chained=True, drawn=state),
        "stop": StopRequest(job, now=True, chained=True, drawn=state),
        "retry": RetryRequest(job, chained=True, drawn=state),
        "enable": EnableRequest(job, drawn=state),
        "disable": DisableRequest(job, span=LONGEST),  # a span is typed, so nothing was drawn
        "clone": CloneRequest(job, drawn=state),
        "delete": DeleteRequest(job, drawn=state),
        "edit": EditRequest(job),
        "create": CreateRequest(LONGEST_SERVER),
        "quickbackup": QuickBackupRequest(KnownMachine(LONGEST_SERVER, "h" * 60, "vm-1234567890")),
    }

    value = codec.encode_act(longest[operation.name], codec.OPTION_LIMIT)

    assert value is not None
    assert codec.decode(codec.MORE, value) == Act(longest[operation.name], Origin.MENU)


def test_what_does_not_fit_is_not_offered() -> None:
    """A pattern beyond Slack's limit leaves the button out instead of breaking the message."""
    too_long = JobsRequest(pattern="x" * 2_000)

    assert codec.encode_share(too_long) is None
    assert codec.encode_turn(replace(too_long, page=1)) is None
    assert codec.encode_act(JobRequest(NamedJob("x" * 150)), codec.OPTION_LIMIT) is None


def test_half_a_surrogate_is_not_offered() -> None:
    """Text that can't be sent makes no button, and no error."""
    assert codec.encode_act(JobRequest(NamedJob("\ud800"))) is None


@pytest.mark.parametrize(
    ("action_id", "value", "why"),
    [
        ("somebody_elses", "[]", Unreadability.FOREIGN),
        ("", "", Unreadability.FOREIGN),
        ("operation:retry", "", Unreadability.BROKEN),
        ("operation:retry", "retry", Unreadability.BROKEN),
        ("operation:retry", "{}", Unreadability.BROKEN),
        ("operation:retry", "[]", Unreadability.BROKEN),
        ("operation:retry", '["1a","start",["hq","j"]]', Unreadability.BROKEN),
        ("operation:retry", '["1x","retry",["hq","j"]]', Unreadability.BROKEN),
        ("operation:retry", '["1a","retry"]', Unreadability.BROKEN),
        ("operation:retry", '["1a","retry",["hq"]]', Unreadability.BROKEN),
        ("operation:retry", '["1a","retry",null]', Unreadability.BROKEN),
        ("operation:retry", '["1a","retry",["hq","j"],2]', Unreadability.BROKEN),
        ("operation:retry", '["1a","retry",["hq","j"],0,["s"]]', Unreadability.BROKEN),
        ("operation:retry", '["0a","retry",["hq","j"]]', Unreadability.OLD),
        ("operation:retry", '["2a","retry",["hq","j"]]', Unreadability.OLD),
        ("operation:undo", '["1a","undo",["hq","j"]]', Unreadability.OLD),
        ("operation:retry", '["1a","retry",["hq","j"],0,null,"send",0]', Unreadability.OLD),
        ("page:next", '["1t","jobs",null,null,null,null,null,-1]', Unreadability.BROKEN),
        ("page:next", '["1t","jobs","sick"]', Unreadability.BROKEN),
        ("share", '["1s","sessions",null,null,1e400]', Unreadability.BROKEN),
        ("share", '["1s","sessions",null,null,9999999999999999999999999]', Unreadability.BROKEN),
    ],
)
def test_what_cannot_be_read_says_why(action_id: str, value: str, why: Unreadability) -> None:
    """A foreign, old or broken value is an answer of its own, never an error."""
    assert codec.decode(action_id, value) == Unreadable(action_id, why)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda each: st.lists(each, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(sorted(BY_NAME)), st.lists(json_values, max_size=7))
def test_no_value_makes_decoding_raise(name: str, cells: list[object]) -> None:
    """Whatever stands in the cells, decoding returns a press."""
    value = msgspec.json.encode(["1a", name, *cells]).decode() if _is_small(cells) else "[" * 5_000

    assert isinstance(codec.decode(f"operation:{name}", value), Act | Unreadable)


@given(st.text(max_size=40), st.text(max_size=200))
def test_no_text_makes_decoding_raise(action_id: str, value: str) -> None:
    """Whatever Slack sends, decoding returns a press."""
    assert isinstance(codec.decode(action_id, value), Act | Turn | Share | Unreadable)


def _is_small(cells: object) -> bool:
    if isinstance(cells, list):
        return all(map(_is_small, cells))
    return not isinstance(cells, int) or abs(cells) < 2**63
