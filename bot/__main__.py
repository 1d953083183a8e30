"""`python -m bot` is `veeam-bot`."""

import gc


def main() -> None:
    """Load the command line, and run it."""
    # What is loaded lives as long as the process: looking through it for garbage while it grows takes a
    # sixth of the time to load it.
    gc.disable()
    from bot import cli  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    cli.main()


if __name__ == "__main__":
    main()
