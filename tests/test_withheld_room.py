"""No address of the reading room has what is withheld: each route is asked, and what was said before is gone."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from routes import ASKED, paths
from rows import DOCUMENT, LIST, MOMENTS, PDF, URL, filled
from serving import Served, serving

from storage.collection import Collection
from storage.index import withholding

REASON = "Quyết định 12/2026"
SECRET = re.compile(r"592693|\(sửa\)")  # its number, in every address of it; and words of its second version


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(filled(tmp_path_factory.mktemp("room") / "home")) as served:
        yield served


def test_nothing_is_said_of_a_withheld_document(room: Served) -> None:
    asked = ASKED.format(url=quote(URL))
    before = {path: room.get(f"{path}?{asked}") for path in paths()}
    telling = {path for path, answer in before.items() if SECRET.search(answer.text) and answer.status_code < 400}
    assert len(telling) > 20, telling
    collection = Collection.open(room.home)
    with collection.index.write() as connection:
        withholding.withhold(connection, withholding.thing(connection, DOCUMENT), REASON, "an")
    collection.close()
    answers = {path: room.get(f"{path}?{asked}") for path in before}
    assert {path for path, answer in answers.items() if answer.status_code == 500} == set()
    refused = {path for path, answer in answers.items() if answer.status_code == 451}
    assert {"/api/v1/documents/" + quote(DOCUMENT), "/d/" + quote(DOCUMENT), "/address"} <= refused
    assert all(REASON in answers[path].text for path in refused)
    assert {path for path in before.keys() - refused if SECRET.search(without_echo(answers[path].text, asked))} == set()


def without_echo(text: str, asked: str) -> str:
    """Without what was asked: links name it."""
    for echo in (asked, quote(URL), quote(URL, safe=""), quote(URL, safe=":/")):
        text = text.replace(echo, "")
    return text


def test_its_parts_stay(room: Served) -> None:
    assert room.get(f"/d/{quote(f'web:{PDF}')}").status_code == 200
    assert room.get(f"/address?url={quote(LIST)}").status_code == 200
    assert MOMENTS[0][:4] == "2025"
