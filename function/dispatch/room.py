"""The room for the readings of a text. What does not fit is not read, and no work is done for it."""

from __future__ import annotations


class Room:
    """How many characters may still be read."""

    def __init__(self, characters: int) -> None:
        self.left = characters
        self.is_short = False
        """Whether something was left out."""

    def has_some(self) -> bool:
        """Returns whether there is room for more. Call this only if there is more to read."""
        self.is_short |= self.left <= 0
        return self.left > 0

    def fit(self, text: str) -> str:
        """Returns as much of the text as there is room for."""
        if len(text) <= self.left:
            return text
        self.is_short = True
        return text[: self.left]

    def take(self, text: str) -> str:
        """Returns the same as `fit`, and uses this room up."""
        kept = self.fit(text)
        self.left -= len(kept)
        return kept
