"""Veeam's own document, where the environment names it."""

import pytest

from tests.support.openapi import VARIABLE, OpenApi, document_path


@pytest.fixture(scope="session")
def document() -> OpenApi:
    """Veeam's OpenAPI document for 1.3-rev0; without it the test is skipped."""
    path = document_path()
    if path is None:
        pytest.skip(f"{VARIABLE} does not name Veeam's OpenAPI document: nothing to validate against")
    return OpenApi.load(path)
