"""How a document is cited: pure, from what is known of it to text in one of several styles.

Vietnamese names stay in their order, family name first, and are never turned around or shortened. Every style names
the original address and the archived version; where the author is not known the publisher stands for one, as Chicago
(14.208) and APA (9.11) have it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from html import escape
from urllib.parse import quote

from storage.folding import fold

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_ENDS = ".?!…"
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")
_INNER = str.maketrans({"“": "‘", "”": "’", "„": "‘", '"': "’"})  # within the quotes of a title
_OPENING = re.compile(r'(?<![^\s(\[])"')
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{sign: f"\\{sign}" for sign in "#$%&_"},
    }
)
_WIKI = str.maketrans(
    {
        "|": "{{!}}",
        **{sign: f"&#{ord(sign)};" for sign in "[]{}'"},
        "<": "&lt;",
        ">": "&gt;",
        "&": "&amp;",
    }
)
_SAFE = "!#$%&()*+,-./:;=?@_~"  # what stands in an address of a citation as it is; quotes, brackets, braces do not
_MOST_IN_CHICAGO, _MOST_IN_APA = 10, 20
_SHOWN_IN_CHICAGO, _SHOWN_IN_APA = 7, 19


class Style(StrEnum):
    """A way to cite."""

    CHICAGO = "chicago"
    APA = "apa"
    BIBTEX = "bibtex"
    RIS = "ris"
    WIKIPEDIA = "wikipedia"
    ROBUST = "robust"


@dataclass(frozen=True, slots=True)
class Work:
    """What is cited: one version of a document.

    `publisher` is what its site is called, `archived` the day of the capture, `archive_url` where that can be seen, if
    it can. `gone` says that `url` no longer leads there.
    """

    document: str
    title: str
    authors: tuple[str, ...]
    publisher: str
    published: date | None
    url: str
    archived: date
    archive_url: str | None = None
    language: str | None = "vi"
    gone: bool = False

    @property
    def address(self) -> str:
        """Where a reader is sent: to the archived version, where that can be seen."""
        return _address(self.archive_url or self.url)


@dataclass(frozen=True, slots=True)
class _Tongue:
    """The words of a citation for people, in one language."""

    conjunction: str
    archived: str
    undated: str
    retrieved: str
    and_others: str

    def day(self, day: date) -> str:
        return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"

    def year_first(self, day: date) -> str:
        return f"{day.year}, {_MONTHS[day.month - 1]} {day.day}"


class _Vietnamese(_Tongue):
    def day(self, day: date) -> str:
        return f"ngày {day.day} tháng {day.month} năm {day.year}"

    def year_first(self, day: date) -> str:
        return f"{day.year}, ngày {day.day} tháng {day.month}"


_TONGUES = {
    "en": _Tongue("and", "Archived {0}", "n.d.", "Retrieved {0}, from", "et al."),
    "vi": _Vietnamese("và", "Bản chụp {0}", "không rõ ngày", "Truy cập {0}, từ", "và những người khác"),
}


def cite(work: Work, style: Style, language: str = "en") -> str:
    """The citation; `language` (en, vi) is that of its own words in the styles that people read."""
    match style:
        case Style.CHICAGO:
            return _chicago(work, _TONGUES[language])
        case Style.APA:
            return _apa(work, _TONGUES[language])
        case Style.BIBTEX:
            return _bibtex(work)
        case Style.RIS:
            return _ris(work)
        case Style.WIKIPEDIA:
            return _wikipedia(work)
        case Style.ROBUST:
            return _robust(work)


def _chicago(work: Work, tongue: _Tongue) -> str:
    """The Chicago Manual of Style, 17th edition, 14.207: an entry of a bibliography."""
    authors = _names(work)
    if len(authors) > _MOST_IN_CHICAGO:
        authors = [*authors[:_SHOWN_IN_CHICAGO], tongue.and_others]
        who = ", ".join(authors)
    else:
        who = _series(authors, tongue.conjunction)
    title = _OPENING.sub("‘", _line(work.title)).translate(_INNER)
    source = [work.publisher] if work.authors else []
    told = ", ".join([*map(_line, source), *([tongue.day(work.published)] if work.published else [])])
    parts = [_ended(who or _line(work.publisher)), f"“{_ended(title)}”", _ended(told) if told else ""]
    archived = _ended(tongue.archived.format(tongue.day(work.archived)))
    return " ".join(one for one in (*parts, archived, f"{work.address}.") if one)


def _apa(work: Work, tongue: _Tongue) -> str:
    """The Publication Manual of the APA, 7th edition, 10.16: an entry of a list of references, without its italics."""
    authors = _names(work)
    if len(authors) > _MOST_IN_APA:
        who = f"{', '.join(authors[:_SHOWN_IN_APA])}, . . . {authors[-1]}"
    else:
        who = _series(authors, "&", comma=len(authors) > 1)
    when = tongue.year_first(work.published) if work.published else tongue.undated
    parts = [_ended(who or _line(work.publisher)), f"({when}).", _ended(_line(work.title))]
    if work.authors:
        parts.append(_ended(_line(work.publisher)))
    if not work.published:
        parts.append(tongue.retrieved.format(tongue.day(work.archived)))
    return " ".join([*parts, work.address])


def _bibtex(work: Work) -> str:
    """An entry `@online` as biblatex reads it; braces keep names and titles as they are."""
    fields = {
        "author": " and ".join(f"{{{_latex(name)}}}" for name in _names(work)),
        "title": f"{{{_latex(work.title)}}}",
        "organization": _latex(work.publisher),
        "date": work.published.isoformat() if work.published else "",
        "url": work.address,
        "urldate": work.archived.isoformat(),
        "note": f"\\url{{{_url_in_text(work.url)}}}" if work.archive_url else "",
        "langid": "vietnamese" if work.language == "vi" else "",
    }
    lines = (f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@online{{{_key(work.document)},\n{''.join(lines)}}}"


def _ris(work: Work) -> str:
    """A record of Research Information Systems' format, type ELEC."""
    lines = [
        ("TY", "ELEC"),
        *(("AU", name) for name in _names(work)),
        ("TI", _line(work.title)),
        ("PB", _line(work.publisher)),
        *([("PY", f"{work.published:%Y}"), ("DA", f"{work.published:%Y/%m/%d}")] if work.published else []),
        ("Y2", f"{work.archived:%Y/%m/%d}"),
        ("UR", work.address),
        *([("L2", _address(work.url))] if work.archive_url else []),
        *([("LA", work.language)] if work.language else []),
        ("ID", _key(work.document)),
        ("ER", ""),
    ]
    return "\r\n".join(f"{tag}  - {value}" for tag, value in lines) + "\r\n"


