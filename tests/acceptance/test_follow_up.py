"""Acknowledge, Mute and Unmute by their buttons: what two channels show, and what reaches VBR."""

from pathlib import Path

from tests.acceptance.rig import BACKUPS, PROD, Rig, Setting

TWO_ROUTES = "".join(
    f'[[routes]]\nchannel = "{channel}"\nmention = "S0ONCALL"\n\n' for channel in (PROD, BACKUPS)
)
FULL = {"vm01": "There is not enough space on the disk."}


async def test_a_failure_is_owned_muted_and_unmuted(tmp_path: Path) -> None:
    """Both channels' roots follow each press; a muted failure is a reply; one ping; nothing is sent."""
    async with Rig(tmp_path, Setting(toml=TWO_ROUTES)) as rig:
        job = rig.world.add_job("SQL Prod", objects=["vm01"])
        first = rig.world.finish_run(job, result="Failed", objects=FULL, seconds=60)
        await rig.start()
        await rig.until(lambda: rig.slack.messages(PROD) and rig.slack.messages(BACKUPS))
        (root,), (other,) = rig.slack.messages(PROD), rig.slack.messages(BACKUPS)
        # An edit drops a mention, which has notified people by then.
        assert sum(one.text.count("S0ONCALL") for one in rig.everything()) == 1
        ann, ole = rig.slack.person("ann"), rig.slack.person("ole")

        assert (await ann.presses(root, "Acknowledge")).shown == "ok"
        await rig.until(lambda: "acknowledged by <@U0ANN>" in root.text and "by <@U0ANN>" in other.text)
        await rig.until(lambda: len(rig.whispers("ann")) == 1)
        assert (await ole.presses(root, "Acknowledge")).shown == "ok"
        await rig.until(lambda: "acknowledged by <@U0OLE>" in other.text)

        assert (await ann.presses(root, "Mute")).shown == "ok"
        views = rig.slack.workspace.views
        await rig.until(
            lambda: "For how long?" in str(views.stack("U0ANN")[-1:] and views.stack("U0ANN")[-1].blocks)
        )
        form = views.stack("U0ANN")[-1]
        assert (await ann.submits(form, {"length": "success", "comment": "disk ordered"})).shown == "ok"
        await rig.until(lambda: "muted until it succeeds" in other.text and "disk ordered" in root.text)

        second = rig.world.finish_run(job, result="Failed", objects=FULL, seconds=60)
        await rig.until(lambda: rig.told()[second.id] == 2)
        assert rig.told() == {first.id: 2, second.id: 2}
        assert (rig.slack.messages(PROD), rig.slack.messages(BACKUPS)) == ([root], [other])
        assert any(text.text.startswith("While muted") for text in rig.slack.thread(PROD, root.ts))

        assert (await ole.presses(root, "Unmute")).shown == "ok"
        await rig.until(lambda: "muted" not in other.text and "muted" not in root.text)
        said = [reply.text for reply in rig.slack.thread(BACKUPS, other.ts)]
        assert any("Acknowledged by <@U0OLE>, taking over from <@U0ANN>" in text for text in said)
        # What failed while the job was muted stands there by itself from now on.
        await rig.until(lambda: len(rig.slack.messages(BACKUPS)) == len(rig.slack.messages(PROD)) == 2)
        latest = rig.slack.messages(BACKUPS)[1]
        await rig.until(
            lambda: any("Unmuted by <@U0OLE>" in one.text for one in rig.slack.thread(BACKUPS, latest.ts))
        )
        on_record = [
            (row["person_id"], row["operation"])
            for row in rig.rows("SELECT * FROM audit WHERE event = 'opened' ORDER BY id")
        ]
        assert on_record == [
            ("U0ANN", "job.ack"), ("U0OLE", "job.ack"), ("U0ANN", "job.mute"), ("U0OLE", "job.unmute"),
        ]  # fmt: skip
        assert [one for one in rig.vbr.requests if one.method != "GET" and "/jobs/" in one.path] == []
        assert "Traceback" not in rig.log
