"""The facts of each revision against Veeam's own documents, which the environment names."""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.slack.views.status_text import type_name
from bot.veeam import REVISIONS, SessionGroup, lacks_model, session_group
from bot.veeam.job_layouts import layout_of

pytestmark = pytest.mark.skipif("VEEAM_OPENAPI" not in os.environ, reason="VEEAM_OPENAPI names no documents")

SAID_SO = {"Automation", "SureBackup", "Failover", "Failback"}
"""Words of VBR's that are people's as well."""
EACH_REVISION = pytest.mark.parametrize("revision", REVISIONS)


@cache
def document(revision: str) -> dict[str, Any]:
    """The document of this revision."""
    named = Path(os.environ["VEEAM_OPENAPI"])
    folder = named if named.is_dir() else named.parent
    page = folder / f"vbr-openapi-{revision}.json"
    if not page.is_file():
        pytest.skip(f"VEEAM_OPENAPI names no document of {revision}")
    found: dict[str, Any] = json.loads(page.read_text(encoding="utf-8"))
    return found


def schemas(revision: str) -> dict[str, Any]:
    """The component schemas of that document."""
    found: dict[str, Any] = document(revision)["components"]["schemas"]
    return found


@EACH_REVISION
def test_session_types(revision: str) -> None:
    """Each type of the document stands in one group, and no other type does."""
    facts = REVISIONS[revision]
    ours = [name for names in facts.session_types.values() for name in names]
    assert sorted(ours) == sorted(schemas(revision)["ESessionType"]["enum"])
    assert all(session_group(name) is group for group in SessionGroup for name in facts.session_types[group])


@EACH_REVISION
def test_every_type_of_sessions_and_jobs_is_called_something(revision: str) -> None:
    """People read words, not VBR's."""
    words = {*schemas(revision)["ESessionType"]["enum"], *schemas(revision)["EJobType"]["enum"]}
    assert {word for word in words if type_name(word) == word} <= SAID_SO


@EACH_REVISION
def test_job_types(revision: str) -> None:
    """EJobType, word for word, and those that can be created, read and edited: JobSpec's and JobModel's."""
    documented = schemas(revision)
    facts = REVISIONS[revision]
    assert sorted(facts.job_types) == sorted(documented["EJobType"]["enum"])
    with_layout = {kind for kind in facts.job_types if layout_of(kind) is not None}
    for parent in ("JobModel", "JobSpec"):
        assert with_layout == set(documented[parent]["discriminator"]["mapping"])
    assert with_layout == {kind for kind in facts.job_types if not lacks_model(kind)}


@EACH_REVISION
def test_types_that_are_cloned(revision: str) -> None:
    """As the description of the operation lists them; all that have a model where it lists none."""
    facts = REVISIONS[revision]
    clone = document(revision)["paths"].get("/api/v1/jobs/{id}/clone", {}).get("post", {})
    listed = set(re.findall(r"<li> *`(\w+)`", clone.get("description", "")))
    models = {kind for kind in facts.job_types if layout_of(kind) is not None} if clone else set()
    assert {kind for kind in facts.job_types if facts.clones(kind)} == (listed or models)


@EACH_REVISION
def test_letter_case(revision: str) -> None:
    """Words whose case differs between revisions are spelt as the document has them."""
    facts = REVISIONS[revision]
    for enum, word in (("EJobStatus", "running"), ("EJobWorkload", "vm"), ("EDayOfWeek", "monday")):
        assert facts.spelled(word) in schemas(revision)[enum]["enum"]
    statuses = {word.casefold() for word in schemas(revision)["EJobStatus"]["enum"]}
    assert {status.casefold() for status in facts.job_statuses} == statuses
