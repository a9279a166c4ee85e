"""Small river landscapes, drawn here so that the demo needs no photo of anyone."""

import struct
import zlib
from functools import lru_cache
from math import sin

_SKIES = ((196, 224, 240), (250, 214, 165), (178, 205, 225), (255, 228, 196), (205, 230, 220), (232, 205, 215))
_TREES = ((38, 92, 58), (52, 84, 40), (30, 70, 66), (70, 96, 44))
_SKY, _SKY_LOW, _SUN, _FAR, _TREE, _WATER, _GLINT, _BOAT = range(8)


@lru_cache(maxsize=256)
def landscape(number: int, width: int) -> bytes:
    """A PNG of sky, trees and water, `width` by five eighths of it; each number is another one."""
    height = width * 5 // 8
    rows = (b"\0" + _row(number, y / height, width) for y in range(height))
    palette = b"".join(bytes(colour) for colour in _palette(number))
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
        + _chunk(b"PLTE", palette)
        + _chunk(b"IDAT", zlib.compress(b"".join(rows), 9))
        + _chunk(b"IEND", b"")
    )


def _palette(number: int) -> tuple[tuple[int, int, int], ...]:
    red, green, blue = _SKIES[number % len(_SKIES)]
    tree = _TREES[number % len(_TREES)]
    far = tuple((one + other) // 2 for one, other in zip(tree, (red, green, blue), strict=True))
    low = (min(red + 14, 255), min(green + 10, 255), blue)
    water = (red * 3 // 5, green * 2 // 3, blue * 3 // 4)
    return ((red, green, blue), low, (255, 244, 190), (far[0], far[1], far[2]), tree, water, low, (72, 48, 36))


def _row(number: int, y: float, width: int) -> bytes:
    if y >= 0.62:
        return _water(number, y, width)
    if y < 0.3:
        return _sun(number, y, width, _SKY)
    if y < 0.4:
        return _sun(number, y, width, _SKY_LOW)
    step = 10 / width
    return bytes(
        _TREE
        if y > 0.56 + 0.03 * sin(x * step + number) + 0.02 * sin(x * step * 5.1 + number * 2)
        else _FAR
        if y > 0.49 + 0.04 * sin(x * step * 0.7 + number * 3)
        else _SKY_LOW
        for x in range(width)
    )


def _sun(number: int, y: float, width: int, sky: int) -> bytes:
    half = 0.0064 - (y - 0.22) ** 2
    return _band(width, sky, _SUN, 0.2 + number * 0.37 % 0.6, half**0.5 * 0.6 if half > 0 else 0.0)


def _water(number: int, y: float, width: int) -> bytes:
    if 0.74 < y < 0.79:
        return _band(width, _WATER, _BOAT, 0.3 + number * 0.29 % 0.4, 0.22 - (y - 0.74) * 1.2)
    return _band(width, _WATER, _GLINT, sin(y * 90 + number) * 0.5 + 0.5, 0.04 if int(y * 80) % 5 == 0 else 0.0)


def _band(width: int, ground: int, colour: int, middle: float, half: float) -> bytes:
    start, end = (min(max(round(width * at), 0), width) for at in (middle - half, middle + half))
    return bytes([ground]) * start + bytes([colour]) * (end - start) + bytes([ground]) * (width - end)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
