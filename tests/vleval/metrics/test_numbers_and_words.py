"""Numbers and words in the forms that answers have, where a reader and an old rule disagreed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vleval import score
from vleval.metrics.number_text import values
from vleval.metrics.quantity import quantity_match
from vleval.metrics.words import words
from vleval.profiles import resolve
from vleval.rows import Row
from vleval.settings import Scoring

SAME = """
1.5e3|1500   1e5|100000   2 x 10^3|2000   2×10³|2000   2\\times 10^{3}|2000   10³|1000   1e-3|0.001
\\boxed{12}|12   $12$|12   12\\%|12%   12 \\text{ cm}|12 cm
\\frac{1}{2}|0.5   $\\frac{1}{2}$|1/2   ½|0.5   1½|1.5   1 1/2|1.5   1/3|2/6
1,234|1234   1 234|1234   1'234|1234   1.234.567,89|1234567.89   12,34,567|1234567   3,5|3.5   1,500|1500   1 000 000|1000000
$5|5 dollars   50 cents|$0.50   ¥5000|5000元   2.5M|2.5 million   3.5亿|350000000   5 lbs|5 pounds   20°C|20 degrees celsius   70 kg|70
twelve|12   twenty-one|21   one hundred and five|105   a dozen|12   十二|12   三千五百|3500   百分之四十五|45%
３|3   ٣|3   १२|12   −5|-5   minus 5|-5
March 4, 2021|2021-03-04   4 March 2021|2021-03-04   2021年3月4日|2021-03-04   13/04/2021|2021-04-13   2:45 PM|14:45   12:30|12:30:00
5-10|5 to 10   (3, 4)|(3, 4)   3 and 5|3, 5   5'11"|5 ft 11 in   5'11"|71 inches   24/7|24/7   16:9|16:9   v1.2.3|v1.2.3
1920x1080|1920 × 1080   Q3 2021|Q3 2021   1 234,56 €|1234.56 euros   6 ft 2 in|74 in   1:30|1:30:00
图中有3只猫|3   第3|3   共5人|5   一共有12个|12   零下5度|-5   三分之二|2/3   一半|0.5   有5-10岁|5-10岁   约1.5万|15000
2 hours 30 minutes|150 minutes   5 years and 6 months|66 months   5 lb 8 oz|5.5 pounds   2小时30分钟|150分钟   2 weeks|14 days
5 GB|5000 MB   60 km/h|60 km/h   60 miles per hour|60 mph   12 sq ft|12 ft²   12 m^2|12 m²   1 m³|1000 liters
£5|5 pounds   ¥12|12 yen   C$5|CAD 5   $5m|5 million
8 PM|20:00   5 pm|5   12am|00:00   √4|2   2^3|8   \\sqrt{2}/2|√2/2   \\frac{\\pi}{2}|π/2   5 hundred|500   3 ½|3.5   two and a half|2.5
half|0.5   two thirds|2/3   3 out of 4|3/4   3 out of 4|3   between 10 and 20|10-20   $5 - $10|$5 to $10   1,2,3|1, 2, 3   5,6|5 and 6
-5 to 5|-5 ~ 5   5元/斤|5元   12 cm^2|12
"""
OTHER = """
2022-05-04|2021-03-04   04/03/2021|04/05/2021   5-10|10   10|5-10   2:45|3:45   3/4|1/4   7-1|9-1   1.2.3|4.2.3   2010-2020|1999-2020
Room 4, floor 2|Room 5, floor 2   (3, 4)|(1, 4)   3:1|2:1   192.168.0.1|10.0.0.1   March 2021|April 2021   5|3, 5   -5|5   £5|$5   0.45|45%
3.14159|3.1416   68°F|20°C   someone|1   first|1   yes|7   1-800-555|1-800-556   1e400|7
1920x1080|1920x1280   Q3 2021|Q2 2021   0x10|16   5 m|5 million
2^3|3   √2|2   \\sqrt{2}|2   \\frac{\\pi}{4}|4   2π|2   x^2|2   12 cm^2|2   3 out of 4|4   $5 - $10|10   -5 to 5|5
>5|<5   5 years|5 months   60 km/h|60 mph   60 m/s|60 m   12 m²|12 m   12 sq ft|12 ft   5 kWh|5 kW   C$5|US$5   5元|5日元   5 km|5 km/h
1,2,3|1,2,4   two and a half|0.5
"""


def pairs(text):
    return [tuple(pair.strip().split("|")) for line in text.splitlines() for pair in line.split("   ") if "|" in pair]


@pytest.mark.parametrize(("prediction", "reference"), pairs(SAME))
def test_the_same_number_however_it_is_written(prediction, reference):
    assert quantity_match(prediction, reference) == 1.0
    assert quantity_match(f"The answer is {prediction}.", reference) == 1.0


@pytest.mark.parametrize(("prediction", "reference"), pairs(OTHER))
def test_another_number_however_alike(prediction, reference):
    assert quantity_match(prediction, reference) == 0.0


@given(st.floats(min_value=-1e12, max_value=1e12, allow_nan=False))
def test_a_number_is_itself_in_every_form(number):
    for text in (repr(number), f"{number:,}", f"{number:.17e}"):
        assert quantity_match(text, repr(number)) == 1.0, text


@given(st.text(alphabet="0123456789.,:/-' ×^e+ft%$年月日万", max_size=40))
def test_any_text_is_read_without_harm(text):
    assert all(len(value.parts) for value in values(text))


def test_years_that_a_tolerance_forgives_are_told():
    rows = [Row(id=str(n), prediction=text, references=("2010",)) for n, text in enumerate(("2008", "2010", "1950"))]
    for profile in ("vlkit", "lmms-eval", "pix2struct"):
        found = resolve(profile, "relaxed_accuracy").score(rows)
        assert found.notes == ("2 of 3 answers name another year than the reference and are right by the tolerance of 0.05.",)


def test_right_words_among_others_are_counted():
    answers = ("The value is 7.", "7", "8", "70")
    rows = [{"id": n, "prediction": text, "references": ["7"]} for n, text in enumerate(answers)]
    found = score(rows, scoring=Scoring(metrics=("exact_match",), extras=False)).metrics["exact_match"]
    assert found.notes[0].startswith("1 of 3 wrong answers hold a reference among other words")


SCRIPTS = (
    "สวัสดีครับ",
    "पूर्व प्रधानमन्त्री",
    "مرحبا بالعالم",
    "красный цветок",
    "χαίρετε κόσμε",
    "שלום עולם",
    "naïve café",
    "안녕하세요",
    "赤い花です",
    "红色的花",
)


@pytest.mark.parametrize("text", SCRIPTS)
def test_every_script_has_words(text):
    for name in ("rouge1", "rougeL", "token_f1"):
        scores = resolve("vlkit", name).score(
            [Row(id="1", prediction=text, references=(text,)), Row(id="2", prediction="x", references=(text,))]
        )
        assert scores.values.tolist() == [1.0, 0.0]


def test_words_are_whole_with_their_marks():
    assert words("पूर्व प्रधानमन्त्री!") == ["पूर्व", "प्रधानमन्त्री"]
    assert words("NAÏVE café, 3.5 ｋｍ") == ["naïve", "café", "3", "5", "km"]
    assert words("一只cat") == ["一", "只", "cat"]