def _wikipedia(work: Work) -> str:
    """The template `cite web` of Wikipedia, whose names of parameters the Vietnamese one knows too."""
    names = [_wiki(name) for name in _names(work)]
    numbered = [("author", names[0])] if len(names) == 1 else [(f"author{n}", one) for n, one in enumerate(names, 1)]
    fields = [
        ("title", _wiki(work.title)),
        *numbered,
        ("date", work.published.isoformat() if work.published else ""),
        ("website", _wiki(work.publisher)),
        ("url", _address(work.url)),
        ("language", work.language or ""),
        *_wikipedia_archive(work),
    ]
    return "{{cite web " + " ".join(f"|{name}={value}" for name, value in fields if value) + "}}"


def _wikipedia_archive(work: Work) -> Iterator[tuple[str, str]]:
    """`archive-date` and `url-status` stand with `archive-url` only."""
    if work.archive_url:
        yield "archive-url", _address(work.archive_url)
        yield "archive-date", work.archived.isoformat()
        yield "url-status", "dead" if work.gone else "live"
    yield "access-date", work.archived.isoformat()


def _robust(work: Work) -> str:
    """A link by robustlinks.mementoweb.org: the original, with where and of when the archived version is."""
    version = f' data-versionurl="{escape(_address(work.archive_url))}"' if work.archive_url else ""
    attributes = f'href="{escape(_address(work.url))}"{version} data-versiondate="{work.archived.isoformat()}"'
    return f"<a {attributes}>{escape(_line(work.title))}</a>"


def _names(work: Work) -> list[str]:
    return [name for name in map(_line, work.authors) if name]


def _series(names: Sequence[str], conjunction: str, *, comma: bool = False) -> str:
    """Names one after the other, the last behind the conjunction; before it a comma from three on, or always."""
    if len(names) < 2:
        return "".join(names)
    separator = ", " if comma or len(names) > 2 else " "
    return f"{', '.join(names[:-1])}{separator}{conjunction} {names[-1]}"


def _line(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _ended(sentence: str) -> str:
    """The sentence with a full stop, unless it ends with what is one."""
    return sentence if sentence.rstrip("’")[-1:] in tuple(_ENDS) else f"{sentence}."


def _latex(text: str) -> str:
    return _line(text).translate(_LATEX)


def _url_in_text(url: str) -> str:
    """As `\\url` needs it within a field of text, where `%` would begin a comment."""
    return _address(url).replace("%", r"\%").replace("#", r"\#")


def _wiki(text: str) -> str:
    return _line(text).translate(_WIKI)


def _address(url: str) -> str:
    """The address with nothing in it that ends or opens anything in what is around it."""
    return quote(_line(url), safe=_SAFE)


def _key(document: str) -> str:
    """A name of ASCII letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", fold(document)).strip("-") or "document"
