"""Who types: for rows that say who decided."""

import getpass
import os


def user() -> str:
    """The name of the account that runs this process; its number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # not in the list of accounts, as in many containers
        return str(os.getuid())
