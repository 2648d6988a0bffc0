"""Texts as clients send them: which can be stored, looked for and shown."""

import unicodedata

# Categories of Unicode. Not Cn: what this Python doesn't know yet is a letter or an emoji of a newer Unicode.
NO_NAME = {"Cc", "Cs", "Co", "Zl", "Zp"}
UNKNOWN = "Cn"
TURNS_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
LONGEST_KEY = 255
OF_A_PARAGRAPH = frozenset("\t\n\r")


def is_text(text: str, longest: int) -> bool:
    """Printable, so without NUL and lone surrogates, which can't be stored: for numbers and keys."""
    return 1 <= len(text) <= longest and _is_printable(text) and not text.isspace()


def is_key(text: str) -> bool:
    """A client's own key, by which it asks for the same again: printable, so that it can be stored."""
    return 1 <= len(text) <= LONGEST_KEY and _is_printable(text)


def _is_printable(text: str) -> bool:
    """As `str.isprintable` of the newest Python says it, for all that it may know."""
    return text.isprintable() or all(
        letter.isprintable() or unicodedata.category(letter) == UNKNOWN for letter in text
    )


def is_name(text: str, longest: int) -> bool:
    """Text as people write it: with no-break spaces, and with the joiners of Persian and of emoji.

    Without what no line of text holds (controls, ends of lines, lone surrogates) and what turns its direction.
    """
    if not 1 <= len(text) <= longest or text.isspace():
        return False
    return text.isprintable() or not any(map(_is_no_name, text))


def is_note(text: str, longest: int) -> bool:
    """The same in several lines, as people write to each other."""
    if not 1 <= len(text) <= longest or text.isspace():
        return False
    return text.isprintable() or not any(_is_no_name(each) for each in text if each not in OF_A_PARAGRAPH)


def _is_no_name(letter: str) -> bool:
    return unicodedata.category(letter) in NO_NAME or letter in TURNS_DIRECTION
