"""Words behind a number: scales, and units with their dimension and their factor to its base; squares, cubes, rates."""

from __future__ import annotations

import re
from typing import NamedTuple

SCALES = {
    "hundred": 1e2,
    "k": 1e3,
    "thousand": 1e3,
    "M": 1e6,
    "mn": 1e6,
    "million": 1e6,
    "B": 1e9,
    "bn": 1e9,
    "billion": 1e9,
    "trillion": 1e12,
    "tn": 1e12,
    "crore": 1e7,
    "lakh": 1e5,
    "dozen": 12.0,
    "mil": 1e6,
    "百": 1e2,
    "千": 1e3,
    "万": 1e4,
    "百万": 1e6,
    "十万": 1e5,
    "千万": 1e7,
    "亿": 1e8,
    "万亿": 1e12,
}
UNITS: dict[str, tuple[str, float]] = {
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
            604800.0: "week weeks wk wks 周 星期",
            2629800.0: "month months mo mos 个月",
            31557600.0: "year years yr yrs 年 岁",
        },
        "length3": {1e-6: "ml mL milliliter milliliters millilitre millilitres 毫升", 1e-3: "l L liter liters litre litres 升"},
        "length2": {1e4: "ha hectare hectares 公顷", 4046.8564224: "acre acres 英亩"},
        "length/time": {1609.344 / 3600: "mph", 1 / 3.6: "kph kmh kmph"},
        "data": {1.0: "byte bytes", 1e3: "kb", 1e6: "mb", 1e9: "gb", 1e12: "tb"},
        "data/time": {1e3: "kbps", 1e6: "mbps", 1e9: "gbps"},
        "frequency": {1.0: "hz", 1e3: "khz", 1e6: "mhz", 1e9: "ghz", 1 / 60: "rpm"},
        "power": {1.0: "W watt watts 瓦", 1e3: "kW kilowatt kilowatts 千瓦", 1e6: "MW megawatt megawatts", 1e9: "GW"},
        "energy": {1.0: "J joule joules", 1e3: "kJ", 3.6e3: "Wh", 3.6e6: "kWh", 3.6e9: "MWh", 3.6e12: "GWh", 4184.0: "kcal kcals"},
        "voltage": {1e-3: "mV", 1.0: "V volt volts 伏", 1e3: "kV"},
        "percent": {1.0: "% percent per-cent pct percentage 百分 ％"},
        "dollar": {1.0: "$ dollar dollars buck bucks", 0.01: "¢ cent cents 美分"},
        "dollar US": {1.0: "usd us$ 美元 美金 刀"},
        "dollar CA": {1.0: "cad c$ ca$ 加元"},
        "dollar AU": {1.0: "aud a$ au$ 澳元"},
        "dollar HK": {1.0: "hkd hk$ 港元 港币"},
        "dollar TW": {1.0: "twd nt$"},
        "dollar SG": {1.0: "sgd s$"},
        "real": {1.0: "brl r$ reais"},
        "euro": {1.0: "€ eur euro euros 欧元", 0.01: "eurocent eurocents"},
        "sterling": {1.0: "£ gbp sterling quid 英镑", 0.01: "pence"},
        "¥": {1.0: "¥ ￥"},
        "yuan": {1.0: "rmb cny yuan 元 块 人民币"},
        "yen": {1.0: "jpy yen 日元 円"},
        "rupee": {1.0: "₹ inr rs rs. rupee rupees 卢比"},
        "won": {1.0: "₩ krw won 韩元"},
        "ruble": {1.0: "₽ rub ruble rubles"},
        "lira": {1.0: "₺"},
        "baht": {1.0: "฿ thb baht"},
        "angle": {1.0: "° deg degree degrees 度"},
        "celsius": {1.0: "°c ℃ celsius 摄氏度"},
        "fahrenheit": {1.0: "°f ℉ fahrenheit 华氏度"},
    }.items()
    for factor, names in table.items()
    for name in names.split()
}

