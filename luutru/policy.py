"""What a browser is told about every answer of the reading room."""

from functools import cache
from types import MappingProxyType


@cache
def headers(replay_origin: str | None) -> MappingProxyType[str, str]:
    """Nothing is loaded from elsewhere, nothing runs, and only the replay may be framed."""
    replay = f" {replay_origin}" if replay_origin else ""
    policy = {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": f"'self' data:{replay}",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "frame-src": replay.strip() or "'none'",
    }
    return MappingProxyType(
        {
            "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",  # `no-referrer` would take the Origin from our own forms
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        }
    )
