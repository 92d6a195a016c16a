"""A table of request keys that stays small: 24 bytes a slot in three arrays, whatever the number of records."""

from __future__ import annotations

from array import array

_EMPTY = -1


class KeyTable:
    """Maps keys of 32 hexadecimal digits to integers from 0; open addressing, the whole key compared."""

    def __init__(self, expected: int = 0) -> None:
        self._count = 0
        self._make(max(1_024, 1 << (2 * expected - 1).bit_length() if expected else 0))

    def __len__(self) -> int:
        return self._count

    def get(self, key: str) -> int | None:
        """What a key was set to, or None."""
        value = self._value[self._slot(*_halves(key))]
        return None if value == _EMPTY else value

    def set(self, key: str, value: int) -> None:
        """Set a key."""
        if self._count * 3 > self._mask * 2:
            self._grow()
        high, low = _halves(key)
        slot = self._slot(high, low)
        if self._value[slot] == _EMPTY:
            self._count += 1
        self._high[slot], self._low[slot], self._value[slot] = high, low, value

    def _make(self, slots: int) -> None:
        self._mask = slots - 1
        self._high, self._low = array("Q", bytes(8 * slots)), array("Q", bytes(8 * slots))
        self._value = array("q", b"\xff" * (8 * slots))

    def _slot(self, high: int, low: int) -> int:
        slot = low & self._mask
        while self._value[slot] != _EMPTY and (self._high[slot] != high or self._low[slot] != low):
            slot = (slot + 1) & self._mask
        return slot

    def _grow(self) -> None:
        kept = zip(self._high, self._low, self._value, strict=True)
        self._make(2 * (self._mask + 1))
        for high, low, value in kept:
            if value != _EMPTY:
                slot = self._slot(high, low)
                self._high[slot], self._low[slot], self._value[slot] = high, low, value


def _halves(key: str) -> tuple[int, int]:
    number = int(key, 16)
    return number >> 64, number & 0xFFFF_FFFF_FFFF_FFFF
