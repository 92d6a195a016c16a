r"""Numbers in text, as things that can be compared: quantities, dates, times, ratios, ranges.

Read: digits of any script, groups by comma, blank, apostrophe, full stop or the Indian custom, a decimal comma where it is clear, signs,
exponents (`1.5e3`, `2 x 10^3`, `2×10³`), fractions (`3/4`, `1 1/2`, `½`, `\frac{3}{4}`), scale words, units, currencies, percent, feet and
inches, number words and Chinese numerals. A date, time, ratio or range is one value, not several numbers.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

from vleval.metrics.number_words import MONTHS, WORD_NUMBER, value_of_words
from vleval.metrics.unicode_number import parse_number
from vleval.metrics.units import tail, unit_of

Kind = Literal["number", "date", "time", "ratio", "range"]


class Value(NamedTuple):
    """One thing a text gives a number for.

    Attributes:
        kind: what it is.
        parts: one number in base units; year, month and day (0: not told); seconds, or a ratio's terms; both ends of a range.
        dimension: of a quantity; "" for a bare number.
        factor: of its unit, to take the number in the unit it is written in.
        other: the number read by the other custom, where a comma may be decimal ("1,234"); None where it is clear.
    """

    kind: Kind
    parts: tuple[float, ...]
    dimension: str = ""
    factor: float = 1.0
    other: float | None = None


_DIGITS = (
    r"(?:\d{1,3}(?:,\d{2,3})+(?:\.\d+)?"  # 1,234.5 and 12,34,567
    r"|\d{1,3}(?:[\u00a0\u202f\u2009'’]\d{3})+(?:[.,]\d+)?|\d{1,3}(?: \d{3})+(?:[.,]\d{1,2})?(?!\d|[.,]\d)"  # 1'234, 1 234
    r"|\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|\d{1,3}(?:\.\d{3})+,\d+"  # 1.234.567, 1.234,5
    r"|(?<![(\[,])\d+,\d{1,2}(?![\d,)\]])"  # 3,5
    r"|\d+(?:\.\d+)?|\.\d+)"
)
_RAISED = r"(?:\^[ ]?[({]?[-+−]?\d{1,3}[)}]?|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})"
_EXPONENT = rf"(?:[eE][-+]?\d{{1,3}}(?![A-Za-z0-9_]|\.\d)|[ \t]{{0,3}}(?:[x×*·]|\\times|\\cdot)[ \t]{{0,3}}10[ \t]{{0,2}}{_RAISED})"
_SIGN = r"(?:[-−–+]|\b(?:minus|negative)[ \t]{1,3}|零下)"
_CURRENCY = r"(?:(?:US|AU?|CA?|HK|NT|S|R)\$|[$€£¥￥₹₩₽₺฿]|\b(?:USD|CAD|AUD|HKD|SGD|TWD|EUR|GBP|JPY|CNY|RMB|INR|KRW|BRL|Rs\.?))"
# Behind a letter of Latin, Greek or Cyrillic a digit is part of a name, and behind `^` an exponent; scripts without blanks say "有3只".
_START = r"(?<![A-Za-z0-9_.^\u00c0-\u052f])(?<!\^[{(])"
_YEAR = r"\d{4})(?!\d)"
_MONTH = "|".join(MONTHS)
_HAN = "〇零一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟"
_DASH = r"(?:[-–—~～至到]|\bto\b)"
_INCH = r"(?:\"|″|”|''|in\b\.?|inch(?:es)?)"
_FOOT = r"(?:'|′|’|ft\b\.?|feet|foot)"
# The first that fits at a place is taken: whole dates, times, ranges and fractions before the numbers in them.
_FORMS = (
    rf"{_START}(?P<iso>(?P<y1>\d{{4}})(?P<s1>[-/.])(?P<m1>\d{{1,2}})(?P=s1)(?P<d1>\d{{1,2}})(?!\d))",
    r"(?P<zh>(?P<y2>\d{4})[ ]?年(?:[ ]?(?P<m2>\d{1,2})[ ]?月(?:[ ]?(?P<d2>\d{1,2})[ ]?[日号])?)?"
    r"|(?<!\d)(?P<m3>\d{1,2})[ ]?月[ ]?(?P<d3>\d{1,2})[ ]?[日号])",
    rf"{_START}(?P<slashed>(?P<a>\d{{1,2}})(?P<s2>[-/.])(?P<b>\d{{1,2}})(?P=s2)(?P<y4>{_YEAR})",
    rf"\b(?P<written>(?P<mon1>{_MONTH})\b\.?[ ]{{1,2}}"
    rf"(?:(?P<d5>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?[ ]{{1,2}}(?P<y5>{_YEAR})?|(?P<y6>{_YEAR}))",
    rf"(?<!\d)(?P<dayfirst>(?P<d7>\d{{1,2}})(?:st|nd|rd|th)?[ ]{{1,2}}(?:of[ ])?(?P<mon2>{_MONTH})\b\.?(?:,?[ ]{{1,2}}(?P<y7>{_YEAR})?)",
    rf"{_START}(?P<colon>(?P<c1>\d{{1,6}}(?:\.\d+)?)[ ]?[:：∶][ ]?(?P<c2>\d{{1,6}}(?:\.\d+)?)"
    r"(?:[:：](?P<c3>\d{1,6}(?:\.\d+)?))?(?P<ampm>[ ]?[ap]\.?m\b\.?)?)",
    rf"{_START}(?P<feet>(?P<ft>\d{{1,6}})[ ]?{_FOOT}[ ]?,?[ ]?(?:and[ ])?(?P<inch>\d{{1,3}}(?:\.\d+)?)[ ]?{_INCH})",
    rf"(?P<range>(?:(?P<rmoney>{_CURRENCY})[ ]?)?{_START}(?P<lo>{_DIGITS})[ ]?%?[ ]?{_DASH}[ ]?"
    rf"(?P<rcurrency>{_CURRENCY})?[ ]?(?P<hi>{_DIGITS}))(?![\d/:])" + tail("rtail"),
    rf"(?P<between>\bbetween[ ](?P<bsign>[-−])?{_CURRENCY}?(?P<blo>{_DIGITS})[ ]?%?[ ](?:and|to)[ ](?P<bcurrency>{_CURRENCY})?"
    rf"(?P<bhi>{_DIGITS}))(?![\d/:])" + tail("btail"),
    rf"(?P<below>[-−]{_START}(?P<nlo>{_DIGITS})[ ]?(?:\bto\b|[~～至到])[ ]?(?P<nsign>[-−])?(?P<nhi>{_DIGITS}))(?![\d/:])" + tail("ntail"),
    rf"{_START}(?P<sized>\d{{1,7}}(?:\.\d{{1,4}})?(?:[ ]?[x×*][ ]?(?!10[ ]?[\^⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹])"
    rf"\d{{1,7}}(?:\.\d{{1,4}})?){{1,3}})(?![A-Za-z0-9_^])",
    rf"(?:{_START}|(?<=\bv))(?P<dotted>(?!\d{{1,3}}(?:\.\d{{3}})+(?![\d.]))\d{{1,9}}(?:\.\d{{1,9}}){{2,8}})",
    rf"(?P<fsign>{_SIGN})?{_START}"
    r"(?P<fraction>(?:(?P<whole>\d{1,12})[ -])?(?P<top>\d{1,12})[ ]?[/⁄∕][ ]?(?P<bottom>\d{1,12}))(?![\d/])" + tail("ftail"),
    rf"(?P<vsign>{_SIGN})?(?P<vulgar>(?:\d{{1,12}}[ ]?)?[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])",
    r"(?P<outof>(?<![\w.])(?P<share>\d{1,9})[ ]out[ ]of[ ](?P<all>\d{1,9})(?!\d|\.\d))",
    r"(?<![\w.])(?P<hour>\d{1,2})[ ]?(?P<half>[ap])\.?m\b\.?",
    rf"(?P<gsign>{_SIGN})?(?P<symbol>(?:{_START}(?P<times>\d{{1,9}}(?:\.\d{{1,9}})?))?[ ]?"
    rf"(?:√[ ]?\(?(?P<root>\d{{1,12}}(?:\.\d{{1,9}})?)\)?|π)"
    r"(?:[ ]?/[ ]?(?P<under>\d{1,9}))?)",
    r"(?P<percent>百分之)(?P<pct>[\d.]{1,12}|[〇零一二两三四五六七八九十百点]{1,12})",
    rf"(?P<power>{_START}(?P<base>\d{{1,9}}){_RAISED}(?![A-Za-z]))",
    rf"(?P<sign>{_SIGN})?(?:(?P<currency>{_CURRENCY})[ \t]{{0,2}})?(?P<sign2>[-−])?{_START}(?P<number>{_DIGITS})(?P<exponent>{_EXPONENT})?"
    + tail("tail"),
    rf"(?P<hanpart>(?P<hanbottom>[{_HAN}]{{1,6}})分之(?P<hantop>[{_HAN}]{{1,6}})|一半)",
    rf"(?P<hansign>负|零下)?(?!一[共些般样起定直下旦旁边面致切刻]|十分)(?<![统唯])(?P<han>[{_HAN}][{_HAN}点]{{0,30}})",
    rf"(?P<wsign>\b(?:minus|negative)[ ])?\b(?P<words>{WORD_NUMBER})\b" + tail("wtail"),
)
_TOKENS = re.compile("|".join(_FORMS), re.IGNORECASE)
_LATEX = (
    (re.compile(r"\$([^$\n]{0,200}\\[^$\n]{0,200}|\d[^$\n]{0,40})\$(?!\d)"), r"\1"),
    (re.compile(r"\\sqrt\s{0,3}\{\s{0,3}(\d{1,12}(?:\.\d{1,9})?)\s{0,3}\}"), r"√\1"),
    (re.compile(r"\\pi(?![A-Za-z])"), "π"),
    (re.compile(r"\\[dt]?frac\s{0,3}\{\s{0,3}([\d.√π]{1,16})\s{0,3}\}\s{0,3}\{\s{0,3}(\d{1,12})\s{0,3}\}"), r"\1/\2"),
    (re.compile(r"\\(?:text|mathrm|mathbf|boxed|textbf)\s{0,3}\{([^{}]{0,400})\}"), r"\1"),
    (re.compile(r"\\([%$&#_])"), r"\1"),
    (re.compile(r"\\[,;:! ]|\{,\}|\$(?=[^\d\s]|$)|(?<=[\d}])\$"), ""),
)
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−", "0123456789-+-")
# What may stand between the parts of one quantity: "2 hours and 30 minutes".
_JOINED = re.compile(r"[ ,]{0,3}(?:and[ ])?")
_COMPOUND = frozenset({"time", "mass", "length"})


def values(text: str) -> list[Value]:
    """Everything a text gives a number for, in order."""
    return list(_values(_plain(text)))


def _plain(text: str) -> str:
    """Digits of every script as ASCII, full-width marks narrow, LaTeX unwrapped; superscripts and vulgar fractions stay."""
    if not text.isascii():
        text = "".join(_narrow(mark) for mark in text)
    if "\\" in text or "$" in text or "{" in text:
        for _ in range(2):
            for pattern, replacement in _LATEX:
                text = pattern.sub(replacement, text)
    return text


def _narrow(mark: str) -> str:
    if mark.isascii():
        return mark
    if (digit := unicodedata.decimal(mark, None)) is not None:
        return str(digit)
    return unicodedata.normalize("NFKC", mark) if "\uff01" <= mark <= "\uff5e" else mark


def _values(text: str) -> Iterator[Value]:
    before: Value | None = None
    end = 0
    for match in _TOKENS.finditer(text):
        found = _of_match(match)
        if found is None or not all(abs(part) < float("inf") for part in found.parts):
            continue
        if before is not None and _goes_on(before, found) and _JOINED.fullmatch(text, end, match.start()):
            before = before._replace(parts=(before.parts[0] + found.parts[0],))
        else:
            if before is not None:
                yield before
            before = found
        end = match.end()
    if before is not None:
        yield before


def _goes_on(before: Value, found: Value) -> bool:
    """Whether a value is the smaller part of the one before it: 30 minutes behind 2 hours."""
    alike = before.kind == found.kind == "number" and before.dimension == found.dimension
    return alike and before.dimension in _COMPOUND and found.factor < before.factor and 0 <= found.parts[0] < before.factor


def _of_match(match: re.Match[str]) -> Value | None:
    g = match.groupdict()
    if match["iso"] or match["zh"] or match["slashed"] or match["written"] or match["dayfirst"]:
        return _date(g)
    if match["colon"]:
        return _colon(g)
    if match["sized"]:  # 1920 x 1080
        return Value("ratio", tuple(float(part) for part in re.findall(r"[\d.]+", match["sized"])))
    if match["dotted"]:  # a version or an address
        return Value("ratio", tuple(float(part) for part in match["dotted"].split(".")))
    if match["feet"]:
        return Value("number", (float(g["ft"]) * 0.3048 + float(g["inch"]) * 0.0254,), "length", 0.3048)
    if match["range"] or match["between"] or match["below"]:
        return _range(g)
    if match["outof"]:  # three quarters, or the three
        return Value("number", (float(g["share"]) / float(g["all"]),), other=float(g["share"])) if float(g["all"]) else None
    if match["hour"]:
        return Value("time", (float(g["hour"]) % 12 + 12 * (g["half"] in "pP"),), other=float(g["hour"]))
    if match["symbol"]:
        return _symbol(g)
    if match["hanpart"]:
        top, bottom = parse_number(g["hantop"] or "一"), parse_number(g["hanbottom"] or "二")
        return Value("number", (top / bottom,)) if top is not None and bottom else None
    if match["fraction"]:
        return _fraction(g)
    if match["vulgar"]:
        number = float(g["vulgar"][:-1].strip() or 0) + unicodedata.numeric(g["vulgar"][-1])
        return Value("number", (-number if g["vsign"] and g["vsign"] not in "+" else number,))
    if match["percent"]:
        share = parse_number(g["pct"])
        return None if share is None else Value("number", (share,), "percent")
    if match["han"]:
        return _han(g)
    if match["words"]:
        return _scaled(value_of_words(g["words"]), g["wtail"], negative=bool(g["wsign"]))
    if match["power"]:
        return Value("number", (_power(g["base"], g["power"]),))
    return _number(g)


def _range(g: dict[str, str | None]) -> Value:
    signs = (g["bsign"], None) if g["between"] else ("-", g["nsign"]) if g["below"] else (None, None)
    low, high = (_digits(g["lo"] or g["blo"] or g["nlo"] or "")[0], _digits(g["hi"] or g["bhi"] or g["nhi"] or "")[0])
    unit = unit_of(g["rtail"] or g["btail"] or g["ntail"], g["rcurrency"] or g["rmoney"] or g["bcurrency"] or "")
    low, high = (-low if signs[0] else low), (-high if signs[1] else high)
    return Value("range", (low * unit.factor, high * unit.factor), unit.dimension, unit.own)


def _symbol(g: dict[str, str | None]) -> Value | None:
    """A root or a multiple of pi, over a number or not."""
    under = float(g["under"] or 1)
    number = float(g["times"] or 1) * (math.sqrt(float(g["root"])) if g["root"] else math.pi)
    negative = bool(g["gsign"]) and g["gsign"] != "+"
    return Value("number", ((-number if negative else number) / under,)) if under else None


def _power(base: str, text: str) -> float:
    """A whole number to a small power; of ten any."""
    if base == "10":
        return _power_of_ten(text)
    power = int(re.sub(r"[^-+\d]", "", text[len(base) :].translate(_SUPERSCRIPT)) or 1)
    return float(base) ** power if abs(power * len(base)) < 300 else float("inf")


def _date(g: dict[str, str | None]) -> Value | None:
    year = next((int(g[name] or 0) for name in ("y1", "y2", "y4", "y5", "y6", "y7") if g[name]), 0)
    month = next((int(g[name] or 0) for name in ("m1", "m2", "m3") if g[name]), 0)
    day = next((int(g[name] or 0) for name in ("d1", "d2", "d3", "d5", "d7") if g[name]), 0)
    if name := g["mon1"] or g["mon2"]:
        month = MONTHS[name.lower().rstrip(".")]
    if g["slashed"]:
        first, second = int(g["a"] or 0), int(g["b"] or 0)
        if first > 12 >= second:
            first, second = second, first
        return Value("date", (float(year), float(first), float(second)), "" if second > 12 else "either")
    if not month and not day:
        return Value("number", (float(year),))
    return Value("date", (float(year), float(month), float(day)))


def _colon(g: dict[str, str | None]) -> Value:
    parts = tuple(float(g[name] or 0) for name in ("c1", "c2", "c3") if g[name])
    if g["ampm"]:
        hours = parts[0] % 12 + (12 if "p" in g["ampm"].lower() else 0)
        return Value("time", (hours, *parts[1:]))
    clock = re.fullmatch(r"\d{2}", g["c2"] or "") is not None and parts[1] < 60
    return Value("time" if clock else "ratio", parts)


def _fraction(g: dict[str, str | None]) -> Value | None:
    bottom = float(g["bottom"] or 0)
    if not bottom:
        return None
    number = float(g["whole"] or 0) + float(g["top"] or 0) / bottom
    return _scaled(number, g["ftail"], negative=bool(g["fsign"]) and g["fsign"] != "+")


def _han(g: dict[str, str | None]) -> Value | None:
    text = g["han"] or ""
    number = parse_number(text)
    lone = len(text) == 1 and text in "千万亿百"
    return None if number is None or lone else Value("number", (-number if g["hansign"] else number,))


def _number(g: dict[str, str | None]) -> Value | None:
    number, other = _digits(g["number"] or "")
    if g["exponent"]:
        number, other = number * _power_of_ten(g["exponent"]), None
    negative = bool(g["sign2"]) or (bool(g["sign"]) and (g["sign"] or "").strip() not in ("+", "–"))
    found = _scaled(number, g["tail"], negative=negative, currency=g["currency"] or "")
    if found is None or other is None:
        return found
    changed = _scaled(other, g["tail"], negative=negative, currency=g["currency"] or "")
    return found if changed is None else found._replace(other=changed.parts[0])


def _power_of_ten(text: str) -> float:
    """10 to the power that an exponent names: `e3`, `x 10^3`, `10³`; infinity where it is out of range."""
    plain = re.sub(r"[^-+\d]", "", text[1:] if text[:1] in "eE" else text.translate(_SUPERSCRIPT).split("10", 1)[1])
    power = int(plain or 0)
    return 10.0**power if abs(power) < 300 else float("inf") if power > 0 else 0.0


def _digits(text: str) -> tuple[float, float | None]:
    """A number of digits and marks, and what it is by the other custom where both are possible: "1,234" may be 1.234."""
    bare = re.sub(r"[\u00a0\u202f\u2009'’ ]", "", text)
    if bare.count(".") > 1 or re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d+", bare):
        return float(bare.replace(".", "").replace(",", ".")), None
    if "," in bare and "." not in bare:
        plain = float(bare.replace(",", ""))
        if bare.count(",") == 1:
            decimal = float(bare.replace(",", "."))
            return (plain, decimal) if len(bare.rsplit(",", 1)[1]) == 3 else (decimal, None)
        return plain, None
    return float(bare.replace(",", "")), None


def _scaled(number: float, words: str | None, *, negative: bool = False, currency: str = "") -> Value | None:
    unit = unit_of(words, currency)
    return Value("number", ((-number if negative else number) * unit.factor,), unit.dimension, unit.own)
