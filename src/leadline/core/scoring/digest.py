"""What a scoring came to, in 64 hexadecimal digits: equal for equal scores and ledgers, whoever computed them.

Each record has one SHA-256, over its canonical lines (`canonical.py`). A digest is the sum of those numbers, so it
depends on no order and no partition, chunks are added, and a record that is scored anew is taken out and put in.
The format is normative: `docs/scoring.md`, section Digest.

It finds differences. It is no proof against somebody who may choose the rows: sums of hashes can be steered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

BITS = 256
_MODULUS = 1 << BITS


@dataclass(frozen=True, slots=True)
class Digest:
    """Of so many records: the sum of their hashes, modulo 2^256. `str` is 64 hexadecimal digits."""

    total: int = 0
    records: int = 0

    def __add__(self, other: Digest) -> Digest:
        return Digest((self.total + other.total) % _MODULUS, self.records + other.records)

    def __sub__(self, other: Digest) -> Digest:
        return Digest((self.total - other.total) % _MODULUS, self.records - other.records)

    def __str__(self) -> str:
        return f"{self.total:064x}"


def of_messages(messages: Iterable[bytes]) -> Digest:
    """The digest of records whose lines have been joined already."""
    total = records = 0
    for message in messages:
        total += int.from_bytes(sha256(message).digest(), "big")
        records += 1
    return Digest(total % _MODULUS, records)
