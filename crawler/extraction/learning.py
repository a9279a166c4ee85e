"""A Memory of a site's templates, learned from pages of its own: pure, and the same for the same pages in any order.

What was paid for by measurement: pages that are nearly the same are one page before anything is counted, or an
article that was captured twice would be learned as boilerplate; a template needs five distinct pages; a container
counts only where it agrees with what a reader that knows nothing of the site finds.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lxml.html import HtmlElement

from crawler.extraction.authors import byline
from crawler.extraction.body import AGREES, agreement
from crawler.extraction.fields import Known, learned_fields
from crawler.extraction.memory import LONG, Memory, Template, alike, recognise
from crawler.extraction.paths import places
from crawler.extraction.sample import Sample

FEWEST = 5  # distinct pages of a template
_ALIKE = 0.5  # of the places of two pages of one template, the least that both have
_SAME = 0.8  # of the long lines of the shorter of two pages, the share that makes them one page
_FRAME = 0.6  # of its pages have a place of the frame
_REPEATS = 0.3  # of its pages show a repeated line, and at least
_OFTEN = 3  # of them
_HAVE = 0.6  # of its pages have the container
_FITS = 0.6  # least balance of a container between holding what is own text and nothing else
_MOSTLY = 0.7  # of the pages agree
_ALWAYS = 0.8  # of its pages show a name or a paragraph that is a part of the template


def learn(samples: Iterable[Sample]) -> Memory:
    """What the pages tell; lists and templates with fewer than five distinct pages are not learned."""
    clusters = map(_distinct, _clusters(sorted(samples, key=lambda one: one.rank)))
    learned = [_template(pages) for pages in clusters if len(pages) >= FEWEST and not _are_lists(pages)]
    return Memory(tuple(sorted(learned, key=lambda one: one.frame)))


def _distinct(samples: Sequence[Sample]) -> list[Sample]:
    """One of each group of pages that are nearly the same: the same article again, under whatever address.

    Pages are the same by the paragraphs that few pages of the template have.
    """
    counts = Counter(text for one in samples for text in one.long)
    enough = max(_OFTEN, _REPEATS * len(samples))
    kept: list[tuple[Sample, int]] = []
    owners: dict[str, list[int]] = defaultdict(list)
    for one in samples:
        own = {text: size for text, size in one.long.items() if counts[text] <= enough} or one.long
        shared: Counter[int] = Counter()
        for text, size in own.items():
            shared.update(dict.fromkeys(owners[text], size))
        size = sum(own.values())
        if all(both < _SAME * min(size, kept[other][1]) for other, both in shared.items()):
            for text in own:
                owners[text].append(len(kept))
            kept.append((one, size))
    return [one for one, _ in kept]


def _clusters(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Pages by their frames, the largest group first: a page, and all that are like it."""
    waiting = list(samples)
    clusters = []
    while waiting:
        near = [[other for other in waiting if alike(one.frame, other.frame) >= _ALIKE] for one in waiting]
        best = max(range(len(waiting)), key=lambda i: (len(near[i]), waiting[i].rank))
        clusters.append(near[best])
        taken = set(map(id, near[best]))
        waiting = [one for one in waiting if id(one) not in taken]
    return clusters


def _are_lists(pages: Sequence[Sample]) -> bool:
    return 2 * sum(one.generic is None or one.generic.listing for one in pages) > len(pages)


def _template(pages: Sequence[Sample]) -> Template:
    bare = Template(pages=len(pages), frame=_frame(pages), repeated=_by_place(_repeated(pages, _ALWAYS)))
    container = _container(pages, _repeated(pages, _REPEATS))
    if container is None:
        return bare
    placed = replace(bare, container=container)
    known = [Known(one, seen) for one in pages if (seen := recognise(one.page, Memory((placed,))))]
    fields = learned_fields([one for one in known if one.seen.container is not None], len(pages))
    placed = replace(placed, **vars(fields))
    agreed = sum(_agrees(one, placed) for one in pages)
    return placed if agreed >= _MOSTLY * len(pages) else bare


def _agrees(one: Sample, template: Template) -> bool:
    seen = recognise(one.page, Memory((template,)))
    body = seen.body if seen else None
    return body is not None and one.generic is not None and agreement(body, one.generic) >= AGREES


def _frame(pages: Sequence[Sample]) -> tuple[str, ...]:
    counts = Counter(path for one in pages for path in one.frame)
    return tuple(sorted(path for path, count in counts.items() if count >= _FRAME * len(pages)))


def _repeated(pages: Sequence[Sample], long: float) -> frozenset[tuple[str, str]]:
    """Lines on many pages of the template, by place and masked text; `long` is the share for a paragraph.

    A name must be on most pages: on fewer it may be that of somebody who writes often. So must a paragraph, where it
    would be lost: the summary of one article stands in the lists of others.
    """
    counts: Counter[tuple[str, str]] = Counter()
    shares: dict[tuple[str, str], float] = {}
    for one in pages:
        counts.update(set(one.keys))
        for key, line in zip(one.keys, one.page.lines, strict=True):
            if byline(line.text):
                shares[key] = _ALWAYS
            elif len(line.text) >= LONG and not line.is_link:
                shares[key] = long
    return frozenset(
        key for key, count in counts.items() if count >= max(_OFTEN, shares.get(key, _REPEATS) * len(pages))
    )


def _by_place(keys: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path, text in sorted(keys):
        found[path].append(text)
    return {path: tuple(texts) for path, texts in found.items()}


def _container(pages: Sequence[Sample], repeated: frozenset[tuple[str, str]]) -> str | None:
    """The place of the deepest element that holds most of the own text of most pages, and little else."""
    held: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in pages:
        for path, shares in _shares(one, repeated).items():
            held[path].append(shares)
    best = max(
        (
            (round(_balance(shares, len(pages)), 2), path.count("/"), path)
            for path, shares in held.items()
            if len(shares) >= _HAVE * len(pages)
        ),
        default=(0.0, 0, ""),
    )
    return best[2] if best[0] >= _FITS else None


def _balance(shares: Sequence[tuple[float, float]], pages: int) -> float:
    coverage = sum(covered for covered, _ in shares) / pages
    purity = sum(pure for _, pure in shares) / len(shares)
    return 2 * coverage * purity / (coverage + purity) if coverage and purity else 0.0


def _shares(one: Sample, repeated: frozenset[tuple[str, str]]) -> dict[str, tuple[float, float]]:
    """How much of a page's own text stands at each place, and how much of what stands there is own text."""
    own: Counter[HtmlElement] = Counter()
    all_: Counter[HtmlElement] = Counter()
    for n, line in enumerate(one.page.lines):
        size = len(line.text)
        good = size >= LONG and not (line.is_link or line.chrome or n in one.aside or one.keys[n] in repeated)
        node: HtmlElement | None = line.element
        while node is not None:
            all_[node] += size
            own[node] += size if good else 0
            node = node.getparent()
    total = own[one.page.root]
    if not total:
        return {}
    found = {}
    for path, elements in places(one.page, one.paths).items():
        node = max(elements, key=lambda element: own[element])
        found[path] = (own[node] / total, own[node] / all_[node])
    return found
