"""Quantities in text: a number with a scale word and a unit, for numeric match in vlkit."""

from __future__ import annotations

import re
from typing import NamedTuple

from vleval.metrics.text import vlkit_normal

_SCALES = {
    "k": 1e3,
    "thousand": 1e3,
    "M": 1e6,
    "mn": 1e6,
    "million": 1e6,
    "B": 1e9,
    "bn": 1e9,
    "billion": 1e9,
    "trillion": 1e12,
    "千": 1e3,
    "万": 1e4,
    "百万": 1e6,
    "亿": 1e8,
}
_UNITS: dict[str, tuple[str, float]] = {
    name: (dimension, factor)
    for dimension, table in {
        "length": {
            1e-3: "mm millimeter millimeters millimetre millimetres 毫米",
            1e-2: "cm centimeter centimeters centimetre centimetres 厘米",
            1.0: "m meter meters metre metres 米",
            1e3: "km kilometer kilometers kilometre kilometres 公里 千米",
            0.0254: "in inch inches 英寸",
            0.3048: "ft foot feet 英尺",
            1609.344: "mi mile miles 英里",
        },
        "mass": {
            1e-6: "mg milligram milligrams 毫克",
            1e-3: "g gram grams 克",
            1.0: "kg kilogram kilograms kilo kilos 公斤 千克",
            1e3: "t tonne tonnes 吨",
            0.45359237: "lb lbs pound pounds 磅",
            0.028349523125: "oz ounce ounces 盎司",
        },
        "time": {
            1e-3: "ms millisecond milliseconds 毫秒",
            1.0: "s sec secs second seconds 秒",
            60.0: "min mins minute minutes 分钟",
            3600.0: "h hr hrs hour hours 小时",
            86400.0: "d day days 天",
        },
        "volume": {1e-3: "ml mL milliliter milliliters millilitre millilitres 毫升", 1.0: "l L liter liters litre litres 升"},
        "percent": {1.0: "% percent per-cent 百分"},
        "dollar": {1.0: "$ usd dollar dollars 美元", 0.01: "¢ cent cents 美分"},
        "euro": {1.0: "€ eur euro euros 欧元"},
        "sterling": {1.0: "£ gbp"},
        "yuan": {1.0: "¥ ￥ rmb cny yuan 元 人民币"},
        "celsius": {1.0: "°c ℃ celsius 摄氏度"},
        "fahrenheit": {1.0: "°f ℉ fahrenheit 华氏度"},
    }.items()
    for factor, names in table.items()
    for name in names.split()
}
_NAMES = "|".join(re.escape(name) for name in sorted({*_UNITS, *_SCALES}, key=len, reverse=True))
_QUANTITY = re.compile(
    rf"(?P<currency>[$€£¥￥])?\s*(?P<sign>[-−+])?(?<![\w.])(?P<number>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    rf"(?P<tail>(?:\s*(?:{_NAMES})(?![A-Za-z]))*)",
    re.IGNORECASE,
)
_TAIL = re.compile(rf"(?:{_NAMES})", re.IGNORECASE)


class Quantity(NamedTuple):
    """A number in base units of its dimension; `dimension` is "" for a bare number."""

    value: float
    dimension: str


def quantities(text: str) -> list[Quantity]:
    """Every quantity of a text, in order."""
    return [_quantity(match) for match in _QUANTITY.finditer(text)]


def _quantity(match: re.Match[str]) -> Quantity:
    value = float(match["number"].replace(",", ""))
    if match["sign"] in ("-", "−"):
        value = -value
    dimension = _UNITS[match["currency"]][0] if match["currency"] else ""
    for word in _TAIL.findall(match["tail"]):
        if (scale := _SCALES.get(word) or (None if word in ("m", "b") else _SCALES.get(word.lower()))) is not None:
            value *= scale
        elif not dimension and (unit := _UNITS.get(word) or _UNITS.get(word.lower())):
            dimension, value = unit[0], value * unit[1]
    return Quantity(value, dimension)


def quantity_match(prediction: str, reference: str, *, tolerance: float = 0.0) -> float:
    """1 when the answer's last quantity is the reference's only or last one.

    Units convert within a dimension (3.5 m is 350 cm); different dimensions do not match; a bare number is taken in the other side's
    unit, so "3.5" answers "3.5 m" and "45" answers "45%". A reference without a number is compared as text.
    """
    wanted, given = quantities(reference), quantities(prediction)
    if not wanted:
        return float(vlkit_normal(prediction) == vlkit_normal(reference))
    if not given:
        return 0.0
    target, guess = wanted[-1], given[-1]
    if target.dimension and guess.dimension and target.dimension != guess.dimension:
        return 0.0
    if bool(target.dimension) != bool(guess.dimension):
        target, guess = _bare(reference, target), _bare(prediction, guess)
    allowed = max(tolerance, 1e-9) * max(abs(target.value), 1e-300)
    return float(abs(guess.value - target.value) <= allowed)


def _bare(text: str, quantity: Quantity) -> Quantity:
    """The quantity in the unit it is written in, for a partner that names none."""
    if not quantity.dimension:
        return quantity
    last = list(_QUANTITY.finditer(text))[-1]
    factor = next((unit[1] for word in _TAIL.findall(last["tail"]) if (unit := _UNITS.get(word) or _UNITS.get(word.lower()))), 1.0)
    return Quantity(quantity.value / factor, "")
