"""The phrases in which an answer names an option, and those that only look like one. Repetitions are bounded: time is linear."""

from __future__ import annotations

import re

MOST = 16  # options: letters further on are words' initials

OPEN = r"""[\s"'“”‘’(\[{<【〈《「]{0,6}"""
AND = r"(?:\s{0,3}(?:,|、|;|&|\+|和|与|及|以及|跟|\band\b)\s{0,3}(?:and\s{1,3})?)"
OR = r"(?:\s{0,3}(?:/|或者?|还是|\bor\b)\s{0,3})"
NO_WORD = r"(?![A-Za-z0-9+]|['’][A-Za-z])"  # what follows is not the rest of a word
LETTER = rf"""[(\[【<]{{0,2}}[A-Za-z][)\]】>]{{0,2}}{NO_WORD}"""
# One letter, letters with marks or words between, or capitals in one word; then what closes and what follows.
LETTERS = rf"{OPEN}(?P<letters>{LETTER}(?:(?:{AND}|{OR}|(?=[(\[【])){LETTER}){{0,{MOST}}}|(?-i:[A-Z]{{2,{MOST}}}){NO_WORD})"
SPLIT = re.compile(r"[A-Za-z]")
TO_BE = r"(?:appears|seems|has|is\s+likely)\s+to\s+be"
IS = rf"(?:is|are|was|were|being|be|(?:would|should|must|will|can)\s+be|{TO_BE}|=|:|-{{1,2}}>|=>|→|≈)"
FILL = (
    r"(?:(?:most|likely|probably|therefore|thus|clearly|definitely|simply|indeed|actually|obviously|the|both|also|my|correct|right|best|final"
    r"|letter|letters|option|options|choice|choices|answer|number|statement|statements|following|as\s+follows|to\s+be)\b[\s,:]{1,3})"
)
NOUN = (
    r"(?:answer|ans|(?:right|correct|best)\s+one|choice|option|selection|conclusion|solution|response|pick"
    r"|Antwort|respuesta|réponse|resposta)s?"
)
TAIL = (
    r"(?:\s+(?:letter|choice|option|here|(?:to|for)\s+(?:the|this|your)\s+question|among\s+the\s+(?:options|choices)|would"
    r"|i\s+(?:choose|select|chose|selected)))"
)
ANSWER_IS = re.compile(rf"\b{NOUN}\b\.?{TAIL}{{0,2}}\s{{0,5}}(?:{IS}\s{{0,5}}){{1,2}}{FILL}{{0,4}}{LETTERS}", re.IGNORECASE)
ANSWER_MAY = re.compile(rf"\b{NOUN}\b\s{{1,5}}(?:might|may|could)\s+be\s{{1,5}}{FILL}{{0,4}}{LETTERS}", re.IGNORECASE)
ANSWER_BARE = re.compile(
    rf"\b(?:answer|ans\.?|option\s+number)(?!\w)\s{{0,2}}[,–-]?\s{{0,2}}(?-i:(?=[(A-Z]){LETTERS})(?=\s{{0,2}}(?:[.,;!)\]\n]|$))",
    re.IGNORECASE,
)
CHOSEN = re.compile(
    r"\b(?:I|we|you)?\s{0,2}(?:(?:would|will|should|must|shall|can|['’]d|['’]ll|have\s+to|am\s+going\s+to)\s{1,3})?"
    r"(?:choose|chose|pick|picked|select|selected|go\s+(?:with|for)|going\s+with|opt\s+for|vote\s+for|settle\s+on|guess)\s{1,3}"
    rf"{FILL}{{0,3}}{LETTERS}",
    re.IGNORECASE,
)
IT_IS = re.compile(
    rf"\b(?:it|that|this)(?:\s+(?:is|must\s+be|would\s+be|should\s+be|has\s+to\s+be)|['’]s)\s{{1,3}}{FILL}{{0,4}}{LETTERS}", re.IGNORECASE
)
HENCE = re.compile(
    rf"(?:\b(?:therefore|thus|hence|so|consequently|accordingly|finally|in\s+(?:conclusion|summary|short)|to\s+conclude|overall)\b|∴)[\s,:]{{1,4}}{FILL}{{0,3}}{LETTERS}(?=\s{{0,3}}(?:[.!。\n]|$))",
    re.IGNORECASE,
)
RIGHT = (
    r"(?:correct|accurate|true|appropriate|suitable|right(?!\s+(?:of|side|hand|to|above|below|next|now|edge|corner))"
    r"|(?:the\s+)?(?:\w{1,20}\s+){0,2}answer)"
)
IS_RIGHT = re.compile(
    rf"(?<![A-Za-z0-9'’]){LETTERS}\s{{0,2}}[.:,]?\s{{0,2}}(?:\([^()\n]{{0,80}}\)\s{{0,2}})?"
    r"(?:(?:is|are|was|must\s+be|should\s+be|seems|appears|looks)\s+(?:\w{1,20}ly\s+)?(?:to\s+be\s+)?(?:(?:the|a|an)\s+)?"
    rf"(?:(?:only|most|best|one|single)\s+){{0,2}}{RIGHT}\b|(?:is|are)\s+(?:the\s+)?best\b)",
)
NOT_BUT = re.compile(rf"\b[Nn]ot\s+(?:option\s+)?[(]?[A-Z][)]?\s{{0,2}},?\s{{0,2}}but\s+(?:rather\s+)?(?:option\s+)?{LETTERS}")
ZH_SOFT = r"(?:应该|应当|应|可能|大概|就|最终|也|都|即|只能)"
ZH_ANSWER = re.compile(
    rf"(?:【答案】|(?:答案|答|选项|选择|结论|结果|正确的)\s{{0,2}}{ZH_SOFT}?\s{{0,2}}(?:是|为|选|:|=|应选)+)\s{{0,3}}(?:选项|答案|选)?{LETTERS}"
)
ZH_CHOSEN = re.compile(
    r"(?<![不别勿误没未])(?<!不能)(?<!不会)(?<!不应)(?<!不可)(?<!不应该)"
    rf"(?:选择|选|选定|选的是|应填|填|(?:觉得|认为|应该|应当|想)是)\s{{0,2}}(?:项|答案|择|:|了|的是)?{LETTERS}"
)
ZH_RIGHT = re.compile(
    rf"(?<![A-Za-z0-9]){LETTERS}\s{{0,2}}(?:选项|项|答案)?\s{{0,2}}(?:的?(?:说法|描述|内容|图片)?)?"
    r"(?:(?:才|都|均|最|是|为|就是|也)\s{0,2}){0,3}(?:正确|对的|对(?=[,，;；。!\s]|$)|最佳|合适|恰当|符合|准确)(?!吗|与否)"
)
ZH_NOT_BUT = re.compile(rf"不(?:是|选)\s{{0,2}}[A-Z]\s{{0,2}}[,，;]?\s{{0,2}}(?:而)?(?:是|选)\s{{0,2}}{LETTERS}")
STATEMENTS = (ANSWER_IS, CHOSEN, IS_RIGHT, NOT_BUT, ZH_ANSWER, ZH_CHOSEN, ZH_RIGHT, ZH_NOT_BUT)
HEADED = re.compile(
    rf"^\W{{0,4}}(?:correct|final|result|(?:my\s)?(?:best\s)?guess)\s{{0,2}}(?:[:=]|\bis\b)\s{{0,3}}{LETTERS}(?=\W{{0,3}}$)",
    re.IGNORECASE | re.MULTILINE,
)
FITS = re.compile(
    rf"(?:\b(?:matches|corresponds?\s+to|points?\s+to|fits)\s{{1,3}}(?:the\s)?(?:option|choice|answer)\s{{1,3}}|\blean(?:ing)?\s+(?:towards?|to)\s{{1,3}}{FILL}{{0,2}}){LETTERS}"
    r"(?=\s{0,3}(?:[.,!。:;)\n]|$))",
    re.IGNORECASE,
)
FITS_BEST = re.compile(
    rf"(?<![A-Za-z0-9'’]){LETTERS}\s{{1,3}}(?:best|most\s+(?:closely|accurately|likely))\s+(?:describes|fits|matches|answers|represents|reflects|shows)\b"
)
WEAKER = (ANSWER_MAY, ANSWER_BARE, IT_IS, HENCE, HEADED, FITS, FITS_BEST)

