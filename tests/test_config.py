"""The configuration: where each value is read, and what is said about a wrong one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.config import DEFAULT, FILE, Config, make
from storage.errors import NotAHome, StorageError, UsageError
from storage.keys import KEYS

NOTHING: dict[str, str] = {}


def home(tmp_path: Path, content: str | bytes = "") -> Path:
    (tmp_path / FILE).write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp_path


def load(path: Path, given: dict[str, str] = NOTHING, environment: dict[str, str] = NOTHING) -> Config:
    return Config.load(path, given, environment)


def test_defaults(tmp_path: Path) -> None:
    config = load(home(tmp_path))
    assert (config.operator, config.contact, config.token, config.replay_url) == (None, None, None, None)
    assert (config.time_zone, config.own_sites, config.settings) == ("Asia/Ho_Chi_Minh", False, {})
    assert {one.origin for one in config.values()} == {DEFAULT}


def test_every_key_is_read_from_the_file(tmp_path: Path) -> None:
    config = load(
        home(
            tmp_path,
            'operator = "Thư viện \\"A\\""\ncontact = "https://example.org/luutru"\ntime_zone = "UTC"\n'
            'own_sites = true\ntoken = "t"\nreplay_url = "https://replay.example.org/"\n\n'
            "[settings]\nDOWNLOAD_DELAY = 0.5\n"
            'DERIVE = "off"\nAUTOTHROTTLE_ENABLED = false\nRETRY_HTTP_CODES = [500, 503]\nX = {a = 1}\n',
        )
    )
    assert (config.operator, config.contact, config.own_sites) == ('Thư viện "A"', "https://example.org/luutru", True)
    assert (config.zone.key, config.token, config.replay_url) == ("UTC", "t", "https://replay.example.org/")
    assert config.settings == {
        "DOWNLOAD_DELAY": "0.5",
        "DERIVE": "off",
        "AUTOTHROTTLE_ENABLED": "False",
        "RETRY_HTTP_CODES": "500,503",
        "X": '{"a": 1}',
    }


def test_the_environment_comes_before_the_file_and_the_command_before_both(tmp_path: Path) -> None:
    path = home(tmp_path, 'operator = "file"\ncontact = "file@example.org"\n[settings]\nDERIVE = "on"\nA = 1\nB = 1\n')
    environment = {"LUUTRU_CONTACT": "env@example.org", "LUUTRU_DERIVE": "off", "LUUTRU_B": "2", "OTHER": "x"}
    config = load(path, {"B": "3", "own_sites": "yes"}, environment)
    assert (config.operator, config.contact, config.own_sites) == ("file", "env@example.org", True)
    assert config.settings == {"DERIVE": "off", "A": "1", "B": "3"}
    assert config.origins == {
        "operator": f"{path / FILE}, line 1",
        "contact": "environment LUUTRU_CONTACT",
        "own_sites": "--set",
        "DERIVE": "environment LUUTRU_DERIVE",
        "A": f"{path / FILE}, line 5",
        "B": "--set",
    }


def test_an_empty_variable_leaves_a_key_alone(tmp_path: Path) -> None:
    assert (
        load(home(tmp_path, 'contact = "a@example.org"'), environment={"LUUTRU_CONTACT": ""}).contact == "a@example.org"
    )


def test_the_home_is_no_value(tmp_path: Path) -> None:
    assert load(home(tmp_path), environment={"LUUTRU_HOME": "/x"}).origins == {}


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ('operator = "A"\ncontcat = "a@example.org"\n', 2, "'contcat': did you mean contact?"),
        ("\n\nzzz = 1\n", 3, "keys are operator, contact"),
        ("DOWNLOAD_DELAY = 1\n", 1, "[settings]"),
        ("[settings]\n\ndownload_delay = 1\n", 3, "DOWNLOAD_DELAY"),
        ("settings = 1\n", 1, "[settings]"),
        ("\n[mails]\nx = 1\n", 2, "'mails'"),
        ('\nown_sites = "false"\n', 2, "own_sites must be true or false"),
        ("own_sites = 1\n", 1, "must be true or false"),
        ("contact = 7\n", 1, "text in quotes"),
        ('contact = ""\n', 1, "be left out"),
        ('contact = "nobody"\n', 1, "mail address"),
        ('contact = "a@b.example\\nX-Evil: 1"\n', 1, "one line"),
        ('contact = "https://x.example/)evil"\n', 1, "mail address"),
        ('contact = "https://lưutrữ.vn/"\n', 1, "mail address"),
        ('time_zone = "Asia"\n', 1, "Asia/Ho_Chi_Minh"),
        ('time_zone = "../etc/passwd"\n', 1, "Asia/Ho_Chi_Minh"),
        ('replay_url = "javascript:alert(1)"\n', 1, "http"),
        ('alerts = "json://hidden/"\n', 1, "alerts must be a list"),
        ('alerts = ["json://a/", "hidden"]\n', 1, "as apprise has them"),
        ("\n[alerts]\nx = 'hidden'\n", 2, "alerts must be a list"),
        ('operator = "A"\ncontact = "a@b.example\n', 2, ""),
        ('operator = "A"\n= 3\n', 2, ""),
        ('operator = "A"\noperator = "B"\n', 2, ""),
        ("[settings\nA = 1\n", 1, ""),
        ('operator = """A', 1, ""),
        (b'operator = "A"\ncontact = "\xff"\n', 2, "UTF-8"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, content: str | bytes, line: int, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(home(tmp_path, content))
    assert str(caught.value).startswith(f"{tmp_path / FILE}, line {line}: ")
    assert reason in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert caught.value.status == 2


@pytest.mark.parametrize(
    ("environment", "given", "reason"),
    [
        ({"LUUTRU_CONTCAT": "a@example.org"}, {}, "environment LUUTRU_CONTCAT: unknown name 'contcat'"),
        ({"LUUTRU_CONTACT": "nobody"}, {}, "environment LUUTRU_CONTACT: contact must be"),
        ({"LUUTRU_OWN_SITES": "perhaps"}, {}, "must be true or false"),
        ({}, {"derive": "off"}, "settings are written in capitals, as DERIVE"),
        ({}, {"contcat": "x"}, "--set: unknown name 'contcat': did you mean contact?"),
        ({}, {"time_zone": "Mars"}, "--set: time_zone must be"),
        ({}, {"é": "x"}, "--set: unknown name"),
    ],
)
def test_a_wrong_value_elsewhere_is_named_too(
    tmp_path: Path, environment: dict[str, str], given: dict[str, str], reason: str
) -> None:
    with pytest.raises(UsageError) as caught:
        load(home(tmp_path), given, environment)
    assert reason in str(caught.value)


def test_services_are_a_list_in_the_file_and_words_elsewhere(tmp_path: Path) -> None:
    path = home(tmp_path, 'alerts = ["tgram://1:hidden/2", "json://h/"]\n')
    assert load(path).alerts == ("tgram://1:hidden/2", "json://h/")
    assert load(path, environment={"LUUTRU_ALERTS": "json://a/ json://b/?x=1,2"}).alerts == (
        "json://a/",
        "json://b/?x=1,2",
    )
    (shown,) = (one.value for one in load(path).values() if one.name == "alerts")
    assert shown == ("tgram://********", "json://********")
    assert "hidden" not in repr(load(path))


def test_a_windows_editor_may_have_saved_it(tmp_path: Path) -> None:
    assert load(home(tmp_path, b'\xef\xbb\xbfoperator = "A"\r\ntoken = "b"\r\n')).operator == "A"


def test_secrets_are_masked(tmp_path: Path) -> None:
    config = load(
        home(
            tmp_path, 'token = "hidden"\nreplay_url = "https://me:hidden@r.example/"\n[settings]\nMAIL_PASS="hidden"\n'
        ),
        {"AWS_SECRET_ACCESS_KEY": "https://hidden/", "PROXY": "http://me:hidden@p.example/", "DERIVE": "on"},
    )
    assert "hidden" not in repr(config)
    shown = {one.name: one.value for one in config.values()}
    assert "hidden" not in str(shown)
    assert (shown["token"], shown["replay_url"], shown["DERIVE"]) == ("********", "https://********@r.example/", "on")


@pytest.mark.parametrize("where", ["absent", "below/absent", ""])
def test_a_home_is_made_where_there_is_nothing(tmp_path: Path, where: str) -> None:
    path = tmp_path / where
    assert load(path) == Config()
    assert load(path) == Config()
    assert (path / FILE).is_file()


def test_an_empty_disk_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    load(tmp_path)


def test_a_home_is_made_once(tmp_path: Path) -> None:
    assert make(tmp_path / "x", {"operator": "A"})
    assert not make(tmp_path / "x", {"operator": "B"})
    assert load(tmp_path / "x").operator == "A"


def test_a_directory_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(NotAHome, match="--home"):
        load(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(NotAHome, match="it is a file"):
        load(tmp_path / "x")


def test_a_place_that_cannot_be_written_is_a_storage_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written") as caught:
        load(tmp_path / "file" / "home")
    assert caught.value.status == 4


def test_a_file_that_cannot_be_read_is_a_storage_failure(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(("name", "value"), [("contact", "nobody"), ("operator", "a\nb"), ("operator", "\x7f")])
def test_nothing_is_made_from_a_wrong_value(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"--{name}: {name} must be"):
        make(tmp_path / "x", {name: value})
    assert not (tmp_path / "x").exists()


@given(text=st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"], codec="utf-8"), min_size=1))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("home") / "x"
    try:
        expected = KEYS["operator"].check(text)
    except ValueError:
        return
    make(path, {"operator": text, "own_sites": True})
    config = load(path)
    assert (config.operator, config.own_sites) == (expected, True)


def test_the_file_explains_every_key(tmp_path: Path) -> None:
    make(tmp_path / "x")
    content = (tmp_path / "x" / FILE).read_text("utf-8")
    for name in KEYS:
        assert f"\n# {name} = " in content
    uncommented = content.replace("\n# ", "\n").replace("\n#", "\n")
    assert 'contact = "luutru@example.org"' in uncommented


def test_every_example_is_a_value(tmp_path: Path) -> None:
    make(tmp_path / "x", {name: key.example for name, key in KEYS.items()})
    assert load(tmp_path / "x").contact == "luutru@example.org"


def test_two_that_make_it_at_once_both_have_it(tmp_path: Path) -> None:
    code = f"from pathlib import Path; from storage.config import Config; Config.load(Path({str(tmp_path / 'x')!r}))"
    started = [subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ)) for _ in range(4)]
    assert [one.wait(60) for one in started] == [0, 0, 0, 0]
