"""Nobody approves what was not shown: of any request the message shows all, or says that it does not."""

from dataclasses import replace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from bot.operations.actions.approvals import (
    LINES_SHOWN,
    ApprovalForm,
    Approve,
    ShowApproval,
    left_out,
    warnings_in_words,
)
from bot.operations.model import Step
from bot.slack.codec import RunRequest, decode
from bot.slack.text import NAME_LIMIT, one_line, unescape
from bot.slack.views.approvals import approval_form, approval_opened
from bot.slack.views.message import SECTION_LIMIT, Block
from bot.watch.facts import ApprovalOpened
from tests.unit.slack.approval_cases import IMPACT, PENDING

VIEW_BLOCKS = 100
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=700)
lines = st.tuples(texts, texts).map(lambda both: (both[0][:60], both[1])) | texts.map(lambda one: (one, one))


def bare(text: str) -> str:
    """The text without what only lays it out."""
    return "".join(each for each in one_line(text) if not each.isspace() and each not in "`'•")


def said(blocks: tuple[Block, ...]) -> str:
    found = (block["text"]["text"] for block in blocks if block["type"] == "section")
    return bare(unescape("\n".join(found)))


def pressed(blocks: tuple[Block, ...], label: str) -> Any:
    elements = (each for block in blocks for each in block.get("elements", ()) if each["type"] == "button")
    button = next(each for each in elements if each["text"]["text"] == label)
    press = decode(button["action_id"], button["value"])
    assert isinstance(press, RunRequest)
    return press.request


@given(
    name=texts,
    reason=st.none() | texts,
    asked=st.lists(lines, max_size=LINES_SHOWN + 2),
    warnings=st.lists(texts, max_size=3),
    run_after=st.lists(texts, max_size=4),
)
@example(name="&" * NAME_LIMIT, reason=None, asked=[], warnings=[], run_after=[])
@example(
    name="Files",
    reason="<" * 300,
    asked=[("x" * 298, "x" * 298), ("y" * 299, "y" * 299)],
    warnings=[],
    run_after=[],
)
@example(name="Files", reason=None, asked=[("short", "short and the rest")], warnings=[], run_after=[])
@example(
    name="Files", reason=None, asked=[], warnings=[], run_after=[f"Chained job {at}" for at in range(60)]
)
def test_it_is_all_there_or_shown_first(
    name: str, reason: str | None, asked: list[tuple[str, str]], warnings: list[str], run_after: list[str]
) -> None:
    """In the message every word, or Approve opens all of it; there is room for every word in that view."""
    changes, in_full = (tuple(each[at] for each in asked) for at in (0, 1))
    missing = left_out(name, reason, changes, in_full, warnings_in_words(warnings, run_after))
    impact = replace(
        IMPACT,
        changes=changes,
        in_full=in_full,
        left_out=missing,
        warnings=tuple(warnings),
        run_after=tuple(run_after),
    )
    approval = replace(PENDING, operation="edit", name=name, reason=reason, impact=impact)
    wanted = list(map(bare, (name, reason or "", *in_full, *warnings, *run_after)))

    message = approval_opened(ApprovalOpened(approval=approval))
    if missing:
        assert pressed(message.blocks, "Approve") == Approve(approval.id, step=Step.FILL)
        assert pressed(message.blocks, "Details") == ShowApproval(approval.id)
        assert f"{missing:,} character" in message.text
    else:
        assert pressed(message.blocks, "Approve") == Approve(approval.id)
        assert [
            each
            for each in wanted
            if each.removesuffix(".").casefold() not in said(message.blocks).casefold()
        ] == []

    form = approval_form(ApprovalForm(Approve(approval.id, in_full=True), approval)).content
    assert [each for each in wanted if each not in said(form.blocks)] == []
    assert len(form.blocks) <= VIEW_BLOCKS
    assert all(len(block["text"]["text"]) <= SECTION_LIMIT for block in form.blocks if "text" in block)


def test_no_warning_takes_the_consequence_away() -> None:
    """That the backups stay, and that nothing undoes it, is said below however much is warned of."""
    many = tuple(f"Job number {at} & others" for at in range(300))
    impact = replace(IMPACT, warnings=("x" * 2_000,) * 6, run_after=many, left_out=1)
    approval = replace(PENDING, operation="delete", impact=impact)
    message = approval_opened(ApprovalOpened(approval=approval))
    form = approval_form(ApprovalForm(Approve(approval.id, in_full=True), approval)).content
    for blocks in (message.blocks, form.blocks):
        assert bare("VBR can't undo this.") in said(blocks)
    assert [each for each in many if bare(each) not in said(form.blocks)] == []


def test_the_longest_that_can_be_asked_for_fits_one_view() -> None:
    """Whatever its letters are escaped to."""
    for letter in "x&":
        each = letter * (1_000 if letter == "x" else 200)
        impact = replace(IMPACT, changes=("much",) * 97, in_full=(each,) * 97, left_out=1)
        form = approval_form(ApprovalForm(ShowApproval("a1"), replace(PENDING, impact=impact))).content
        assert len(form.blocks) <= VIEW_BLOCKS
        assert said(form.blocks).count(letter) >= 97 * len(each)