ALONE = re.compile(
    rf"(?:=>|-{{1,2}}>|→)?\s{{0,2}}(?:(?:选项|选择|选|答案|答|option|choice|answer|letter|both)\s{{0,2}}[:.]?)?{LETTERS}\s{{0,2}}(?:选项|项|答案)?[\W_]*",
    re.IGNORECASE,
)
LEADING = re.compile(
    rf"{OPEN}(?P<letter>[A-Z])[)\]】}}>\"'”’]{{0,2}}\s{{0,2}}(?:[.):,;、。\]】]|[-–—]\s|\n|[)\]】])(?!\w\.)\s{{0,3}}(?P<text>[^\n]*)"
)
LABEL = re.compile(r"(?<![A-Za-z0-9])([A-Z])[ \t]{0,2}[.):、\]】]")
WHY = re.compile(r"([A-Z])\s+(?:because|since|as)\b")
WRAPPED = re.compile(r"[(\[【<]\s{0,2}([A-Z])\s{0,2}[)\]】>]")
AFTER_LETTER = re.compile(r"[\s.):,;、\]】}>\"'”’–—-]*")
NUMBERED = re.compile(
    r"(?:(?:the\s{1,3})?(?:correct\s{1,3}|final\s{1,3}|right\s{1,3})?(?:option|choice|answer|number|no\.)\s{0,3}(?:is\b|:)?\s{0,3}"
    r"(?:option\b|number\b)?|选项|答案是?|第)?"
    r"\s{0,3}[:(\[]?\s{0,3}(\d{1,2})\s{0,3}[)\].。!]?\s{0,3}(?:个选项|个|项)?",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"[^.!?。!?\n;]*")
