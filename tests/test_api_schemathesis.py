"""Whatever the OpenAPI document lets a program ask, the API answers as it says, and never with 500."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from rows import filled
from schemathesis import Case
from schemathesis.checks import positive_data_acceptance
from serving import Served, serving

from luutru.limits import Limits, Rate
from luutru.server import openapi

UNLIMITED = Limits(searches=Rate(1_000_000, 1_000_000), wrong_tokens=Rate(1_000_000, 1_000_000))


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = filled(tmp_path_factory.mktemp("tried"))
    (home / "luutru.toml").write_text('token = "a long random text"\n')
    with serving(home, limits=UNLIMITED) as room:
        yield room


schema = schemathesis.openapi.from_dict(openapi())


@schema.parametrize()
@settings(
    max_examples=15,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_address_answers_as_it_is_declared(tried: Served, case: Case) -> None:
    # What a schema cannot say is refused too: a cursor that nobody gave, a date that is none.
    token = {"Authorization": "Bearer a long random text"} if "/acts/" in case.path else None
    case.call_and_validate(base_url=tried.url, headers=token, excluded_checks=[positive_data_acceptance])
