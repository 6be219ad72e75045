"""Short codes that survive being read over a bad telephone line."""

from __future__ import annotations

import secrets

# No 0/O, 1/I/L, B/8, Q or U: each is taken for another when read aloud or written by hand.
ALPHABET = "23456789ACDEFGHJKMNPRSTVWXYZ"


def make(length: int = 6) -> str:
    """A random code. 28 characters: 4 give 614,656 codes, 6 give 481 million."""
    found = ""
    while len(found) < length:  # one byte gives a letter; the last four of 256 would make four letters likelier
        found += "".join(ALPHABET[byte % 28] for byte in secrets.token_bytes(length) if byte < 252)
    return found[:length]


def read(text: str) -> str:
    """A code as people type it: any case, with spaces and dashes anywhere; characters no code has are dropped."""
    return "".join(c for c in text.upper() if c in ALPHABET)