TEXT_STATED = re.compile(
    rf"(?:\b{NOUN}\b{TAIL}{{0,2}}\s{{0,5}}(?:{IS}\s{{0,5}}){{1,2}}|\b(?:it|that|this)(?:\s+is|['’]s)\s{{1,3}}"
    r"|答案\s{0,2}(?:应该|应)?(?:是|为|:)\s{0,3}|选择?\s{0,2}[\"“'「]?)"
    r"(?P<text>[^\n]{1,400})",
    re.IGNORECASE,
)
ARTICLE = re.compile(r"^(?:(?:a|an|the|likely|probably|option|to\s+be)\s+)+|^(?:一|这)?(?:只|个|张|条|辆|名|位)(?=\S)", re.IGNORECASE)
# Words that never follow an article, so that "A because ..." and "A is shown" are about option A.
NO_NOUN = (
    r"(?:because|since|as|given|due|based|for|which|where|that|therefore|thus|so|and|but|in|on|at|by|from|with|is|are|was|has|have|can|cannot|would"
    r"|will|if|when|while|rather|not|according|to)\b"
)
NEGATED = re.compile(
    r"(?:\bnot|n['’]t|\bnever|\bneither|\bnor|\bno|\bexcept|\bexclud\w+|\beliminat\w+|\brul\w+\s+out|\brather\s+than|\binstead\s+of|\bunlike|\bwithout"
    r"|不是|不选|并非|而非|没有|排除|除了|无)(?:[^\w,]{1,3}\w{1,12}){0,2}[^\w,]{0,3}$",
    re.IGNORECASE,
)
DENIED = re.compile(
    r"^\s{0,3}(?:is|are|was|can|could|does|do|has)?\s{0,2}(?:not\b|n['’]t|cannot\b|no\s+longer)|^\s{0,3}(?:不是|不在|不能|没有)",
    re.IGNORECASE,
)
UNABLE = re.compile(
    r"(?:\bunable\s+to|\bnot\s+able\s+to|\bcan(?:no|['’])t|\bcannot|\bcould\s*n(?:o|['’])t)\s{0,3}(?:\w{1,12}\s{1,3}){0,2}$", re.IGNORECASE
)
ASKED = re.compile(r"[)\]\"'”’\s]{0,3}(?:(?:呢|吗)?\?|还是|或)")
LISTED = re.compile(r"[.):、][^\n]{0,200}\n\s{0,4}[(\[]?([A-Z])[.):、]")
OR_OTHER = re.compile(r"[^.!?。!\n;]{0,3}[.):、]?[^.!?。!\n;]{0,80}\s(?:or|或者?)\s{0,2}(?:option\s{1,2})?[(\[]?[A-Z][)\].:、](?!\w)")
WRONG = re.compile(r"\s{0,2}[((]?(?:选项|项)?\s{0,2}是?(?:错|不对|不正确|有误)")
LOSER = re.compile(
    r"[)\]】\"'*”]{0,3}\s{1,3}(?:(?:is|are|was|were)\s{1,3}(?:not|wrong|incorrect|false|excluded|ruled\s+out)\b|(?:isn|aren|wasn)['’]t\b"
    r"|(?:only\s+)?(?:if|unless)\b|\((?:wrong|incorrect|false)\b)"
)
BUT_ASKED = re.compile(r"[\s,;]{0,3}but\s+(?:\w+\s+){0,2}question\b")
NO_DOUBT = re.compile(r"\b(?:no|without(?:\s+an?y?)?)\s(?:doubt|question)\b")
VERDICT = re.compile(
    r"^\W{0,6}([A-Z])\W{1,6}(?:(?P<yes>true|yes|right|correct|正确|对|是|✓|✔|✅|√)|false|no|wrong|incorrect|错误|错|否|不是|✗|✘|✖|❌|×)\W{0,3}$",
    re.IGNORECASE | re.MULTILINE,
)
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", *"一二三四五六")
ORDINAL = re.compile(
    rf"(?:the\s)?({'|'.join(ORDINALS[:6])})\s(?:option|choice|answer|one)\W*|第([{''.join(ORDINALS[6:])}])个?(?:选项|答案)\W*",
    re.IGNORECASE,
)
WAIT = re.compile(r"\b(?:wait|actually|correction|on\s+second\s+thought|sorry|my\s+mistake)\b|等等|不对|更正", re.IGNORECASE)
LAST_SENTENCE = re.compile(r"[.!?。!]\s{1,3}[(\[]?([A-Z])[)\]]?[.。]?\s*\Z")
REFUSED = re.compile(
    r"\b(?:can(?:no|['’])t|cannot|could\s+not|couldn['’]t|unable\s+to|impossible\s+to|do(?:es)?\s+not|don['’]t|didn['’]t|not)\s+"
    r"(?:\w+\s+){0,2}(?:know|tell|say|determine|determined|answer|see|seen|identify|sure|certain|enough|possible)\b|无法|不知道|不确定|不能确定|看不清|\bsorry\b",
    re.IGNORECASE,
)
HYPOTHETICAL = re.compile(r"\b(?:if|had|were|suppose|assuming|unless)\b[^.!?\n]{0,200}$|(?:如果|假如|若)[^。!?\n]{0,60}$", re.IGNORECASE)
WOULD = re.compile(r"\b(?:would|could|might)\b|会|将")
