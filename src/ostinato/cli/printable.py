"""Text of others as a terminal may show it: control characters are named rather than obeyed."""

from __future__ import annotations

_NEWLINE, _TAB, _RETURN = 10, 9, 13
_CONTROLS = {*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)} - {_NEWLINE, _TAB}
"""Those of ASCII and Latin-1, among them what begins an escape sequence, and those that turn the direction of what is read."""
_NAMED: dict[int, str | None] = {code: ascii(chr(code))[1:-1] for code in _CONTROLS} | {_RETURN: None}


def printable(text: str) -> str:
    r"""The text, without power over the terminal.

    >>> printable("\x1b]0;title\x07 of\r\nlines")
    '\\x1b]0;title\\x07 of\nlines'
    """
    return text.translate(_NAMED)
