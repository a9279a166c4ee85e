"""What `deploy/` and `docs/operations.md` say is what there is, and is read by those for whom it is made."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from luutru.cli import luutru
from schedules.jobs import WORK

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
HOME = "/srv/luutru"


def sections(unit: Path) -> dict[str, dict[str, list[str]]]:
    """The settings of a unit by section and name, each with its values."""
    found: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in unit.read_text().splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header[1]
        elif line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            assert equals, line
            found.setdefault(section, {}).setdefault(name, []).append(value)
    return found


def commands() -> Iterator[str]:
    """Every `luutru …` that a person or a machine is told to run."""
    for unit in UNITS:
        yield from sections(unit)["Service"]["ExecStart"]
    yield from (" ".join(("luutru", *job.command)) for job in WORK)
    for text in ((ROOT / "docs" / "operations.md").read_text("utf-8"), (DEPLOY / "Containerfile").read_text()):
        for line in text.splitlines():
            if "useradd" in line or "install -d" in line:
                continue
            if line.startswith("    ") and (
                found := re.search(r"(?:^|[ /])(luutru (?!luutru)[a-z-].*?)(?:  +#.*)?$", line)
            ):
                yield found[1]


def parse(words: list[str]) -> None:
    """Fails where a command has no such name, option or argument."""
    command: click.Command = luutru
    while isinstance(command, click.Group):
        context = click.Context(command)
        while words[0] == "--home":
            words = words[2:]
        found = command.get_command(context, words[0])
        assert found, words
        command, words = found, words[1:]
    command.make_parser(click.Context(command)).parse_args(list(words))


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_what_is_told_to_be_run_can_be_run(line: str) -> None:
    parse(line.split()[1:])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_has_no_rights_and_may_write_the_archive_alone(unit: Path) -> None:
    service = sections(unit)["Service"]
    assert (service["User"], service["Environment"]) == (["luutru"], [f"LUUTRU_HOME={HOME}"])
    assert service["NoNewPrivileges"] == ["yes"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["CapabilityBoundingSet"] == [""]
    (writable,) = service["ReadWritePaths"]
    assert writable.split() == [HOME] + (["/mnt/backup"] if "backup" in unit.name else [])


@pytest.mark.parametrize("unit", [*UNITS, *DEPLOY.glob("*.timer")], ids=lambda unit: unit.name)
def test_systemd_reads_it(unit: Path, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze")
    for one in (*UNITS, *DEPLOY.glob("*.timer")):  # a program that is here, and the user that runs this
        text = one.read_text().replace("/opt/luutru/bin/luutru", str(Path(sys.executable).with_name("luutru")))
        (tmp_path / one.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(tmp_path / unit.name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert [line for line in done.stderr.splitlines() if unit.name in line or str(tmp_path) in line] == []
    assert done.returncode == 0, done.stderr


def test_a_daemon_that_is_stopped_has_time_to_stop_its_crawls() -> None:
    from schedules.sending import PATIENCE
    from schedules.supervisor import GRACE

    service = sections(DEPLOY / "luutru-schedule.service")["Service"]
    assert service["KillMode"] == ["mixed"]  # its crawls are told by the daemon, not by systemd as well
    assert float(service["TimeoutStopSec"][0]) > 2 * GRACE + 4 * PATIENCE


def test_nginx_reads_its_configuration(tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("needs nginx")
    names = ["archive.example.org", "replay.example.org"]
    text = (DEPLOY / "nginx.conf").read_text()
    for name in names:
        key, certificate = tmp_path / f"{name}.key", tmp_path / f"{name}.crt"
        certify(key, certificate, name)
        place = f"/etc/letsencrypt/live/{name}"
        text = text.replace(f"{place}/fullchain.pem", str(certificate)).replace(f"{place}/privkey.pem", str(key))
    text = (
        text.replace("listen 80;", "listen 127.0.0.1:18480;")
        .replace("443 ssl;", "18443 ssl;")
        .replace("[::]:80", "[::]:18480")
    )
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{text}\n}}\n"
    )
    done = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr
    upstreams = re.findall(r"server_name ([\w.]+);.*?proxy_pass http://127\.0\.0\.1:(\d+)", text, re.DOTALL)
    assert upstreams == [(names[0], "8000"), (names[1], "8081")]


def certify(key: Path, certificate: Path, name: str) -> None:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    own = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(called).issuer_name(called).public_key(own.public_key())
    made = made.serial_number(1).not_valid_before(datetime.now(UTC)).not_valid_after(datetime.now(UTC) + timedelta(1))
    certificate.write_bytes(made.sign(own, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key.write_bytes(own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))


def test_the_container_has_what_the_package_needs() -> None:
    lines = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    said = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    assert {word for word, _ in said} <= {
        *("FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK"),
        *("ENTRYPOINT", "CMD"),
    }
    copied = {name for word, rest in said if word == "COPY" and "--from" not in rest for name in rest.split()[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    packages = re.search(r"packages = \[(.*?)\]", (ROOT / "pyproject.toml").read_text())
    assert packages is not None
    assert copied >= set(re.findall(r'"(\w+)"', packages[1])) | {"pyproject.toml", "constraints.txt"}
    order = [word for word, _ in said]
    assert order.index("USER") < order.index("ENTRYPOINT")
    assert ["USER", "luutru"] in said
    assert ["CMD", '["schedule", "serve"]'] in said
