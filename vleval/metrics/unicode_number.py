"""Numbers as inspect_ai reads them: Python floats, then digits of any script, vulgar fractions, superscript exponents, Chinese numerals.

The behaviour of inspect_ai's scorer/_unicode.py, including which of comma and full stop is the decimal mark.
"""

from __future__ import annotations

import math
import unicodedata

_LONGEST = 2_000  # characters
_MINUS = frozenset("-−﹣－负負")
_PLUS = frozenset("+＋﹢正")
_SIGN_MINUS = frozenset("-−﹣－")
_SIGN_PLUS = frozenset("+＋﹢")
_DECIMAL_MARKS = frozenset("٫．")
_SEPARATORS = frozenset(",，﹐、٬ \u00a0\u202f\u2009\u2007\u2008'’ʼ＇")
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_FROM_SUPERSCRIPT = str.maketrans(_SUPERSCRIPTS + "⁻⁺", "0123456789-+")
_CHINESE_DIGITS = {
    mark: value
    for value, marks in enumerate(("零〇○", "一壹幺", "二贰貳两兩", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖"))
    for mark in marks
}
_TENS = {"廿": 20, "卅": 30, "卌": 40}
_SMALL_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE_UNITS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
_POINTS = ("点", "點")
_UNITS = _TENS.keys() | _SMALL_UNITS.keys() | _LARGE_UNITS.keys()
_CHINESE = _CHINESE_DIGITS.keys() | _UNITS | set(_POINTS) | set("负負正")


def parse_number(text: str) -> float | None:
    """The finite number a whole string stands for, or None; one of more than 2,000 characters is read in ASCII alone."""
    try:
        number = float(text)
        if math.isfinite(number):
            return number
    except ValueError:
        pass
    if len(text) > _LONGEST:
        return None
    try:
        found = _unicode_number(text.strip())
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
    return found if found is not None and math.isfinite(found) else None


def _unicode_number(text: str) -> float | None:
    if not text:
        return None
    text, sign = _without_signs(text)
    if (single := _numeric(text)) is not None:
        return sign * single
    base_text, exponent = _split_exponent(text)
    base = _with_fraction(base_text)
    if base is None:
        return None
    return sign * base if exponent is None else float((sign * base) ** exponent)


def _without_signs(text: str) -> tuple[str, float]:
    sign = 1.0
    text = text.lstrip()
    while text and (text[0] in _MINUS or text[0] in _PLUS):
        sign = -sign if text[0] in _MINUS else sign
        text = text[1:].lstrip()
    return text, sign


def _numeric(text: str) -> float | None:
    return unicodedata.numeric(text, None) if len(text) == 1 else None


def _split_exponent(text: str) -> tuple[str, int | None]:
    """A trailing superscript number, with blanks and separators behind it ignored, is an exponent if something stands before it."""
    body = text
    while body and (body[-1].isspace() or body[-1] in _SEPARATORS):
        body = body[:-1]
    start = len(body)
    while start and body[start - 1] in _SUPERSCRIPTS:
        start -= 1
    if start == len(body):
        return text.strip(), None
    if start and body[start - 1] in "⁻⁺":
        start -= 1
    base = body[:start].rstrip()
    return (base, int(body[start:].translate(_FROM_SUPERSCRIPT))) if base else (text.strip(), None)


def _with_fraction(text: str) -> float | None:
    places = [(at, value) for at, mark in enumerate(text) if 0.0 < (value := unicodedata.numeric(mark, 0.0)) < 1.0]
    if not places:
        return _plain(text)
    at, fraction = places[0]
    if len(places) > 1 or any(not (mark.isspace() or mark in _SEPARATORS) for mark in text[at + 1 :].strip()):
        return None
    head = text[:at].strip()
    whole = _plain(head) if head else 0.0
    return None if whole is None else whole + fraction


def _plain(text: str) -> float | None:
    text = text.strip()
    if any(mark in _CHINESE for mark in text) and (number := _chinese(text)) is not None:
        return number
    if (number := _digits(text)) is not None:
        return number
    return _numeric(text)


def _digit(mark: str) -> str | None:
    if "0" <= mark <= "9":
        return mark
    for read in (unicodedata.decimal, unicodedata.digit):
        value = read(mark, None)
        if value is not None:
            return str(value)
    return str(_CHINESE_DIGITS[mark]) if mark in _CHINESE_DIGITS else None


def _digits(text: str) -> float | None:
    """Digits of any script with separators, one decimal mark and an e-exponent."""
    decimal = _decimal_mark(text)
    out: list[str] = []
    seen_decimal = seen_exponent = after_exponent = False
    for mark in text:
        if after_exponent and (mark in _SIGN_PLUS or mark in _SIGN_MINUS):
            out.append("+" if mark in _SIGN_PLUS else "-")
            after_exponent = False
            continue
        after_exponent = False
        if mark in "eE" and not seen_exponent:
            if not out:
                return None
            out.append(mark)
            seen_exponent = after_exponent = True
        elif mark in _DECIMAL_MARKS or (decimal and mark == decimal):
            if seen_decimal:
                return None
            out.append(".")
            seen_decimal = True
        elif mark in _SEPARATORS or mark.isspace() or (decimal and mark in ",."):
            continue
        elif (value := _digit(mark)) is not None:
            out.append(value)
        else:
            return None
    if not out or all(part in ".eE+-" for part in out):
        return None
    try:
        return float("".join(out))
    except ValueError:
        return None


def _decimal_mark(text: str) -> str:
    """The later of full stop and comma; a comma alone only with one to three digits behind the last one."""
    if "." in text and "," in text:
        return "." if text.rindex(".") > text.rindex(",") else ","
    if "." in text:
        return "."
    if "," in text and sum(1 for mark in text[text.rindex(",") + 1 :] if _digit(mark) is not None) in (1, 2, 3):
        return ","
    return ""


def _chinese(text: str) -> float | None:
    whole, fraction = text, ""
    for point in (*_POINTS, "．", "."):
        if point in text:
            whole, _, fraction = text.partition(point)
            break
    if any(mark in _UNITS for mark in whole):
        integer = _with_units(whole)
    else:
        digits = _all_digits(whole)
        integer = None if digits is None else int(digits or "0")
    behind = _all_digits(fraction)
    if integer is None or behind is None:
        return None
    value, base = 0.0, 0.1
    for digit in behind:
        value += int(digit) * base
        base /= 10.0
    return float(integer) + value


def _all_digits(text: str) -> str | None:
    found = [_digit(mark) for mark in text if not mark.isspace()]
    return None if None in found else "".join(digit for digit in found if digit is not None)


def _with_units(text: str) -> int | None:
    """Tens, hundreds and thousands within sections of 10,000, 100,000,000 and 1,000,000,000,000."""
    total = section = number = 0
    for mark in text:
        if mark.isspace() or mark in "零〇○":
            continue
        if mark in _TENS:
            section += _TENS[mark]
        elif (digit := _digit(mark)) is not None:
            number = int(digit)
        elif mark in _SMALL_UNITS:
            section += (number or 1) * _SMALL_UNITS[mark]
            number = 0
        elif mark in _LARGE_UNITS:
            total += (section + number) * _LARGE_UNITS[mark]
            section = number = 0
        else:
            return None
    return total + section + number
