from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from vleval.inference.keys import KeyTable

KEYS = st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}") | st.integers(0, 40).map(lambda high: f"{high << 64:032x}")


@given(st.lists(st.tuples(KEYS, st.integers(0, 2**62)), max_size=200))
def test_a_table_is_a_dictionary(pairs: list[tuple[str, int]]) -> None:
    table, plain = KeyTable(), dict(pairs)
    for key, value in pairs:
        table.set(key, value)
    assert len(table) == len(plain)
    assert all(table.get(key) == value for key, value in plain.items())
    assert table.get("f" * 31 + "e") == plain.get("f" * 31 + "e")


def test_it_grows_past_what_was_expected_and_costs_little() -> None:
    table = KeyTable(10)
    keys = [f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}" for number in range(5_000)]
    for place, key in enumerate(keys):
        table.set(key, place)
    assert [table.get(key) for key in keys] == list(range(5_000))
    assert sum(sys.getsizeof(part) for part in (table._high, table._low, table._value)) <= 5_000 * 24 * 3.4
