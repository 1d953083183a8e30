"""`python -m bot` is `veeam-bot`."""

from bot.cli import main

if __name__ == "__main__":
    main()
