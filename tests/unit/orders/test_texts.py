"""Texts as people write them are taken, also with letters that are younger than the server's Python."""

import pytest

from services.orders.texts import is_key, is_name, is_note, is_text

YOUNGER = "\U0001fa77\U0001fae8\U000323b0\U0001fadf"  # Unicode 15, 15, 15 and 16
OLDER = "Mug \U0001f9e1 für Ödön"


@pytest.mark.parametrize("text", [YOUNGER, f"Mug {YOUNGER}", OLDER])
def test_letters_of_every_unicode_are_taken(text: str) -> None:
    assert is_name(text, 255)
    assert is_note(text + "\n" + text, 255)
    assert is_text(text, 255)
    assert is_key(text)


@pytest.mark.parametrize("letter", ["\0", "\x1f", "\x7f", "\u0085", "\ud800", "\u2028", "\u202e", "\ue000"])
@pytest.mark.parametrize("rest", ["", YOUNGER, OLDER])
def test_what_can_not_be_stored_or_shown_is_refused(letter: str, rest: str) -> None:
    for text in (rest + letter, letter + rest):
        assert not is_name(text, 255)
        assert not is_note(text, 255)
        assert not is_text(text, 255)
        assert not is_key(text)