# Money, and what a sign or word may stand for next to its own dimension.
CURRENCIES = frozenset(dimension for dimension, _ in UNITS.values() if dimension.startswith("dollar")) | {
    *("real", "euro", "sterling", "¥", "yuan", "yen", "rupee", "won", "ruble", "lira", "baht")
}
_MAY_BE = (("¥", {"yuan", "yen"}), ("mass", {"sterling"}), *(("dollar", {name}) for name in CURRENCIES if name.startswith("dollar ")))
_NAMES = "|".join(re.escape(name) for name in sorted({*UNITS, *SCALES}, key=len, reverse=True))
_RAISED = r"(?:[ ]?(?:²|³|\^[ ]?\{?[23]\}?)|[23](?![\d.]))?"
_BEFORE = r"(?:(?:square|sq\.?|cubic|cu\.?)[ ]|平方|立方)?"
_WORD = rf"{_BEFORE}(?:{_NAMES}){_RAISED}(?![A-Za-z²³])"
_PARTS = re.compile(rf"(?P<per>/[ ]?|\bper[ ]|每)?(?P<before>{_BEFORE})(?P<name>{_NAMES})(?P<raised>{_RAISED})", re.IGNORECASE)


class Unit(NamedTuple):
    """What stands behind a number.

    Attributes:
        dimension: as "length", "length2" or "length/time"; "" for none.
        factor: what the number is multiplied by, scale words included.
        own: of this, the unit's part.
    """

    dimension: str = ""
    factor: float = 1.0
    own: float = 1.0


def tail(name: str) -> str:
    """A pattern of the scale words and units behind a number, up to three and one that they are per, as the group `name`."""
    return rf"(?P<{name}>(?:[ \t]{{0,3}}-?{_WORD}){{0,3}}(?:(?:[ ]?/[ ]?|[ ]per[ ]|每){_WORD})?)"


def unit_of(words: str | None, currency: str = "") -> Unit:
    """The unit that words behind a number, or a sign or code of money before it, stand for."""
    dimension, factor, own = "", 1.0, 1.0
    if currency:
        dimension = UNITS.get(currency.lower().replace("us$", "usd"), ("", 1.0))[0]
    for part in _PARTS.finditer(words or ""):
        name = part["name"]
        scale = _scale(name, money=bool(currency))
        unit = UNITS.get(name) or UNITS.get(name.lower())
        if scale is not None and (not dimension or currency) and not part["per"]:
            factor *= scale
        elif unit and part["per"]:
            if dimension:
                below, times = _raised(unit, part["before"] + part["raised"])
                dimension, factor, own = f"{dimension}/{below}", factor / times, own / times
        elif unit and (dimension in ("", "angle") or (currency and unit[0] in CURRENCIES)):
            dimension, own = _raised(unit, part["before"] + part["raised"])
            factor *= own
    return Unit(dimension, factor, own)


def _scale(name: str, *, money: bool) -> float | None:
    """The factor of a scale word; "m" and "b" are scales of money alone."""
    if money and name in ("m", "b"):
        return SCALES[name.upper()]
    return SCALES[name] if name in SCALES else None if name in ("m", "b") else SCALES.get(name.lower())


def _raised(unit: tuple[str, float], marks: str) -> tuple[str, float]:
    """A unit squared or cubed, as the words and marks around it say."""
    power = 2 if any(mark in marks.lower() for mark in ("sq", "平", "²", "2")) else 3 if marks.strip() else 1
    return unit if power == 1 or unit[0] != "length" else (f"length{power}", unit[1] ** power)


def same_kind(one: str, other: str) -> bool | None:
    """Whether two dimensions are one; None where a sign or word of one may stand for the other, or only one says per what a price is."""
    if one == other:
        return True
    for first, second in ((one, other), (other, one)):
        if any(first == sign and second in meant for sign, meant in _MAY_BE):
            return None
        if first in CURRENCIES and second.startswith(first + "/"):
            return None
    return False
