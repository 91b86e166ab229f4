"""JSON as RFC 8259 means it, and no more: one reading for every parser that the bytes may meet.

Python's and msgspec's decoders take the last of duplicate members, ``NaN``, lone surrogates and any depth.

*Why marks are counted.* The rules cost a call in Python for each number and each object, on the event loop, for
callers whom nobody knows yet: a mebibyte of ``[1,1,…`` stood still for 0.4 s. Memory and text are cheap, so a body
may be long; what it may not have is more marks (`MAX_MARKS`) than the fullest one that any route could accept.
"""

import json
import math
import re
from itertools import accumulate
from typing import Any, NoReturn

import msgspec

from app.http.errors import MalformedRequest
from domain.errors import Invalid

MAX_DEPTH = 64
MAX_INTEGER = 2**63 - 1
BLANKS = " \t\n\r"
MARKS = b",[]{}\\"
MAX_MARKS = 8192
"""4 KiB of metadata and 1,024 astral characters, every one of them escaped, have 6,144; the rest a few hundred."""

# An unterminated string is taken to the end of the text, so that no input makes the pattern start over: linear time.
STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
NOT_A_BRACKET = re.compile(r"[^\[\]{}]+")
STEP = {"[": 1, "{": 1, "]": -1, "}": -1}


def parse_json(body: bytes) -> Any:
    """The value in *body*; ``MalformedRequest`` names the rule that it breaks, never its contents.

    Raises Invalid for one that is no worse than crowded.
    """
    text = _text(body)
    if len(body) > MAX_MARKS:
        _refuse_crowded(body, text)
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _refuse_deep(text)
    try:
        value = _whole(text)
    except ValueError:  # includes integers of more digits than Python converts
        raise MalformedRequest("the body is not valid JSON") from None
    if "\\u" in text:
        _refuse_unstorable(value)
    return value


def parse_signed_json(body: bytes) -> Any:
    """As `parse_json`, of somebody who has proved who they are: it may be crowded, and of members of one name the last
    counts. A push of many commits has far more marks than `MAX_MARKS`.
    """
    text = _text(body)
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _refuse_deep(text)
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise MalformedRequest("the body is not valid JSON") from None


def _text(body: bytes) -> str:
    if body.startswith(b"\xef\xbb\xbf"):
        raise MalformedRequest("the body starts with a byte order mark")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise MalformedRequest("the body is not UTF-8") from None


def _refuse_crowded(body: bytes, text: str) -> None:
    if len(body) - len(body.translate(None, MARKS)) > MAX_MARKS:
        _refuse_deep(text[:MAX_MARKS])  # a deep one is deep from its beginning
        raise Invalid("", f"has more than {MAX_MARKS} commas, brackets and escapes")


def _refuse_deep(text: str) -> None:
    """Brackets that do not match are the decoder's to refuse: it never gets deeper than they count up to there."""
    brackets = NOT_A_BRACKET.sub("", STRING.sub("", text))
    if max(accumulate(map(STEP.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise MalformedRequest(f"the body is nested deeper than {MAX_DEPTH} levels")


def _refuse_unstorable(value: Any) -> None:
    """Escapes can smuggle in what UTF-8 cannot say and PostgreSQL cannot keep."""
    if isinstance(value, str):
        if "\0" in value:
            raise MalformedRequest("the body holds a NUL character")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise MalformedRequest("the body holds half of a surrogate pair") from None
    elif isinstance(value, dict):
        for name, member in value.items():
            _refuse_unstorable(name)
            _refuse_unstorable(member)
    elif isinstance(value, list):
        for item in value:
            _refuse_unstorable(item)


def _whole(text: str) -> Any:
    """What the decoder's own ``decode`` does, without a pattern for the blanks. Raises ValueError."""
    text = text.strip(BLANKS)
    try:
        value, end = _decoder.scan_once(text, 0)  # type: ignore[attr-defined]  # it has always had it
    except StopIteration:
        raise ValueError("there is no value") from None
    if end != len(text):
        raise ValueError("something follows the value")
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedRequest("the body names a member twice")
    return members


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(number := int(digits)) > MAX_INTEGER:
        raise MalformedRequest("the body holds an integer beyond 64 bits")
    return number


def _fraction(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise MalformedRequest("the body holds a number beyond double precision")
    return number


def _constant(_: str) -> NoReturn:
    raise MalformedRequest("NaN and Infinity are not JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)
