"""No secret gets through: configured ones by value, others by their look or their key."""

import json
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.observability import Redaction
from bot.observability.redaction import is_word

SECRET = "hunter2-hunter2"
LOOKS_SECRET = [
    ("token xoxb-123-456-abcDEF sent", "token xoxb-[redacted] sent"),
    ("xoxe.xoxp-1-abc", "xoxe.[redacted]"),
    ("xapp-1-A0B-123-fff", "xapp-[redacted]"),
    ("Bearer eyJhbGciOi.abc-_~+/=", "Bearer [redacted]"),
    ("to https://hooks.slack.com/commands/T0/1/abc now", "to https://hooks.slack.com/[redacted] now"),
    ("https://hooks.slack.com/actions/T0/2/x?y=z", "https://hooks.slack.com/[redacted]"),
    ("to https://files.slack.com/upload/v1/CwAB now", "to https://files.slack.com/[redacted] now"),
    ("{'upload_url': 'http://127.0.0.1:1/upload/F1'}", "{'upload_url': '[redacted]'}"),
    (
        "wss://wss.slack.com/link/?ticket=ab-c&app_id=A1",
        "wss://wss.slack.com/link/?ticket=[redacted]&app_id=A1",
    ),
    (
        "grant_type=password&username=svc&password=a%20b",
        "grant_type=password&username=svc&password=[redacted]",
    ),
    ('{"password": "a b", "x": 1}', '{"password": "[redacted]", "x": 1}'),
    ("{'access_token': 'abc', 'expires_in': 900}", "{'access_token': '[redacted]', 'expires_in': 900}"),
    (r'"{\"refresh_token\":\"abc\"}"', r'"{\"refresh_token\":\"[redacted]"}"'),
    ("postgresql://bot:p4ss@db/bot", "postgresql://bot:[redacted]@db/bot"),
    ("response_url=https://127.0.0.1:1/r/abc next", "response_url=[redacted] next"),
]


@pytest.mark.parametrize(("text", "masked"), LOOKS_SECRET)
def test_what_looks_like_a_secret_is_masked(text: str, masked: str) -> None:
    """Tokens, bearers, hooks, tickets and named passwords are masked though nobody configured them."""
    assert Redaction().text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "job SQL-Prod failed",
        "https://vbr01.example.com:9419/api/v1/jobs?limit=5",
        "token refused",
        "a password is set",
        "Basic authentication failed",
        "Bearer tokens are not supported",
        "Invalid password: access is denied",
        "Logon failed. Wrong password: the account is locked out.",
        "Error: Token: expired",
        "token: 0x8009030C",
        "password: 3 attempts left",
        "Secret: (empty)",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    """Redaction changes nothing that holds no secret."""
    assert Redaction([SecretStr(SECRET)]).text(text) == text


@dataclass
class Holder:
    inner: object


def test_a_value_is_searched_to_its_ends() -> None:
    """Keys, lists, bytes, exceptions, secret types and foreign objects are all searched."""
    value = {
        f"key {SECRET}": [(SECRET,), {SECRET}],
        "bytes": SECRET.encode(),
        "error": ValueError(SECRET),
        "object": Holder([SECRET]),
        "secret": SecretStr("unknown"),
        "kept": [1, 2.5, None, True, "x"],
    }
    masked = Redaction([SecretStr(SECRET)]).value(value)
    assert SECRET not in json.dumps(masked)
    assert masked["error"] == "ValueError: [redacted]"
    assert masked["kept"] == [1, 2.5, None, True, "x"]


def test_a_key_that_names_a_secret_masks_its_value() -> None:
    """Nobody need know the value of `password` or `access_token` to hide it."""
    masked = Redaction().value({"Password": "a", "access_token": ["b"], "token": None, "name": "c"})
    assert masked == {"Password": "[redacted]", "access_token": "[redacted]", "token": None, "name": "c"}


def test_of_two_secrets_the_longer_is_masked_whole() -> None:
    """A secret that contains another is not left half shown."""
    redaction = Redaction([SecretStr("hunter2"), SecretStr("hunter2-and-more")])
    assert redaction.text("hunter2-and-more hunter2") == "[redacted] [redacted]"


