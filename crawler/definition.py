"""The digest of a site's definition: archives and crawls name by it the rules that they were made with."""

import hashlib

from crawler.sites import Site


def definition_digest(site: Site) -> str:
    """SHA-256 in hexadecimal over the values of a definition; the same in every process and on every machine.

    What a field leaves out of `repr`, the cadence, is no part of it.
    """
    return hashlib.sha256(repr(site).encode()).hexdigest()
