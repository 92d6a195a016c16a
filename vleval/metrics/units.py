"""Words behind a number: scales, and units with their dimension and their factor to its base."""

from __future__ import annotations

SCALES = {
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
        },
        "volume": {1e-3: "ml mL milliliter milliliters millilitre millilitres 毫升", 1.0: "l L liter liters litre litres 升"},
        "percent": {1.0: "% percent per-cent pct percentage 百分 ％"},
        "dollar": {1.0: "$ usd dollar dollars buck bucks 美元 美金 刀", 0.01: "¢ cent cents 美分"},
        "euro": {1.0: "€ eur euro euros 欧元", 0.01: "eurocent eurocents"},
        "sterling": {1.0: "£ gbp sterling quid 英镑", 0.01: "pence"},
        "yuan": {1.0: "¥ ￥ rmb cny yuan jpy yen 元 块 人民币 日元"},
        "rupee": {1.0: "₹ inr rupee rupees 卢比"},
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
