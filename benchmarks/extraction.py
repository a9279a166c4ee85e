"""How clean and complete the text is: luutru beside the extractors that there are, in one run, in one table.

    python benchmarks/extraction.py [--pages SET] [--only NAME …] [--worst N] [--json]

`luutru` knows nothing of a site: no definition, no memory; `luutru learned` has the memory of each template from every
other page of it, and reads those between; `luutru cold` has the definitions of our own sites. Needs
the sample pages (../shared/data/extraction) and, for the others, the extra `bench`; who is absent is named. A page on
which one raises counts as empty. Nothing is fetched. What the sets are: `variants`; of `lists` all must be empty.

Two pages of `scrapinghub` are read more than .1 below trafilatura: a theatre's page (8cad00dc…) repeats one line eleven
times among pictures, above its text, in boxes like those of the text; a research notice (e1c7023e…) has long captions
between its paragraphs, which are a part of the text for luutru and not for those who marked the page.

F1, precision, recall: runs of four words (`scoring`), with the paired bootstrap of the F1 against trafilatura's
default. Title, author, date: share of the pages that show one; `none`: of those that show no date, where none is
named. `phrases`: pages on which a line of `boilerplate.txt` survives. `same`: pages whose text, not empty, has one
digest in two fetches, the second made by the rules of `samples.refetched`. CPU is the median over the pages; all read
them in turns, so that a busy machine slows all alike; trafilatura's contains its metadata, except `text only`.
"""

import argparse
import json
import logging
import sys
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import samples
from competitors import ALL, REFERENCE, Answer, Extractor, Read
from samples import Page
from scoring import Difference, Match, Score, are_authors, difference, is_title, match, score, surviving
from variants import SETS

from crawler.extraction.text import digest

PHRASES = (Path(__file__).parent / "boilerplate.txt").read_text("utf-8").splitlines()
_WARM_UP = 3  # pages that each reads before the clock runs
_MUCH = 0.1  # F1 that a page may lie below trafilatura's before it must be explained


@dataclass
class Results:
    """What one extractor answered, page by page."""

    extractor: Extractor
    answers: list[Answer] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # of CPU
    stable: list[bool] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)  # what it raised, by page


@dataclass(frozen=True)
class Row:
    """One line of the table; shares are of the pages concerned, None where the question does not arise."""

    name: str
    score: Score
    layouts: dict[str, float]  # F1
    against: Difference | None
    title: float | None
    date: float | None
    none: float | None
    author: float | None
    phrases: dict[str, list[str]] | None  # by page
    milliseconds: float
    same: float | None
    empty: int
    failures: dict[str, str]
    pages: dict[str, float]  # F1


def measure(extractors: Iterable[Extractor], pages: Sequence[Page]) -> tuple[list[Results], dict[str, str]]:
    """Every page read by everyone, in turns; and who is absent, with the reason."""
    readers, absent = _make(extractors, pages)
    for _, read in readers:
        for page in pages[:_WARM_UP]:
            _ask(read, page)
    for page in pages:
        again = samples.refetched(page) if page.described else None
        for results, read in readers:
            _measure(results, read, page, again)
    return [results for results, _ in readers], absent


def _make(extractors: Iterable[Extractor], pages: Sequence[Page]) -> tuple[list[tuple[Results, Read]], dict[str, str]]:
    readers, absent = [], {}
    for one in extractors:
        try:
            readers.append((Results(one), one.make(pages)))
        except Exception as error:  # noqa: BLE001 - a broken installation is as good as none
            absent[one.name] = _said(error)
    return readers, absent


def _measure(results: Results, read: Read, page: Page, again: Page | None) -> None:
    start = time.process_time()
    answer, failure = _ask(read, page)
    results.seconds.append(time.process_time() - start)
    results.answers.append(answer)
    if failure is not None:
        results.failures[page.name] = failure
    if again is not None:
        other = _ask(read, again)[0]
        results.stable.append(bool(answer.text) and _digest(answer) == _digest(other))


def _ask(read: Read, page: Page) -> tuple[Answer, str | None]:
    try:
        return read(page), None
    except Exception as error:  # noqa: BLE001 - whatever it raises, the page has no text
        return Answer(), _said(error)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _digest(answer: Answer) -> str:
    return digest(answer.title or "", answer.text)


def table(results: Sequence[Results], pages: Sequence[Page]) -> list[Row]:
    """A row for each, held against the reference where it is among them."""
    matches = {
        one.extractor.name: [match(page.text, answer.text) for page, answer in zip(pages, one.answers, strict=True)]
        for one in results
    }
    return [_row(one, pages, matches[one.extractor.name], matches.get(REFERENCE)) for one in results]


