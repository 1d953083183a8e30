"""Accounts of a simulated VBR and their tokens: logins, lock-outs, single-use refresh tokens, log-outs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe

from bot.sandbox.vbr.refusals import Refusal, bad_content, bad_request, dead_token, login_refused
from bot.sandbox.vbr.roles import Role
from bot.sandbox.vbr.words import GRANT_TYPES

ACCESS_LIFETIME = timedelta(minutes=15)
REFRESH_LIFETIME = timedelta(days=14)
SHORT_REFRESH_LIFETIME = ACCESS_LIFETIME + timedelta(minutes=15)
LOCKOUTS = (timedelta(minutes=15), timedelta(minutes=30))
FAILURES_BEFORE_LOCKOUT = 5

_WRONG_CREDENTIALS = "Unable to perform authorization: The provided user credentials are invalid."


@dataclass(frozen=True)
class Account:
    """Who may log in. Accounts with MFA are refused as a wrong password is; custom roles before 1.3-rev2."""

    username: str
    password: str
    roles: frozenset[Role]
    has_mfa: bool = False
    has_custom_role: bool = False


@dataclass(frozen=True)
class TokenPair:
    """What a grant hands out; times are the server's."""

    account: Account
    access_token: str
    refresh_token: str
    issued_at: datetime
    access_until: datetime
    refresh_until: datetime
    by_refresh: bool = False


@dataclass
class _Lock:
    failures: int = 0
    times_locked: int = 0
    until: datetime | None = None


