from __future__ import annotations

import subprocess
import sys
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from vleval.metrics.jieba_cut import package_dir
from vleval.metrics.segment import ASCII_WORDS, words, words_and_blanks


@pytest.fixture(scope="module")
def jieba_cut():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer.lcut


def test_the_dictionary_has_exactly_these_entries_without_chinese():
    lines = package_dir().joinpath("dict.txt").read_text(encoding="utf-8").split("\n")
    entries = {line.split(" ")[0] for line in lines if line}
    plain = {word for word in entries if not any("\u4e00" <= mark <= "\u9fd5" for mark in word)}
    assert {word for word in plain if len(word) > 1} == set(ASCII_WORDS)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("C++ and AT&T", ["C++", "and", "AT&T"]),
        ("abc++", ["ab", "c++"]),
        ("3.5.6 5%% %%5", ["3.5", ".", "6", "5%", "%", "%%", "5"]),
        ("C#c#", ["C#", "c#"]),
        ("don't", ["don", "'", "t"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_words_without_chinese(text, wanted):
    assert words(text) == wanted


ALPHABET = st.sampled_from(
    [*"abcCT&+#.%-_ 0159\n\t'?，。é😀", "C++", "AT&T", "c#", "C#", "\r\n", "中", "国人", "T恤", "北京大学", "我爱你", "二十", "乔布斯"]
)


@given(st.lists(ALPHABET, max_size=25).map("".join))
@settings(max_examples=examples(200), deadline=None)
def test_every_text_is_cut_as_jieba_cuts_it(jieba_cut, text):
    wanted = jieba_cut(text)
    assert words_and_blanks(text) == wanted
    assert words(text) == [word for word in wanted if not word.isspace()]


def test_english_rows_need_no_jieba():
    code = (
        "import sys; from vleval.rows import Row; from vleval.profiles import resolve;"
        "rows=[Row(id='1', prediction='a C++ book?', references=('A book, é',))];"
        "print([float(resolve('llamafactory', m).score(rows).values[0]) for m in ('bleu-4','rouge-1','rouge-2','rouge-l')]);"
        "assert 'jieba' not in sys.modules and 'sacrebleu' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_empty_token_is_not_a_nul_character():
    from vleval.metrics.llamafactory import short_rouge as rouge

    assert rouge("a\n\nb", "\x00") == (0.0, 0.0, 0.0)
    assert rouge("a\n\nb", "a\n\nb")[2] == pytest.approx(1.0)
