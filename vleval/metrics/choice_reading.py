"""Which options an answer names. Never a guess: what is not clear is not read.

In turn: what stands in a container of its own, the last statement ("the answer is B", "B is correct", "答案是B", "故选B"), letters and
nothing else, a letter in front ("B. dog"), a letter alone on the last line, a lone bracketed letter, the text of exactly one option.
A statement wins over a later mention, a conflict of letter and text is not read, the article "a" and the pronoun "I" are no letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from string import ascii_uppercase

from vleval.metrics.choice_patterns import (
    AFTER_LETTER,
    ALONE,
    ARTICLE,
    ASKED,
    BUT_ASKED,
    DENIED,
    HYPOTHETICAL,
    IS_RIGHT,
    LABEL,
    LAST_SENTENCE,
    LEADING,
    LISTED,
    LOSER,
    MOST,
    NEGATED,
    NO_DOUBT,
    NO_NOUN,
    NOT_BUT,
    NUMBERED,
    OR_OTHER,
    ORDINAL,
    ORDINALS,
    REFUSED,
    SENTENCE,
    SPLIT,
    STATEMENTS,
    TEXT_STATED,
    UNABLE,
    VERDICT,
    WAIT,
    WEAKER,
    WHY,
    WOULD,
    WRAPPED,
    WRONG,
    ZH_NOT_BUT,
    ZH_RIGHT,
)
from vleval.metrics.choice_text import contained, first_turn, unwrap, without_boxes
from vleval.metrics.text import vlkit_normal


def read_options(text: str, choices: Sequence[str]) -> str:
    """The letters that an answer names, in order and without repeats ("B", "ABD"); "" when it names none clearly."""
    first = first_turn(text)
    if first is not text and (letters := _read(first, choices)):
        return letters
    return _read(text, choices)


def _read(text: str, choices: Sequence[str]) -> str:
    reading = _Reading(choices)
    plain = unwrap(text)
    if not plain:
        return ""
    for inside in reversed(contained(plain)):
        if inside.sure and (letters := reading.whole(inside.text)):
            return letters
    if letters := reading.stated(plain):
        return letters
    return reading.whole(without_boxes(plain))


def bare_number(text: str, choices: Sequence[str]) -> int | None:
    """The number that is all of an answer, where no option holds a number itself; None for any other answer."""
    match = NUMBERED.fullmatch(text.strip()) if len(text) < 80 else None
    if match is None or not choices or any(re.search(r"\d", choice) for choice in choices):
        return None
    return int(match[1])


class _Reading:
    """One question's options, by which texts are read."""

    def __init__(self, choices: Sequence[str]) -> None:
        self.allowed = ascii_uppercase[: len(choices)] if choices else ascii_uppercase[:MOST]
        self.options = [vlkit_normal(unwrap(choice)) for choice in choices]
        self.conflict = False

    def stated(self, text: str) -> str:
        """The last statement of a text, letters or an option's text, or the boxed answer behind it."""
        found: list[tuple[int, str]] = []
        for number, patterns in enumerate((STATEMENTS, WEAKER)):
            for pattern in patterns:
                named = [(match.end("letters"), letters) for match in pattern.finditer(text) for letters in self._clear(text, match)]
                if pattern not in (IS_RIGHT, ZH_RIGHT) or len({letters for _, letters in named}) == 1:
                    found += named  # of several that are called right in turn, none is the answer by that
            if found and number == 0:
                break
        found += [(start, letters) for start, letters in self._texts_stated(text)]
        boxed = [(inside.start, letters) for inside in contained(text) if not inside.sure and (letters := self._inside(inside.text))]
        if len({letters for _, letters in boxed}) < 2 or not re.search(r"\}[\s$]{0,3}(?:or|/|或)[\s$]{0,3}\\boxed", text):
            found += boxed
        return max(found, key=lambda item: item[0])[1] if found else ""

    def _inside(self, text: str) -> str:
        """What stands in a box: letters, an option's text, or both."""
        return self.alone(text) or self.same_text(text) or self._leading(text.strip())

    def whole(self, text: str) -> str:
        """A text that is an answer and little else."""
        stripped = text.strip()
        if stripped[:1] == "[" and stripped[-1:] == "]":
            stripped = re.sub(r"[\[\]\"']", "", stripped)
        if letters := self.alone(stripped) or self.same_text(stripped):
            return letters
        if letters := self.stated(stripped):
            return letters
        if (bare := re.match(r"([A-Z])\s+(?=\S)", stripped)) and bare[1] in self.allowed:
            said = self.same_text(stripped[bare.end() :])
            self.conflict |= bool(said) and said != bare[1]
        for read in (
            self._verdicts,
            self._leading,
            self._last_line,
            self._last_sentence,
            self._wrapped,
            self._numbered,
            self._leading_text,
            self._only_text,
        ):
            if (letters := read(stripped)) or self.conflict:
                return letters
        return ""

    def alone(self, text: str) -> str:
        """Letters and nothing else."""
        match = ALONE.fullmatch(text.strip())
        if match is None or re.fullmatch(r"answer\s+a\W*", text.strip()):  # "answer a" is the beginning of something else
            return ""
        return self._letters(match["letters"])

    def same_text(self, text: str) -> str:
        """The letter of the option whose text this is."""
        folded = vlkit_normal(text)
        bare = ARTICLE.sub("", folded)
        for candidate in (folded, bare):
            if candidate and self.options.count(candidate) == 1:
                return ascii_uppercase[self.options.index(candidate)]
        return ""

    def _letters(self, text: str) -> str:
        """A group of letters as one string; "" for letters that are no options, or that are joined by "or"."""
        if re.search(r"/|或|还是|\bor\b", text, re.IGNORECASE):
            return ""
        if said := self.same_text(text):
            return said  # "B and C" may be an option of its own
        named = SPLIT.findall(re.sub(r"\band\b", " ", text, flags=re.IGNORECASE))
        letters = "".join(sorted({letter.upper() for letter in named}))
        word = text.strip().isalpha() and len(named) > 1
        ordered = list(named) == sorted(set(named)) and text.strip().isupper()
        return letters if all(letter in self.allowed for letter in letters) and (not word or ordered) else ""

    def _clear(self, text: str, match: re.Match[str]) -> Iterator[str]:
        """The letters of a statement, where they are: no article or pronoun, not denied or supposed, not next to another option's text."""
        letters = self._letters(match["letters"])
        before, after = text[: match.start("letters")], text[match.end("letters") :]
        if ASKED.match(after) or UNABLE.search(text[max(0, match.start() - 40) : match.start()]):
            return  # "Could the answer be A?", "Unable to answer: A"
        if len(letters) == 1 and (listed := LISTED.match(after)) and ord(listed[1]) == ord(letters) + 1:
            return  # the options, once more
        if match.re is IS_RIGHT and BUT_ASKED.match(text[match.end() :]):
            return  # "A is true, but the question asks for the false one"
        if OR_OTHER.match(after) or WRONG.match(after) or LOSER.match(after):
            return  # "A) cat or B) dog", "选A错误", "the answer. (A) is not"
        denied = match.re not in (NOT_BUT, ZH_NOT_BUT) and NEGATED.search(_same_sentence(before))
        if not letters or denied or self._supposed(text, match):
            return
        if len(match["letters"]) == 1 and not self._is_letter(match["letters"], before[-1:], after, letters):
            return
        rest = AFTER_LETTER.sub("", after, count=1)
        said = self._text_ahead(rest)
        if said and len(letters) == 1 and said != letters:
            self.conflict = True  # "The answer is B. cat", where the cat is A
            return
        yield letters

    @staticmethod
    def _supposed(text: str, match: re.Match[str]) -> bool:
        """Whether the statement says what would be, were things otherwise."""
        return bool(WOULD.search(match[0]) and HYPOTHETICAL.search(text[max(0, match.start() - 300) : match.start()]))

    def _is_letter(self, letter: str, before: str, after: str, letters: str) -> bool:
        """Whether one letter in running text names an option, by what stands around it."""
        if before and before in "([{<【「\"'“‘" and after[:1] in ")]}>】」\"'”’":
            return True
        if not after.strip() or not re.match(r"\s*\w", after):
            return not re.match(r"-\w", after)
        if not after[0].isspace() and after[0].isascii():
            return False
        if re.match(r"\s*\n", after) or not after.lstrip()[0].isascii():
            return letter.isupper() or not after[0].isspace()
        ahead = self._text_ahead(after.strip())
        if ahead:
            return ahead == letters and letter.isupper()
        if letter in "AaIi":
            return letter == "A" and re.match(rf"\s+{NO_NOUN}", after) is not None
        return letter.isupper() or re.match(rf"\s+{NO_NOUN}", after) is not None

    def _text_ahead(self, text: str) -> str:
        """The letter of the option whose text is all that follows in the sentence, or its beginning up to a mark; "" for other words."""
        sentence = SENTENCE.match(text)
        inner = re.match(r"\(([^()\n]{1,400})\)", text)
        if inner and (letters := self.same_text(inner[1])):
            return letters
        return self.same_text(sentence[0]) or self.same_text(re.split(r"[,;:(]", text, maxsplit=1)[0]) if sentence else ""

    def _texts_stated(self, text: str) -> Iterator[tuple[int, str]]:
        for match in TEXT_STATED.finditer(text):
            said = vlkit_normal(match["text"].lstrip(" \"'“‘("))
            letters = self._starts_with(said)
            if letters and not DENIED.match(ARTICLE.sub("", said)[len(self.options[ascii_uppercase.index(letters)]) :]):
                yield match.start("text"), letters

    def _starts_with(self, text: str) -> str:
        """The option whose text a sentence begins with, the longest of several."""
        folded = ARTICLE.sub("", text)
        best = ""
        for letter, option in zip(self.allowed, self.options, strict=False):
            follows = folded[len(option) : len(option) + 1]
            whole = not follows or not (follows.isalnum() and option[-1:].isascii() and follows.isascii())
            if option[-1:].isdigit() and re.match(r"\s{0,3}[-+*/×÷=<>%]|[.,]\d", folded[len(option) :]):
                whole = False  # the beginning of a sum, or of another number
            if (
                option
                and folded.startswith(option)
                and whole
                and (not best or len(option) > len(self.options[ascii_uppercase.index(best)]))
            ):
                best = letter
        return best

    def _leading(self, text: str) -> str:
        """A letter in front of a mark, where the text is no list of options and the words behind it are of no other option."""
        if (why := WHY.match(text)) and why[1] in self.allowed:
            return why[1]
        match = LEADING.match(text)
        if match is None or match["letter"] not in self.allowed or _lists_options(text):
            return ""
        said = self.same_text(SENTENCE.match(match["text"])[0]) if match["text"] else ""  # type: ignore[index]
        other = self.alone(match["text"])  # "A: B", which may be short for "Answer: B"
        unsure = (
            WAIT.search(text) is not None or other not in ("", match["letter"]) or OR_OTHER.match(text[match.end("letter") :]) is not None
        )
        self.conflict |= (bool(said) and said != match["letter"]) or unsure
        return "" if self.conflict else match["letter"]

    def _verdicts(self, text: str) -> str:
        """The options called true where each of a list is called true or false."""
        found = {match[1].upper(): bool(match["yes"]) for match in VERDICT.finditer(text)}
        listed = len(found) > 1 and "".join(found) == self.allowed[: len(found)]
        return "".join(letter for letter, true in found.items() if true) if listed else ""

    def _last_line(self, text: str) -> str:
        """Letters alone on the last line, or an option's label and text there."""
        last = text.rsplit("\n", 1)[-1].strip()
        if last == text:
            return ""
        lone = [line for line in text.splitlines() if self.alone(line)]
        if len(lone) == 1 and lone[0].strip() == last:
            return self.alone(last)
        label = LABEL.match(last)
        labels = LABEL.findall(text)
        again = label is not None and labels.count(label[1]) > 1  # the options, then one of them once more
        if label is not None and not again and len(labels) > 1 and ord(labels[-2]) + 1 == ord(label[1]):
            return ""  # the last of the options
        return self._leading(last) if again or not _lists_options(text) else ""

    def _last_sentence(self, text: str) -> str:
        """A letter that is the last sentence by itself."""
        match = LAST_SENTENCE.search(text[-40:])
        return match[1] if match and match[1] in self.allowed and not _lists_options(text) and not REFUSED.search(text) else ""

    def _wrapped(self, text: str) -> str:
        """The only bracketed letter of a text."""
        found = {
            match[1]
            for match in WRAPPED.finditer(text)
            if match[1] in self.allowed and not NEGATED.search(_same_sentence(text[: match.start()]))
        }
        return found.pop() if len(found) == 1 and not REFUSED.search(text) else ""

    def _numbered(self, text: str) -> str:
        """The number of an option, counted from 1, where no option holds a number itself."""
        if (named := ORDINAL.fullmatch(text.strip())) and not any(ORDINAL.search(option) for option in self.options):
            return self.allowed[ORDINALS.index((named[1] or named[2]).lower()) % 6 :][:1] if self.options else ""
        number = bare_number(text, self.options)
        return self.allowed[number - 1] if number is not None and 1 <= number <= len(self.options) else ""

    def _leading_text(self, text: str) -> str:
        """An option's text in front of a mark: "Yes, there is no dog" is yes, and "cat, dog" is none."""
        parts = re.split(r"[,.;:!。、\n]", text)
        return "" if any(self.same_text(part) for part in parts[1:]) else self.same_text(parts[0])

    def _only_text(self, text: str) -> str:
        """The option whose text is the only one named, as whole words and not denied; a longer option hides a shorter one within it."""
        refused = REFUSED.search(text) is not None  # then only an option that says so may be meant
        folded = NO_DOUBT.sub(" ", vlkit_normal(text))
        named: list[str] = []
        for letter, option in sorted(zip(self.allowed, self.options, strict=False), key=lambda item: -len(item[1])):
            places = (
                [match.span() for match in re.finditer(rf"(?<!\w)(?<!\d[.,]){re.escape(option)}(?!\w|[.,]\d|%)", folded)]
                if option.isascii()
                else _places(folded, option)
            )
            kept = [
                (start, end)
                for start, end in places
                if not (NEGATED.search(_same_sentence(folded[:start])) or DENIED.match(folded[end : end + 30]))
            ]
            if option and kept and (not refused or REFUSED.search(option)):
                named.append(letter)
            for start, end in places:
                folded = folded[:start] + "\0" * (end - start) + folded[end:]
        return named[0] if len(named) == 1 else ""


def _same_sentence(before: str) -> str:
    """What stands before a place in its own sentence, as far as a denial reaches."""
    return re.split(r"[.!?。!?;\n]", before[-60:])[-1]


def _lists_options(text: str) -> bool:
    """Whether a text repeats the options: labels from A on, three or more in a row."""
    labels = LABEL.findall(text)
    alone = re.findall(r"^\W*([A-Z])\W*$", text, re.MULTILINE)
    return len(set(alone)) > 1 or any(labels[start : start + 3] == ["A", "B", "C"] for start in range(len(labels) - 2))


def _places(text: str, part: str) -> list[tuple[int, int]]:
    """Where a text of a script without blanks stands in another."""
    return [match.span() for match in re.finditer(re.escape(part), text)] if part else []