def test_a_secret_of_digits_is_masked_as_a_number_too() -> None:
    """A number that shows a secret is masked."""
    assert Redaction([SecretStr("123456")]).value([123456, 9123456.5, 42]) == ["[redacted]", "[redacted]", 42]


VBR_SAYS = (
    "Processing backup of SQL Production: Veeam Backup Service on prod01 failed, 12345 of 20000 files. "
    "backup job Prod is in D:\\Veeam\\backup\\prod, see Backup: done"
)


@pytest.mark.parametrize(
    "secret",
    ["backup", "Backup", "Veeam", "prod", "VeeamBackup", "files", "1234", "2000", "failed", "SQL1", "rod0"],
)
def test_a_secret_that_is_a_word_or_short_blanks_no_ordinary_text(secret: str) -> None:
    """It is no secret where it is an ordinary word, or a part of one."""
    assert Redaction([SecretStr(secret)]).text(VBR_SAYS) == VBR_SAYS


plain_words = st.from_regex(r"[A-Za-z][a-z]{3,15}", fullmatch=True).filter(
    lambda word: (
        word.casefold()
        not in ["redacted", "password", "token", "secret", "bearer", "basic", "value", "authorization"]
    )
)


@given(plain_words)
def test_a_word_that_is_a_secret_is_masked_where_a_value_stands(word: str) -> None:
    """In quotes, after `=`, behind a secret's name, in an address, as all there is, as an error's text."""
    redaction = Redaction([SecretStr(word)])
    for written in [
        word,
        f"{[word]}",
        f"{(word + chr(39) + chr(34),)}",
        f"{word.encode()!r}",
        json.dumps({"value": word}),
        f"https://svc:{word}@h/?{urlencode({'value': word, 'password': word})}",
        f"postgresql://bot:{word}@db/bot",
        f"Password: {word} is wrong",
        f"the password is {word}",
        f"password {word} refused",
        f"Authorization: Basic {word}",
        f"Bearer {word} was sent",
        f"option={word}, next",
        f"ValueError: {word}",
    ]:
        assert word not in redaction.text(written).replace("[redacted]", ""), written
    for value in [word.encode(), ValueError(word), KeyError(word), Holder({"deep": [word]}), {"job": word}]:
        assert word not in json.dumps(redaction.value([value])).replace("[redacted]", "")


secrets = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=6).filter(
    lambda text: len(text.strip()) >= 4 and text.strip() not in "[redacted][redacted]"
)
surroundings = st.sampled_from(["", " ", "user ", "'", '"', "\\", "é", "\n"])


def _written(secret: str) -> list[object]:
    """How a secret gets into a log in real life."""
    return [
        secret,
        f"{[secret]}",
        f"{(secret + chr(39) + chr(34),)}",
        secret.encode(),
        f"{secret.encode()!r}",
        json.dumps({"value": secret}),
        f"https://h/{quote(secret)}?{urlencode({'value': secret})}",
        ValueError(secret),
        KeyError(secret),
        Holder({"deep": [secret]}),
    ]


@given(secret=secrets, before=surroundings, after=surroundings)
def test_no_spelling_of_a_secret_survives(secret: str, before: str, after: str) -> None:
    """Whatever the secret is made of, and however it was quoted on its way, no spelling of it is left."""
    redaction = Redaction([SecretStr(secret)])
    bare = secret.strip()
    assume(
        not is_word(bare) and len(bare) > 5
    )  # those that ordinary text may contain have tests of their own
    for value in [*_written(bare), f"{before}{bare}{after}"]:
        masked = redaction.value({"x": [value]})["x"][0]
        without_mask = masked.replace("[redacted]", "")
        assert bare not in without_mask
        assert repr(bare)[1:-1] not in without_mask


@given(
    st.recursive(st.none() | st.integers() | st.text() | st.binary(), lambda v: st.lists(v) | st.tuples(v, v))
)
def test_redaction_never_fails_and_gives_plain_data(value: object) -> None:
    """Every value becomes something JSON can hold."""
    json.dumps(Redaction([SecretStr(SECRET)]).value(value))
