"""What was said between the bot, or any other client, and a simulated VBR, by Veeam's documents."""

from bot.sandbox.vbr import VbrSandbox
from tests.support.openapi import document_of


def violations(vbr: VbrSandbox, *, of_answers_alone: bool = False) -> list[str]:
    """Where what was said so far is not as the document of its revision has it, as far as it is at hand."""
    found: list[str] = []
    for request in vbr.requests:
        document = document_of(request.headers.get("x-api-version", ""))
        is_of_api = request.path.startswith("/api/")
        if document is None or request.status is None or request.was_faulty or not is_of_api:
            continue
        found += document.check_answer(request.method, request.path, request.status, request.answer)
        if of_answers_alone or request.status >= 300 or request.path.startswith("/api/oauth2/"):
            continue
        found += document.check_request(request.method, request.path, request.query.items(), request.body)
    return found