def _row(one: Results, pages: Sequence[Page], matches: list[Match], reference: list[Match] | None) -> Row:
    read = list(zip(pages, one.answers, strict=True))
    name = one.extractor.name
    layouts = sorted({page.layout for page in pages} - {""})
    titled = [is_title(page.title, answer.title) for page, answer in read if page.title]
    signed = [are_authors(page.author, answer.authors) for page, answer in read if page.author]
    dated = [answer.date == page.date for page, answer in read if page.described and page.date]
    undated = [answer.date is None for page, answer in read if page.described and not page.date]
    left = {page.name: surviving(PHRASES, page.text, answer.text) for page, answer in read if page.described}
    looks_for = one.extractor.fields
    return Row(
        name=name,
        score=score(matches),
        layouts={
            layout: score([one for page, one in zip(pages, matches, strict=True) if page.layout == layout]).f1
            for layout in layouts
        },
        against=difference(matches, reference) if reference and name != REFERENCE else None,
        title=_share(titled) if "title" in looks_for else None,
        date=_share(dated) if "date" in looks_for else None,
        none=_share(undated) if "date" in looks_for else None,
        author=_share(signed) if "author" in looks_for else None,
        phrases={page: found for page, found in left.items() if found} if left else None,
        milliseconds=1000 * median(one.seconds),
        same=_share(one.stable),
        empty=sum(not answer.text.strip() for answer in one.answers),
        failures=one.failures,
        pages={page.name: found.f1 for page, found in zip(pages, matches, strict=True)},
    )


def _share(said: Sequence[bool]) -> float | None:
    return sum(said) / len(said) if said else None


def printed(name: str, pages: Sequence[Page], rows: Sequence[Row], absent: dict[str, str]) -> str:
    """The table as a person reads it."""
    layouts = list(rows[0].layouts) if rows else []
    head = ["", "F1", *layouts, "prec", "rec", f"F1 − {REFERENCE} (95 %)", "title", "date", "none", "author"]
    lines = [[*head, "phrases", "CPU ms", "same", "empty", "raised"]]
    lines += [_cells(row) for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    text = [f"{name}: {len(pages)} pages"]
    text += [
        "  ".join(_aligned(cell, at, width) for at, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    ]
    text += [f"absent: {who} ({why})" for who, why in absent.items()]
    return "\n".join(text)


def _cells(row: Row) -> list[str]:
    gap = row.against
    return [
        row.name,
        *(f"{value:.3f}" for value in (row.score.f1, *row.layouts.values(), row.score.precision, row.score.recall)),
        f"{gap.f1:+.3f} ({gap.low:+.3f} … {gap.high:+.3f})" if gap else "",
        *(_percent(share) for share in (row.title, row.date, row.none, row.author)),
        "" if row.phrases is None else str(len(row.phrases)),
        f"{row.milliseconds:.1f}",
        _percent(row.same),
        str(row.empty),
        str(len(row.failures)),
    ]


def _aligned(cell: str, at: int, width: int) -> str:
    return cell.ljust(width) if at == 0 else cell.rjust(width)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}%"


def _losses(rows: Sequence[Row], number: int) -> str:
    reference = next((row for row in rows if row.name == REFERENCE), None)
    if not number or reference is None:
        return ""
    return "".join(f"{worst(row, reference, number)}\n\n" for row in rows if row.name.startswith("luutru"))


def worst(row: Row, reference: Row, number: int) -> str:
    """The pages on which a row loses most against the reference, F1 of both."""
    losses = sorted((row.pages[page] - theirs, page) for page, theirs in reference.pages.items())
    many = sum(loss < -_MUCH for loss, _ in losses)
    text = [f"{row.name}: {many} pages more than {_MUCH} below {reference.name}"]
    text += [
        f"  {loss:+.3f}  {row.pages[page]:.3f}  {reference.pages[page]:.3f}  {page}"
        for loss, page in losses[:number]
        if loss < 0
    ]
    return "\n".join(text)


def as_json(rows: Sequence[Row], absent: dict[str, str]) -> dict[str, object]:
    """The table as a machine reads it: shares from 0 to 1, CPU in milliseconds, F1 of every page."""
    plain = [
        {**vars(row), "score": row.score._asdict(), "against": row.against._asdict() if row.against else None}
        for row in rows
    ]
    return {"rows": plain, "absent": absent}


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pages", choices=SETS, help="one set of pages, not all")
    parser.add_argument("--only", action="append", metavar="NAME", choices=[one.name for one in ALL])
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="pages that lose most against trafilatura")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _asked(arguments)
    if not samples.ROOT.is_dir():
        print("Nothing is measured: the sample pages, ../shared/data/extraction, are not there.")
        return 0
    logging.disable()
    warnings.simplefilter("ignore")
    wanted = [one for one in ALL if not asked.only or one.name in asked.only or one.name == REFERENCE]
    told: dict[str, object] = {}
    for name in [asked.pages] if asked.pages else SETS:
        pages = SETS[name]()
        results, absent = measure([one for one in wanted if one.only in (None, name)], pages)
        rows = table(results, pages)
        told[name] = as_json(rows, absent)
        if not asked.json:
            print(printed(name, pages, rows, absent), end="\n\n")
            print(_losses(rows, asked.worst), end="")
    if asked.json:
        json.dump(told, sys.stdout, ensure_ascii=False, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