class Accounts:
    """The accounts of one server, by name and letter case aside, with everything they have been handed.

    ``forbids_refreshed_tokens`` plays the server that answers 403 to every token that a refresh made.
    """

    def __init__(self, accounts: Iterable[Account], now: Callable[[], datetime]) -> None:
        self.forbids_refreshed_tokens = False
        self._accounts = {account.username.casefold(): account for account in accounts}
        self._now = now
        self._access: dict[str, TokenPair] = {}
        self._refresh: dict[str, TokenPair] = {}
        self._locks: dict[str, _Lock] = {}

    def add(self, account: Account) -> None:
        """Add an account, or give one of that name another password or role; its tokens live on."""
        self._accounts[account.username.casefold()] = account

    def remove(self, username: str) -> None:
        """Remove an account with its tokens."""
        account = self._accounts.pop(username.casefold())
        for pair in (*self._access.values(), *self._refresh.values()):
            if pair.account.username == account.username:
                self._forget(pair)

    def by_role(self, role: Role) -> Account:
        """The first account with exactly that role; raises StopIteration where there is none."""
        return next(
            account for account in self._accounts.values() if account.roles == {role} and not account.has_mfa
        )

    def __iter__(self) -> Iterator[Account]:
        return iter(tuple(self._accounts.values()))

    def revoke_all_tokens(self) -> None:
        """Make every token dead, as a restart of the backup service does."""
        self._access.clear()
        self._refresh.clear()

    def expire_access_tokens(self) -> None:
        """Make the access tokens dead; what can be refreshed stays so."""
        self._access.clear()

    def grant(self, form: Mapping[str, str], *, lets_custom_roles_in: bool = False) -> TokenPair:
        """Answer the token call's form."""
        kind = form.get("grant_type")
        if kind not in GRANT_TYPES:
            raise bad_content("The grant_type field is missing or unknown.")
        if kind == "password":
            return self._by_password(form, lets_custom_roles_in=lets_custom_roles_in)
        if kind == "refresh_token":
            return self._by_refresh(form)
        raise bad_request(f"The grant type '{kind}' is not supported for this client.")

    def holder(self, authorization: str | None) -> TokenPair:
        """Tell whose token the header bears; a dead or missing one is a 401 with an empty body."""
        scheme, _, token = (authorization or "").partition(" ")
        pair = self._access.get(token) if scheme.lower() == "bearer" else None
        if pair is None or self._now() >= pair.access_until:
            raise dead_token()
        return pair

    def current(self, pair: TokenPair) -> Account:
        """The account behind a token as it stands now, with its present roles."""
        return self._accounts[pair.account.username.casefold()]

    def log_out(self, pair: TokenPair) -> None:
        """Make both tokens of a pair dead."""
        self._forget(pair)

    def _forget(self, pair: TokenPair) -> None:
        self._access.pop(pair.access_token, None)
        self._refresh.pop(pair.refresh_token, None)

    def _by_password(self, form: Mapping[str, str], *, lets_custom_roles_in: bool) -> TokenPair:
        username, password = form.get("username"), form.get("password")
        if not username or password is None:
            raise bad_content("The fields username and password are required.")
        lock = self._locks.setdefault(username.casefold(), _Lock())
        self._refuse_locked(lock)
        account = self._accounts.get(username.casefold())
        if account is None or account.password != password:
            raise self._failed(lock)
        if account.has_mfa or (account.has_custom_role and not lets_custom_roles_in):
            raise login_refused("Authentication failed")
        del self._locks[username.casefold()]
        return self._issue(account, form)

    def _refuse_locked(self, lock: _Lock) -> None:
        if lock.until is not None and self._now() < lock.until:
            raise self._lock_out(lock)  # trying again begins the lock-out anew

    def _failed(self, lock: _Lock) -> Refusal:
        lock.failures += 1
        if lock.failures >= FAILURES_BEFORE_LOCKOUT:
            lock.failures = 0
            lock.times_locked += 1
            return self._lock_out(lock)
        return login_refused(_WRONG_CREDENTIALS)

    def _lock_out(self, lock: _Lock) -> Refusal:
        length = LOCKOUTS[min(lock.times_locked, len(LOCKOUTS)) - 1]
        lock.until = self._now() + length
        return login_refused(f"Your account has been locked out for {length!s:0>8}. Please try again later.")

    def _by_refresh(self, form: Mapping[str, str]) -> TokenPair:
        pair = self._refresh.pop(form.get("refresh_token", ""), None)
        if pair is None or self._now() >= pair.refresh_until:
            raise Refusal(
                401, "InvalidToken", "Unable to refresh session: the refresh token is invalid or expired."
            )
        return self._issue(pair.account, form, by_refresh=True)

    def _issue(self, account: Account, form: Mapping[str, str], *, by_refresh: bool = False) -> TokenPair:
        now = self._now()
        is_short = form.get("use_short_term_refresh", "false").lower() == "true"
        pair = TokenPair(
            account=account,
            access_token=token_urlsafe(48),
            refresh_token=token_urlsafe(48),
            issued_at=now,
            access_until=now + ACCESS_LIFETIME,
            refresh_until=now + (SHORT_REFRESH_LIFETIME if is_short else REFRESH_LIFETIME),
            by_refresh=by_refresh,
        )
        self._access[pair.access_token] = pair
        self._refresh[pair.refresh_token] = pair
        return pair


#: One account for each role, and one that MFA keeps out; every password is ``sandbox``.
DEFAULT_ACCOUNTS = (
    Account("svc-slack", "sandbox", frozenset({Role.ADMINISTRATOR})),
    Account("svc-slack-operator", "sandbox", frozenset({Role.BACKUP_OPERATOR})),
    Account("svc-slack-restore", "sandbox", frozenset({Role.RESTORE_OPERATOR})),
    Account("svc-slack-viewer", "sandbox", frozenset({Role.VIEWER})),
    Account("svc-slack-tape", "sandbox", frozenset({Role.TAPE_OPERATOR})),
    Account("svc-slack-security", "sandbox", frozenset({Role.SECURITY_ADMINISTRATOR})),
    Account("svc-slack-incident", "sandbox", frozenset({Role.INCIDENT_API_OPERATOR})),
    Account("svc-slack-mfa", "sandbox", frozenset({Role.ADMINISTRATOR}), has_mfa=True),
    Account("LAB\\svc-custom", "sandbox", frozenset(), has_custom_role=True),
)
