"""pywb as the replay: what of ours runs in its environment, where nothing else of ours is installed.

Started as `python -I app.py SETTINGS`, where SETTINGS is JSON: `home`, `room` (origin of the reading room, which
answers us), `shown_in` (its origin as browsers call it), `url` (of the replay, as they call it), `host` and `port`.
"""

# ruff: noqa: E402  # gevent must be first
from gevent.monkey import patch_all

patch_all()

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gevent.pywsgi import WSGIServer
from pywb.apps.frontendapp import FrontEndApp
from pywb.utils.geventserver import RequestURIWSGIHandler

Headers = list[tuple[str, str]]
_TAKEN_AWAY = {  # what archived servers said to browsers of their own origin, and pywb of its
    "clear-site-data",
    "content-security-policy",
    "content-security-policy-report-only",
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "nel",
    "permissions-policy",
    "referrer-policy",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
    "set-cookie",
    "x-frame-options",
}


class Origin:
    """pywb, with what keeps archived pages within their origin."""

    def __init__(self, app: Callable[..., Iterable[bytes]], said: dict[str, Any]) -> None:
        self.app = app
        self.room = said["shown_in"]
        self.host = urlsplit(said["url"]).hostname
        self.added = [(name, value) for name, value in _told(said["shown_in"]).items()]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""

        def begin(status: str, headers: Headers, *error: Any) -> Any:
            kept = [(name, value) for name, value in headers if name.lower() not in _TAKEN_AWAY]
            return start_response(status, kept + self.added, *error)

        def refuse(status: str, sentence: str, *headers: tuple[str, str]) -> list[bytes]:
            begin(status, [("Content-Type", "text/plain; charset=utf-8"), *headers])
            return [f"{sentence}\n".encode()]

        if urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname != self.host:
            return refuse("421 Misdirected Request", f"archived pages are shown under the name {self.host} only")
        if environ.get("HTTP_SERVICE_WORKER"):  # it would stay, and see all other archived pages
            return refuse("403 Forbidden", "archived pages may not install service workers")
        if environ["PATH_INFO"] == "/":
            return refuse("302 Found", "the reading room lists what there is", ("Location", f"{self.room}/"))
        return self.app(environ, begin)


def _told(room: str) -> dict[str, str]:
    """What browsers are told with every answer: nothing is loaded from elsewhere, and only the room may frame it."""
    policy = {
        "default-src": "'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'self'",
        "frame-ancestors": f"'self' {room}",  # itself: frames of archived pages
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Resource-Policy": "cross-origin",  # the reading room shows archived images
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "same-origin",
        "X-DNS-Prefetch-Control": "off",
    }


def files(home: Path) -> Callable[[str, Any], list[str]]:
    """Where pywb finds the WARC file that a line of the index names: sealed, or still being written."""

    def find(name: str, _line: Any) -> list[str]:
        if ".." in name.split("/") or name.startswith("/"):
            return []
        return [str(home / name), str(home / f"{name}.open")]

    return find


def configuration(said: dict[str, Any]) -> dict[str, Any]:
    """pywb's, with one collection at its root."""
    cdx = f"{said['room']}/cdx?url={{url}}&closest={{closest}}&sort=closest&resolveRevisits=true"
    return {
        "collections": {
            "$root": {
                "index": {"type": "cdx", "api_url": cdx, "replay_url": ""},  # without one, it asks nobody but us
                "archive_paths": [files(Path(said["home"]))],
            }
        },
        "enable_auto_colls": False,
        "enable_memento": True,
        "framed_replay": False,
        "query_limit": 10_000,
        "room": said["shown_in"],
    }


def main() -> None:
    """Serve until the process is ended."""
    said = json.loads(sys.argv[1])
    os.chdir(Path(__file__).parent)  # where pywb finds our templates
    os.environ.pop("PYWB_CONFIG_FILE", None)
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"  # all that it asks for is on this machine
    app = FrontEndApp(config_file=os.devnull, custom_config=configuration(said))
    app.warcserver_server.server.log = None  # what it asks itself is nobody's news
    server = WSGIServer((said["host"], said["port"]), Origin(app, said), handler_class=RequestURIWSGIHandler, log=None)
    try:
        server.init_socket()
    except OSError as error:
        reason = str(error.strerror).partition(": (")[0]  # without the address, which gevent adds
        told = f"cannot listen at {said['host']}, port {said['port']}: {reason}; choose another with --port or --host"
        print(f"luutru: {told}", file=sys.stderr)  # noqa: T201
        sys.exit(2)  # as for any wrong option
    print(f"archived pages are shown at {said['url']}", flush=True)  # noqa: T201
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
