import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--save-pictures", action="store_true", help="keep what the browser test sees in docs/pictures"
    )
