"""Base 62 with a checksum: what a secret looks like to a person, a log scanner and a typing error.

The digits are `0-9A-Za-z`, the most significant first, padded with `0`. They stand in the order of their code
points, so texts of one length compare as their numbers do. The last six digits of a checked text are the
CRC-32 of everything before them (the scheme of GitHub's tokens). All of it is a wire format.
"""

from zlib import crc32

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
UUID_WIDTH = 22
_UUID_MAX = "7n42DGM5Tflk9n8mt7Fhc7"
CHECKSUM_WIDTH = 6
_VALUES = {digit: value for value, digit in enumerate(DIGITS)}


def encode(number: int, width: int) -> str:
    """Raises OverflowError for a number that does not fit, or is below zero."""
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(DIGITS[digit])
    if number:
        raise OverflowError(f"this does not fit into {width} digits")
    return "".join(reversed(digits))


def decode(text: str) -> int:
    """Raises KeyError for what is no digit."""
    number = 0
    for digit in text:
        number = number * 62 + _VALUES[digit]
    return number


def is_uuid(text: str) -> bool:
    """Whether *text* is the `UUID_WIDTH` digits of 128 bits."""
    return len(text) == UUID_WIDTH and is_digits(text) and text <= _UUID_MAX


def is_digits(text: str) -> bool:
    """True for the empty text."""
    return text.isascii() and (text.isalnum() or not text)


def checked(text: str) -> str:
    """ASCII *text* with its checksum behind it."""
    return text + encode(crc32(text.encode("ascii")), CHECKSUM_WIDTH)


def is_checked(text: str) -> bool:
    """Whether ASCII *text*, digits at its end, ends in the checksum of what stands before."""
    return decode(text[-CHECKSUM_WIDTH:]) == crc32(text[:-CHECKSUM_WIDTH].encode("ascii"))
