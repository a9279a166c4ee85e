"""How a page becomes an article: capture on the wire, links, frontier, derivation."""
