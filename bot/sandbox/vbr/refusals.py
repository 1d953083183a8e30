"""What VBR answers when it will not: the status and the Error body of a refusal."""

from typing import Any

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
}


class Refusal(Exception):
    """A request that is not carried out. ``body`` is None for the empty body of a dead token."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @property
    def body(self) -> dict[str, Any] | None:
        """The Error body, with the two further keys that real servers add."""
        if not self.code:
            return None
        return {
            "errorCode": self.code,
            "message": self.message,
            "resourceId": None,
            "title": _TITLES.get(self.status, "Error"),
            "status": self.status,
        }


def bad_request(message: str) -> Refusal:
    """400: the request is malformed, incomplete, or cannot be carried out now."""
    return Refusal(400, "UnknownError", message)


def bad_content(message: str) -> Refusal:
    """400: the body is not what the schema demands."""
    return Refusal(400, "UnexpectedContent", message)


def dead_token() -> Refusal:
    """401 with an empty body: no token, or one that is unknown, expired or revoked."""
    return Refusal(401, "", "")


def login_refused(message: str) -> Refusal:
    """401 on the token call."""
    return Refusal(401, "AccessDenied", message)


def forbidden() -> Refusal:
    """403: the account's role may not."""
    return Refusal(
        403, "AccessDenied", "The user does not have the required permissions to perform this operation."
    )


def unknown_path(path: str) -> Refusal:
    """404: no such path, or not in this revision."""
    return Refusal(404, "InvalidURI", f"The path '{path}' was not found.")


def not_found(what: str, identity: str) -> Refusal:
    """404: no such object, or no longer."""
    return Refusal(404, "NotFound", f"{what} with ID '{identity}' was not found.")
