"""The reading room as a server: what it answers to whom, over a real socket."""

import pytest
from serving import Served


def test_it_answers(served: Served) -> None:
    assert served.json("/api/v1/stats")["documents"] == 2


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/nothing.json"])
def test_machines_are_told_what_is_wrong_in_one_shape(served: Served, path: str) -> None:
    response = served.get(path)
    assert response.status_code == 404
    assert response.json() == {"error": {"status": 404, "code": "not-found", "message": f"GET {path}: not found"}}


def test_people_are_told_what_is_wrong_by_a_page(served: Served) -> None:
    response = served.get("/nothing")
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")


def test_it_answers_only_to_its_names(served: Served) -> None:
    response = served.get("/api/v1/stats", Host="evil.example")
    assert response.status_code == 421
    assert response.json()["error"]["code"] == "wrong-host"
