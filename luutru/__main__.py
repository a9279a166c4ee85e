"""`python -m luutru` is `luutru`."""

import sys

from luutru.cli import main

if __name__ == "__main__":
    sys.exit(main())
