"""Answers to multiple-choice questions, English and Chinese, with the option that a reader would say they name ("" for none).

`TEMPLATES` are shapes seen in public reports and in answers of models; each is written out for two options. L is the option's letter, l
the same in lower case, T its text, O and U another option's letter and text. `LITERAL` are answers of their own.
"""

from __future__ import annotations

from string import ascii_uppercase

ANIMALS = ("cat", "dog", "bird", "fish")
COLOURS = ("red", "dark red", "blue", "light green")
PHRASES = ("on the left of the table", "behind the sofa", "under the bed", "next to the window")
TIERE = ("猫", "狗", "鸟", "鱼")
ORTE = ("桌子的左边", "沙发后面", "床底下", "窗户旁边")
NUMBERS = ("1", "2", "3", "4")
YESNO = ("Yes", "No")
TEN = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa")

ENGLISH = r"""
L
l
L.
(L)
[L]
L)
(l)
**L**
**L.**
**(L)**
*L*
`L`
"L"
'L'
L:
 L
L\n
L\n\n
L. T
L) T
(L) T
[L] T
L: T
L - T
L, T
L T
**L. T**
**L) T**
**L**. T
L. **T**
L. T.
Option L
option L
Choice L
Letter L
Option L.
Option (L)
Option L: T
Answer: L
answer: L
ANSWER: L
Answer L
Answer: (L)
Answer: L.
Answer: L. T
Answer: L) T
Answer: **L**
**Answer: L**
**Answer:** L
**Answer**: **L**
Answer: `L`
Answer: "L"
Answer:\nL
Answer:\n\n**L**
Ans: L
Ans. L
Final answer: L
Final Answer: (L) T
**Final Answer: L**
### Final Answer\n**L**
### Answer:\nL. T
The answer is L
The answer is L.
The answer is (L).
The answer is **L**.
The answer is "L".
The answer is L: T
The answer is L. T
The answer is L, T.
The answer is: L
The answer is: (L) T
The answer is option L.
The answer is choice (L).
The answer is l.
the answer is l
The correct answer is L.
The correct answer is (L) T.
The correct answer is **L. T**.
The correct answer is: **L) T**
The correct option is L.
The correct choice is L.
The right answer is L.
The best answer is L.
The best choice would be L.
The most likely answer is L.
The correct answer would be L.
The correct answer should be L.
The answer must be L.
The answer to this question is L.
The correct answer to the question is (L).
My answer is L.
My choice is L.
My final answer is (L).
So the answer is L.
So, the answer is L.
Therefore, the answer is L.
Therefore, the correct answer is (L) T.
Thus, the correct option is L.
Hence, the answer is (L).
Therefore, L.
So L.
I choose L.
I would choose L.
I'd choose (L).
I pick L.
I would select option L.
I will go with L.
I'll go with option L.
I'd go with (L) T.
I choose option L because it fits.
I select L, since the T is in front.
It is L.
It's L.
It is (L).
L is correct.
L is the correct answer.
L is the right answer.
(L) is correct.
(L) is the correct answer.
Option L is correct.
Option L is the correct answer.
Option L is the best choice.
Option (L) is correct.
The option L is correct.
L. T is the correct answer.
L is the answer.
L is the best answer.
The correct answer is L because the picture shows it.
The answer is L because of the shape.
The answer is L since no other fits.
The answer is L as shown in the image.
The correct answer is L. Here's why: option L fits, whereas O does not.
The correct answer is L. O is wrong because it shows something else.
L. T. The other options are wrong.
L\n\nExplanation: option O is not in the picture.
L\nReason: the T is in front.
L. T\n\nO. U is not shown.
Answer: L\nExplanation: O is a common mistake.
The answer is L, not O.
It is not O, so the answer is L.
The answer is not O but L.
Not O. The answer is L.
At first sight O, but the answer is L.
I thought the answer is O. Wait, the answer is L.
The answer is O. No, wait. The correct answer is L.
Let me look at each option.\nA. no\nB. no\nC. no\nD. no\nThe answer is L.
Option A is one way. Option B is another. Option C could be. Option D too. The correct option is L.
The picture shows many things.\n\nL
The picture shows many things.\n\n**L**
The picture shows many things.\n(L)
Looking at the picture, I see it.\n\nAnswer: L
Looking at the picture, I see it. The answer is: \boxed{L}
\boxed{L}
\boxed{\text{L}}
\boxed{\textbf{L}}
\boxed{\mathrm{L}}
\boxed{(L)}
\boxed{L. T}
\boxed{\text{L. T}}
\boxed{\text{(L) T}}
\boxed{T}
$\boxed{L}$
$$\boxed{L}$$
\[\boxed{L}\]
\(\boxed{L}\)
The final answer is $\boxed{L}$.
The final answer is: $\boxed{\text{L}}$
\fbox{L}
We find $x = \boxed{42}$. The answer is L.
We get \boxed{\langle H\rangle \ll \Delta E}, so\n\n**Answer: L**
$\text{L}$
$L$
\text{L}
<answer>L</answer>
<answer> L </answer>
<answer>(L)</answer>
<answer>L. T</answer>
<answer>T</answer>
<answer>\nL\n</answer>
<answer>The answer is L.</answer>
<answer>\boxed{L}</answer>
<answer>L
Option O looks likely at first. <answer>L</answer>
<CONCLUSION>L</CONCLUSION>
<CONCLUSION> L </CONCLUSION>
<final_answer>L</final_answer>
<|begin_of_box|>L<|end_of_box|>
The answer is <|begin_of_box|>L<|end_of_box|>
<|begin_of_box|>L. T<|end_of_box|>
{"answer": "L"}
{"answer":"L"}
{"answer": "L. T"}
{"answer": "T"}
{"answer": "L", "reason": "O is wrong"}
{"reason": "O is wrong", "answer": "L"}
{"final_answer": "L"}
{"choice": "L"}
{"option": "L"}
{'answer': 'L'}
```json\n{"answer": "L"}\n```
```json\n{\n  "answer": "L",\n  "confidence": 0.9\n}\n```
```\nL\n```
["L"]
L</s>
L<|im_end|>
Answer: L<|endoftext|>
L<eos>
L<end_of_turn>
<|im_start|>assistant\nL
L<|eot_id|>
T
T.
The T
The T.
**T**
"T"
The answer is T.
The answer is the T.
The correct answer is T.
The answer is "T".
It is the T.
I think the answer is the T.
The correct answer is the T because it is in front.
The picture shows the T.
There is only the T here.
It is not the U but the T.
The T, not the U.
Ｌ
（Ｌ）
Ｌ．
Ａnswer：Ｌ
<b>L</b>
<p>L</p>
> L
- L
# L
L !
L ✓
Final choice: L
Selected option: L
Correct option: L
Correct answer: L
Correct answer: (L) T
The correct option is: **(L) T**
The answer is → L
Answer => L
The answer = L
Answer - L
answer is L
Choice: L
Option: L
Antwort: L
Respuesta: L
I believe the answer is L.
I am confident that the answer is L.
Based on the image, the answer is L.
Based on the image, the correct answer is:\n\nL. T
Based on the image, the correct answer is:\n\n**L. T**
Among the options, L is correct.
Of these, only L is correct.
Given the options, I would pick (L).
Let's see. The T is there. So, L.
Step 1: look. Step 2: think. Step 3: answer. The answer is (L).
The answer is L.\n\nThe answer is L.
"""

CHINESE = r"""
答案是L
答案是L。
答案为L
答案：L
答案:L
答案：L。
答案： L
答案：（L）
答案：【L】
答案是（L）
答案是：L
答案是 L。
答案是L选项。
答案是选项L。
答案选L
答案应该是L
答案应为L。
正确答案是L。
正确答案为L
正确答案：L
正确答案是：L. T
正确答案是（L）T。
**正确答案：L**
**答案：L**
最终答案：L
最终答案是L。
参考答案：L
所以答案是L。
因此答案是L。
因此，正确答案是L。
综上所述，答案为L。
故答案为L。
故答案为：L
故选L
故选：L
故选L。
故选（L）。
故本题选L。
本题选L
选L
选L。
选择L
选择L。
选：L
选项L
选项L。
选择：L
我选L
我选择L。
我会选择L。
我认为答案是L。
应选L
应该选L。
应选择L。
所以选L。
因此选择L。
因此选择选项L。
正确选项是L
正确的选项是L。
正确选项：L
正确的是L
L选项
L选项。
L项
L。
L、T
L．T
L. T
L：T
（L）
（L）T
【L】
L选项正确。
L是正确的。
L是正确答案。
L是对的。
L正确。
L项正确。
选项L正确。
选项L是正确的。
L选项是正确答案。
L选项符合题意。
只有L正确。
答案是L，因为图中可以看到。
答案是L，不是O。
不是O，而是L。
不选O，选L。
不能选O，应选L。
答案不是O，而是L。
O不正确，答案是L。
图中可以看到很多东西。\n\n答案：L
图中可以看到很多东西。\n答案是L
首先看图。\n\nL
根据图片，答案是L。
根据图片内容，正确答案是：\n\nL. T
A选项不对，B选项不对，C选项不对，D选项不对。综上，选L。
答案：L\n解析：O是错误的。
L\n解析：图中没有O。
解析：图中有T。故选L。
【答案】L
【答案】L【解析】图中有T。
<answer>L</answer>
\boxed{L}
答案是\boxed{L}
答案是$\boxed{L}$。
答案是**L**。
答案是“L”。
答案是「L」。
{"答案": "L"}
{"answer": "L", "解析": "O不对"}
T
T。
答案是T。
答案是：T
是T。
图中是T。
应该是T
Ｌ
（Ｌ）
答案：Ｌ
答：L
答：L。
结论：L
"""

# (answer, options, what is named)
LITERAL: tuple[tuple[str, tuple[str, ...], str], ...] = (
    # Nothing is named.
    ("ANSWER: None of the above", ANIMALS, ""),
    ("None of the above", ANIMALS, ""),
    ("ANSWER: Don't know", ANIMALS, ""),
    ("ANSWER: I don't know", ANIMALS, ""),
    ("I don't know.", TEN, ""),
    ("I cannot tell.", TEN, ""),
    ("I think so.", TEN, ""),
    ("Answer: A cat cannot be seen, so I can't tell", ANIMALS, ""),
    ("I'm sorry, but I can't help with that.", ANIMALS, ""),
    ("Sorry, the image is too small to say.", ANIMALS, ""),
    ("It cannot be determined from the image.", ANIMALS, ""),
    ("A or B", ANIMALS, ""),
    ("The answer is A or B.", ANIMALS, ""),
    ("Either B or C.", ANIMALS, ""),
    ("A/B", ANIMALS, ""),
    ("Both are possible.", ANIMALS, ""),
    ("Neither A nor B.", ANIMALS, ""),
    ("The answer is not A.", ANIMALS, ""),
    ("It is not B.", ANIMALS, ""),
    ("A is incorrect.", ANIMALS, ""),
    ("Option B is wrong.", ANIMALS, ""),
    ("B is not correct.", ANIMALS, ""),
    ("Z", ANIMALS, ""),
    ("E", ANIMALS, ""),
    ("The answer is E.", ANIMALS, ""),
    ("(F)", ANIMALS, ""),
    ("", ANIMALS, ""),
    (" \n ", ANIMALS, ""),
    ("?", ANIMALS, ""),
    ("...", ANIMALS, ""),
    ("The picture shows a horse.", ANIMALS, ""),
    ("The answer is a horse.", ANIMALS, ""),
    ("A horse stands in a field.", ANIMALS, ""),
    ("A photo of an elephant", ANIMALS, ""),
    ("I see a horse and a cow.", TEN, ""),
    ("A cat and a dog are playing.", ANIMALS, ""),
    ("There is a cat, a dog and a bird.", ANIMALS, ""),
    ("A. cat\nB. dog\nC. bird\nD. fish", ANIMALS, ""),
    ("A) cat B) dog C) bird D) fish", ANIMALS, ""),
    ("Vitamin C", ANIMALS, ""),
    ("Plan B is in action here", ANIMALS, ""),
    ("C++ is a language", ANIMALS, ""),
    ("It is 20 °C outside.", ANIMALS, ""),
    ("An A-frame house", ANIMALS, ""),
    ("U.S.A.", ANIMALS, ""),
    ("D-Day", ANIMALS, ""),
    ("Grade A beef", ANIMALS, ""),
    ("The answer depends on a number of things.", ANIMALS, ""),
    ("The answer is in the picture.", ANIMALS, ""),
    ("The answer is a matter of taste.", ANIMALS, ""),
    ("The options are A, B, C and D", ANIMALS, "ABCD"),
    ("Please give me the options.", ANIMALS, ""),
    ("Choose a or b", ANIMALS, ""),
    ("Is it A?", ANIMALS, ""),
    ("无法确定。", TIERE, ""),
    ("不知道", TIERE, ""),
    ("图中没有猫。", TIERE, ""),
    ("图片不清楚，无法判断。", TIERE, ""),
    ("以上都不是", TIERE, ""),
    ("A或B", TIERE, ""),
    ("A还是B？", TIERE, ""),
    ("不选A", TIERE, ""),
    ("答案不是A", TIERE, ""),
    ("A不正确", TIERE, ""),
    ("A选项错误", TIERE, ""),
    ("图中有猫和狗。", TIERE, ""),
    ("一匹马", TIERE, ""),
    ("这是一张照片。", TIERE, ""),
    ("\\boxed{42}", ANIMALS, ""),
    ("\\boxed{x = A + B}", ANIMALS, ""),
    ("<answer>horse</answer>", ANIMALS, ""),
    ('{"answer": "horse"}', ANIMALS, ""),
    ('{"answer": null}', ANIMALS, ""),
    ("BAD", ANIMALS, ""),
    ("DAD", ANIMALS, ""),
    ("CAB", ANIMALS, ""),
    ("I", ANIMALS, ""),
    ("a dog or a cat", ANIMALS, ""),
    ("The answer is B. cat", ANIMALS, ""),
    ("A. dog", ANIMALS, ""),
    # Articles, pronouns and option texts.
    ("The answer is a dog.", ANIMALS, "B"),
    ("The answer is a fish.", ANIMALS, "D"),
    ("The correct answer is a bird sitting on a branch.", ANIMALS, "C"),
    ("My choice is a bird", ANIMALS, "C"),
    ("The best option is a dog", ANIMALS, "B"),
    ("The answer: a dog", ANIMALS, "B"),
    ("The answer is I think dog", ANIMALS, "B"),
    ("A dog.", ANIMALS, "B"),
    ("a fish", ANIMALS, "D"),
    ("A bird is flying over the house.", ANIMALS, "C"),
    ("It is a dog, not a cat.", ANIMALS, "B"),
    ("I think it is a cat", TEN[:0] + ANIMALS, "A"),
    ("There isn't a cat; there is a dog.", ANIMALS, "B"),
    ("The answer is A cat", ANIMALS, "A"),
    ("The answer is B dog", ANIMALS, "B"),
    ("The answer is A, a cat.", ANIMALS, "A"),
    ("A", ANIMALS, "A"),
    ("a", ANIMALS, "A"),
    ("A.", ANIMALS, "A"),
    ("A because it has whiskers", ANIMALS, "A"),
    ("The answer is A because it has whiskers.", ANIMALS, "A"),
    ("The answer is A in this picture.", ANIMALS, "A"),
    ("I", TEN, "I"),
    ("(I)", TEN, "I"),
    ("The answer is I.", TEN, "I"),
    ("The answer is C because I computed it.", TEN, "C"),
    ("I think the answer is B.", TEN, "B"),
    ("I would say J.", TEN, ""),
    ("dark red", COLOURS, "B"),
    ("The car is dark red.", COLOURS, "B"),
    ("The car is red.", COLOURS, "A"),
    ("It's light green", COLOURS, "D"),
    ("The man stands behind the sofa.", PHRASES, "B"),
    ("He is next to the window, looking out.", PHRASES, "D"),
    ("It is on the left of the table.", PHRASES, "A"),
    ("The answer is: under the bed", PHRASES, "C"),
    ("人在沙发后面。", ORTE, "B"),
    ("答案是床底下", ORTE, "C"),
    ("在窗户旁边", ORTE, "D"),
    ("图中是一只狗。", TIERE, "B"),
    ("是一只鸟", TIERE, "C"),
    ("答案是一条鱼。", TIERE, "D"),
    ("Yes", YESNO, "A"),
    ("No.", YESNO, "B"),
    ("yes, there is no dog", YESNO, "A"),
    ("No, there isn't.", YESNO, "B"),
    ("The answer is yes.", YESNO, "A"),
    ("The answer is no.", YESNO, "B"),
    ("B. No", YESNO, "B"),
    ("(A) Yes", YESNO, "A"),
    ("2", NUMBERS, "B"),
    ("3.", NUMBERS, "C"),
    ("There are 4 cars.", NUMBERS, "D"),
    ("The answer is 3.", NUMBERS, "C"),
    ("B. 2", NUMBERS, "B"),
    ("I see 1 dog and 2 cats", NUMBERS, ""),
    ("2", ANIMALS, "B"),
    ("Option 3", ANIMALS, "C"),
    ("(4)", ANIMALS, "D"),
    ("5", ANIMALS, ""),
    ("0", ANIMALS, ""),
    ("第2个选项", TIERE, "B"),
    # Several letters.
    ("ABD", ANIMALS, "ABD"),
    ("A, B, D", ANIMALS, "ABD"),
    ("A,B,D", ANIMALS, "ABD"),
    ("A、B、D", ANIMALS, "ABD"),
    ("A B", ANIMALS, ""),
    ("A and B", ANIMALS, "AB"),
    ("A & C", ANIMALS, "AC"),
    ("D, A", ANIMALS, "AD"),
    ("AB", ANIMALS, "AB"),
    ("(A), (C)", ANIMALS, "AC"),
    ("ANSWER: A,B,D", ANIMALS, "ABD"),
    ("The correct answers are A and C.", ANIMALS, "AC"),
    ("The answer is both A and B.", ANIMALS, "AB"),
    ("A and C are correct.", ANIMALS, "AC"),
    ("The correct options are B, C and D.", ANIMALS, "BCD"),
    ("答案是A、C", TIERE, "AC"),
    ("答案：ABD", TIERE, "ABD"),
    ("选AC", TIERE, "AC"),
    ("A和C都正确", TIERE, "AC"),
    ("\\boxed{A, C}", ANIMALS, "AC"),
    ("<answer>A, C</answer>", ANIMALS, "AC"),
    ('{"answer": ["A", "C"]}', ANIMALS, "AC"),
    # What comes later, or before, is no answer.
    ("Answer: **D**", ANIMALS, "D"),
    ("I considered (A), but it is incorrect. Final answer: D.", ANIMALS, "D"),
    ("The correct answer is d.", ANIMALS, "D"),
    ("Based on the picture, the correct answer is (B).", ANIMALS, "B"),
    ("C. A pretty girl stands there", ANIMALS, "C"),
    ("Answer: this asks which is a colour\n\nANSWER: B", ANIMALS, "B"),
    ("ANSWER IS D. A is incorrect.", ANIMALS, "D"),
    ("The answer is B. Note that A is a common distractor.", ANIMALS, "B"),
    ("Antwort:\n\nAntwort: C", ANIMALS, "C"),
    ("If the question were about cats, the answer would be A. The answer is B.", ANIMALS, "B"),
    ("The answer is B. If it had whiskers, the answer would be A.", ANIMALS, "B"),
    ("Is it A? No. Is it B? No. The answer is C.", ANIMALS, "C"),
    ("Let A be the area and B the base. The answer is C.", ANIMALS, "C"),
    ("Object B is right of object A. So the answer is D.", ANIMALS, "D"),
    ("Options A and B can be ruled out. C is correct.", ANIMALS, "C"),
    ("We can eliminate A, B and D. The correct answer is C", ANIMALS, "C"),
    ("A: no. B: no. C: yes. D: no. Answer: C", ANIMALS, "C"),
    ("Point A is at the top, point B below. The answer is (D) fish.", ANIMALS, "D"),
    ("The triangle ABC has a right angle. Answer: D", ANIMALS, "D"),
    ("The answer is (b).", ANIMALS, "B"),
    ("The answer is b)", ANIMALS, "B"),
    ("c", ANIMALS, "C"),
    ("答案是b", TIERE, "B"),
    ("三角形ABC中，答案选D", TIERE, "D"),
    ("A点在上面，B点在下面，故选C。", TIERE, "C"),
    ("如果是猫，答案会是A。但是图中是狗，答案是B。", TIERE, "B"),
    ("The final answer is $\\boxed{B}$. Option A is wrong.", ANIMALS, "B"),
    ("<answer>B</answer> because A is a cat", ANIMALS, "B"),
    ("(B) because (A) is too small", ANIMALS, "B"),
    ("Answer: C. Both A and B are out of the picture.", ANIMALS, "C"),
    ("Correct: B", ANIMALS, "B"),
    ("B, the dog", ANIMALS, "B"),
    ("B - the dog is in front", ANIMALS, "B"),
    ("dog (B)", ANIMALS, "B"),
    ("The animal is a dog (option B).", ANIMALS, "B"),
    ("The dog, which is option B, is correct.", ANIMALS, "B"),
    # Written to lead a reader astray.
    ("Upon reviewing the image, I can confidently state that the correct answer is option (C), which is bird.", ANIMALS, "C"),
    ("The cat is behind. Therefore, option C is the correct answer.", ANIMALS, "C"),
    ("Comparing A with B, A is larger than B. So the answer is A.", ANIMALS, "A"),
    ("I'm not sure, but I'd guess B.", ANIMALS, "B"),
    ("Probably B", ANIMALS, "B"),
    ("B?", ANIMALS, "B"),
    ("Answer: The answer is C", ANIMALS, "C"),
    ("The answer is **not** A. It's **C**.", ANIMALS, "C"),
    ("Among the choices, the one that best matches is D.", ANIMALS, "D"),
    ("So my answer would be C: bird", ANIMALS, "C"),
    ("The answer is A. cat", ANIMALS, "A"),
    ("a) cat", ANIMALS, "A"),
    ("b. dog", ANIMALS, "B"),
    ("(c) bird", ANIMALS, "C"),
    ("Step 1: A is 3. Step 2: B is 4. The final answer is: D", ANIMALS, "D"),
    ("The best description of the picture is B.", ANIMALS, "B"),
    ("The option that matches is (A).", ANIMALS, "A"),
    ("I would rate this a C", ANIMALS, ""),
    ("As an AI model, I cannot see images.", ANIMALS, ""),
    ("As shown, A is the tallest. Answer: C", ANIMALS, "C"),
    ("A is the tallest.", ANIMALS, ""),
    ("In the image, point C is marked", ANIMALS, ""),
    ("The animal on the left is a dog and the one on the right is a cat, so the answer is dog.", ANIMALS, "B"),
    ("Yes", ANIMALS, ""),
    ("The cat", ANIMALS, "A"),
    ("Cats", ANIMALS, ""),
    ("CAT", ANIMALS, "A"),
    ("cat, dog", ANIMALS, ""),
    ("The correct answer is either A or B.", ANIMALS, ""),
    ("The answer could be A, but more likely it is B.", ANIMALS, "B"),
    ("The answer might be C.", ANIMALS, "C"),
    ("Option A is incorrect because... Option B is incorrect... Option C is incorrect... Therefore Option D.", ANIMALS, "D"),
    ("A is wrong, B is wrong, D is wrong.", ANIMALS, ""),
    ("A is not the correct answer; C is.", ANIMALS, "C"),
    ("None of A, B, C, D", ANIMALS, ""),
    ("The answer is none of the above.", ANIMALS, ""),
    ("All of the above", ANIMALS, ""),
    ("All of the above", ("cat", "dog", "Both", "All of the above"), "D"),
    ("None of the above.", ("cat", "dog", "bird", "None of the above"), "D"),
    ("It cannot be determined.", ("cat", "dog", "bird", "Cannot be determined"), "D"),
    ("Cannot be determined", ("cat", "dog", "bird", "Cannot be determined"), "D"),
    ("不能确定", ("猫", "狗", "鸟", "不能确定"), "D"),
    ("我觉得应该选择B，因为图中有狗", TIERE, "B"),
    ("根据图片，这个动物是狗，所以选B", TIERE, "B"),
    ("B\n\n因为图中有一只狗，而不是猫", TIERE, "B"),
    ("选项A：猫，选项B：狗。图中是鸟，答案选C", TIERE, "C"),
    ("正确答案应该是选项C：鸟", TIERE, "C"),
    ("我的答案是C", TIERE, "C"),
    ("答案应当为（D）。", TIERE, "D"),
    ("本题正确答案为D项", TIERE, "D"),
    ("排除A、B、C，选D", TIERE, "D"),
    ("A、B、C都不对，选D", TIERE, "D"),
    ("A错误，B错误，C正确，D错误", TIERE, "C"),
    ("A错误；B错误；C错误。", TIERE, ""),
    ("该图描述的是B", TIERE, ""),
    ("综上，B选项最符合。", TIERE, "B"),
    ("所以，选项B是正确答案。", TIERE, "B"),
    ("对应选项为B", TIERE, "B"),
    ("B选项的描述是正确的", TIERE, "B"),
    ("答案：B（狗）", TIERE, "B"),
    ("答案：狗（B）", TIERE, "B"),
    ("答案B", TIERE, "B"),
    ("答案 B", TIERE, "B"),
    ("**B** 狗", TIERE, "B"),
    ("The answer is (A) cat.\n\nLet me verify: (B) dog is not in the picture.", ANIMALS, "A"),
    ('<answer>\n```json\n{"answer":"C"}\n```\n</answer>', ANIMALS, "C"),
    ("Final Answer: \\(\\boxed{\\text{C) bird}}\\)", ANIMALS, "C"),
    ("\\[\\boxed{C}\\] is my final answer", ANIMALS, "C"),
    ("**Final Answer**\n\n\\boxed{C}", ANIMALS, "C"),
    ("The final answer is \\boxed{3}", NUMBERS, "C"),
    ("\\boxed{bird}", ANIMALS, "C"),
    ("E. eagle", ANIMALS, ""),
    ("The answer is iota.", TEN, "I"),
    ("I believe it is J", TEN, "J"),
    ("I choose I.", TEN, "I"),
    ("I see. I think that I know.", TEN, ""),
    ("H.", TEN, "H"),
    ("A.B.", ANIMALS, ""),
    ("A;C", ANIMALS, "AC"),
    ("A,C", ANIMALS, "AC"),
    ("['A', 'C']", ANIMALS, "AC"),
    ('["A","C"]', ANIMALS, "AC"),
    ("The answers are A and D.", ANIMALS, "AD"),
    ("Correct answers: B, D", ANIMALS, "BD"),
    ("The answer is A & B", ANIMALS, "AB"),
    ("B is the answer, not A", ANIMALS, "B"),
    ("not A but B", ANIMALS, "B"),
    ("I'd say it's B", ANIMALS, "B"),
    ("it's a B", ANIMALS, ""),
    ("Answer:B", ANIMALS, "B"),
    ("ANSWER:(B)", ANIMALS, "B"),
    ("answer=B", ANIMALS, "B"),
    ("Ans:B", ANIMALS, "B"),
    ("The answer is option B - dog.", ANIMALS, "B"),
    ('The answer is "B. dog".', ANIMALS, "B"),
    ("The answer is 'dog'.", ANIMALS, "B"),
    ("Option B) dog", ANIMALS, "B"),
    ("Choice (B): dog", ANIMALS, "B"),
    ("My final answer: B) dog.", ANIMALS, "B"),
    ("Sure! The answer is B.", ANIMALS, "B"),
    ("B is the most appropriate option.", ANIMALS, "B"),
    ("B best describes the image.", ANIMALS, "B"),
    ("The correct option is B) dog", ANIMALS, "B"),
    ("dog is the correct answer", ANIMALS, "B"),
    ("The dog is the correct answer.", ANIMALS, "B"),
    ("Cat is not correct. Dog is correct.", ANIMALS, "B"),
    ("The correct answer isn't A, it's B.", ANIMALS, "B"),
    ("I initially thought B, but the answer is C. cat would be A.", ANIMALS, "C"),
    ("Question: which? A. cat B. dog C. bird D. fish\nAnswer: C", ANIMALS, "C"),
    ("A. cat\nB. dog\nC. bird\nD. fish\n\nB", ANIMALS, "B"),
    ("A. cat\nB. dog\nC. bird\nD. fish\n\nB. dog", ANIMALS, "B"),
    ("The options are:\nA. cat\nB. dog\nC. bird\nD. fish\nBased on the image, it is a bird.", ANIMALS, "C"),
    ("Let's analyze:\n- A: cat - no\n- B: dog - yes\n- C: bird - no\nSo **B**.", ANIMALS, "B"),
    ("1. cat: no\n2. dog: yes", ANIMALS, "B"),
    ("The answer is 2", ANIMALS, "B"),
    ("Answer: 2", ANIMALS, "B"),
    ("Answer: A\n\nAnswer: B", ANIMALS, "B"),
    ("A\nB\nC\nD", ANIMALS, ""),
    ("I pick the dog", ANIMALS, "B"),
    ("Neither the cat nor the dog; it's the fish.", ANIMALS, "D"),
    ("Definitely the fish!", ANIMALS, "D"),
    ("red herring: The answer is dark", ("dark", "light"), "A"),
    ("Is the answer A?", ANIMALS, ""),
    ("Could the answer be A? No. B fits.", ANIMALS, "B"),
    ("Looking at the image, A shows a cat, B shows a dog, C shows a bird. The question asks for the one that flies. C.", ANIMALS, "C"),
    ("Option A: incorrect. Option B: correct. Option C: incorrect.", ANIMALS, "B"),
    ("A: wrong\nB: right\nC: wrong\nD: wrong", ANIMALS, "B"),
    ("A. ✗\nB. ✓\nC. ✗\nD. ✗", ANIMALS, "B"),
    ("Given that A > B, the answer is C", ANIMALS, "C"),
    ("The answer is therefore B.", ANIMALS, "B"),
    ("The answer must be (C) since A and B are eliminated", ANIMALS, "C"),
    ("Since option A and option D are both incorrect, the answer is either B or C. B is more likely, so the answer is B.", ANIMALS, "B"),
    ("I would eliminate A. I would eliminate C. So B or D. I choose D.", ANIMALS, "D"),
    ("The correct answer is not listed.", ANIMALS, ""),
    ("None of the options are correct.", ANIMALS, ""),
    ("None of these", ANIMALS, ""),
    ("D. None of the above", ("Red", "Blue", "Green", "None of the above"), "D"),
    ("The answer is None of the above.", ("Red", "Blue", "Green", "None of the above"), "D"),
    ("The color is blue.", ("Red", "Blue", "Green", "None of the above"), "B"),
    ("Blue and red", ("Red", "Blue", "Green", "None of the above"), ""),
    ("It looks like the man is walking.", ("The man is running", "The man is walking", "The man is sitting", "The man is sleeping"), "B"),
    ("The man is walking, not running.", ("The man is running", "The man is walking", "The man is sitting", "The man is sleeping"), "B"),
    ("He is walking", ("The man is running", "The man is walking", "The man is sitting", "The man is sleeping"), ""),
    ("24", ("12", "24", "36", "48"), "B"),
    ("The total is 24.", ("12", "24", "36", "48"), "B"),
    ("12 + 12 = 24", ("12", "24", "36", "48"), ""),
    ("12 + 24 = 36", ("12", "24", "36", "48"), ""),
    ("The answer is 12 + 24 = 36.", ("12", "24", "36", "48"), ""),
    ("24%", ("12", "24", "36", "48"), ""),
    ("$24", ("12", "24", "36", "48"), "B"),
    ("24.0", ("12", "24", "36", "48"), "B"),
    ("The answer is 24 apples", ("12", "24", "36", "48"), "B"),
    ("Answer: A. The cat is black, B is brown.", ANIMALS, "A"),
    ("Answer:\nA. cat\nB. dog", ANIMALS, ""),
    ("A\n\nThe answer is A because B is brown.", ANIMALS, "A"),
    ("**Answer: (A)**\n\n**Explanation:** (B) is wrong", ANIMALS, "A"),
    ("(A) is incorrect, (B) is correct", ANIMALS, "B"),
    ("(A) and (B) are incorrect, so (C)", ANIMALS, "C"),
    ("Both (A) and (B) are correct", ANIMALS, "AB"),
    ("I think A is the best match, although B is possible.", ANIMALS, "A"),
    ("Choice A would be correct if there were whiskers, but there are none; choice B is correct.", ANIMALS, "B"),
    ("It could be A or B, but I'm leaning towards B.", ANIMALS, "B"),
    ("The answer seems to be B", ANIMALS, "B"),
    ("The best answer is probably C.", ANIMALS, "C"),
    ("D is the letter", ANIMALS, ""),
    ("Let's think step by step. First A... then B. Answer is D", ANIMALS, "D"),
    ("So, the correct choice is C (bird).", ANIMALS, "C"),
    ("So, the correct choice is C (cat).", ANIMALS, ""),
    ("the answer: c", ANIMALS, "C"),
    ("Answer is: d.", ANIMALS, "D"),
    ("answer a", ANIMALS, ""),
    ("ANSWER A", ANIMALS, "A"),
    ("Answer - (A)", ANIMALS, "A"),
    ("A) cat is the right answer", ANIMALS, "A"),
    ("A cat is the right answer", ANIMALS, "A"),
    ("The dog is to the right of the cat. The answer is cat.", ANIMALS, "A"),
    ("The correct animal is the dog.", ANIMALS, "B"),
    ("Actually, it's not B; the answer is A.", ANIMALS, "A"),
    ("B. Wait, actually C.", ANIMALS, ""),
    ("The answer is B. Actually, no: the answer is C.", ANIMALS, "C"),
    ("In conclusion, B", ANIMALS, "B"),
    ("My guess: B", ANIMALS, "B"),
    ("Final: B", ANIMALS, "B"),
    ("=> B", ANIMALS, "B"),
    ("→ B", ANIMALS, "B"),
    ("option b", ANIMALS, "B"),
    ("Option b is right", ANIMALS, "B"),
    ("The image corresponds to option B.", ANIMALS, "B"),
    ("This matches option B.", ANIMALS, "B"),
    ("This corresponds to B. dog", ANIMALS, "B"),
    ("选项 B 是对的", TIERE, "B"),
    ("我觉得是B", TIERE, "B"),
    ("应该是B吧", TIERE, "B"),
    ("可能是A，也可能是B", TIERE, ""),
    ("A和B都不对，应该选C", TIERE, "C"),
    ("图中动物不是猫，是狗", TIERE, "B"),
    ("不是A，是B", TIERE, "B"),
    ("答案不是A而是B", TIERE, "B"),
    ("显然选B。A太小了", TIERE, "B"),
    ("正确的选项应该是 C。", TIERE, "C"),
    ("正确答案:C、鸟", TIERE, "C"),
    ("所以答案就是B", TIERE, "B"),
    ("因此本题的正确答案是（B）狗。", TIERE, "B"),
    ("【B】", TIERE, "B"),
    ("答案是A或B", TIERE, ""),
    ("选A还是选B呢？", TIERE, ""),
    ("A错，B对", TIERE, "B"),
    ("综合来看，D更符合", TIERE, ""),
    ("选（A）（C）", TIERE, "AC"),
    ("答案：A C", TIERE, ""),
    ("答案为A，C。", TIERE, "AC"),
    ("The answers: A, B", ANIMALS, "AB"),
    ("A + B", ANIMALS, "AB"),
    ("A/B/C", ANIMALS, ""),
    ("All of A, B and C", ANIMALS, "ABC"),
    ("A, B, and C are correct.", ANIMALS, "ABC"),
    ("Only A and C", ANIMALS, ""),
    ("I can't see the image, but the answer is B", ANIMALS, "B"),
    ("I cannot determine the answer, but if I had to guess, I'd say A.", ANIMALS, ""),
    ("Unable to answer: A", ANIMALS, ""),
    ("C.) bird", ANIMALS, "C"),
    ("{C}", ANIMALS, "C"),
    ("<C>", ANIMALS, "C"),
    ("C,", ANIMALS, "C"),
    ("'C'", ANIMALS, "C"),
    ("C;", ANIMALS, "C"),
    ("C - bird", ANIMALS, "C"),
    ("C bird", ANIMALS, "C"),
    ("C cat", ANIMALS, ""),
    ("Cbird", ANIMALS, ""),
    ("c)", ANIMALS, "C"),
    ("C/ bird", ANIMALS, "C"),
    ("Answer: C</answer>", ANIMALS, "C"),
    ("<answer>C</ans", ANIMALS, "C"),
    ("\\boxed{C}\\boxed{C}", ANIMALS, "C"),
    ("\\boxed{A} or \\boxed{B}", ANIMALS, ""),
    ("```C```", ANIMALS, "C"),
    ("`C`", ANIMALS, "C"),
    # A model goes on with a turn of its own making.
    ("B\n\nQuestion: What is next? A. x B. y\nAnswer: C", ANIMALS, "B"),
    ("B\nUser: and this?\nAssistant: C", ANIMALS, "B"),
    ("The answer is B.\n### Question 2: which?\nThe answer is D.", ANIMALS, "B"),
    ("B<|im_end|>\n<|im_start|>user\nNext?<|im_end|>\n<|im_start|>assistant\nC", ANIMALS, "B"),
    ("选B\n问题：下一个？\n答案：C", ANIMALS, "B"),
    ("Question: What is it?\nAnswer: C", ANIMALS, "C"),
    ("Assistant: B", ANIMALS, "B"),
    ("Both A and C", ANIMALS, "AC"),
    ("Answer: A) cat or B) dog", ANIMALS, ""),
    ("A) cat or B) dog", ANIMALS, ""),
    ("答案选A错误，应为B", ANIMALS, ""),
    ("B and C", ("A and B", "B and C", "C and D", "A and D"), "B"),
    ("The answer is B and C", ("A and B", "B and C", "C and D", "A and D"), "B"),
    ("D. A and D", ("A and B", "B and C", "C and D", "A and D"), "D"),
    ("No doubt, yes.", YESNO, "A"),
    ("The answer is (A) only if he drinks; since he does not, it is (C).", ANIMALS, "C"),
    ("Which is false? A is correct. B is correct. D is correct. So C.", ANIMALS, "C"),
    ("A is correct, B is correct, D is correct. The false one is C.", ANIMALS, ""),
    ("Statement A is true but the question asks for the false one: C", ANIMALS, ""),
    ("答案：A（错误），应为C", ANIMALS, ""),
    # A second hand's list, written without a look at the reader.
    ("b.", ANIMALS, "B"),
    ("(b)", ANIMALS, "B"),
    ("B:", ANIMALS, "B"),
    ("B)", ANIMALS, "B"),
    ("answer - B", ANIMALS, "B"),
    ("ANSWER IS B", ANIMALS, "B"),
    ("The final answer is: $\\boxed{B}$", ANIMALS, "B"),
    ("The final answer is $\\boxed{\\textbf{(B)}}$", ANIMALS, "B"),
    ("\\[\\boxed{B. dog}\\]", ANIMALS, "B"),
    ("$$\\boxed{\\mathrm{B}}$$", ANIMALS, "B"),
    ("**Final Answer:** (B)", ANIMALS, "B"),
    ("### Final answer\nB", ANIMALS, "B"),
    ("### Answer: B. dog", ANIMALS, "B"),
    ("Based on the image, the animal is a dog, so the answer is option B.", ANIMALS, "B"),
    ("Option A is wrong because it has no whiskers. Option C is wrong as well. Therefore, B is correct.", ANIMALS, "B"),
    ("A: no, B: yes, C: no, D: no. So B.", ANIMALS, "B"),
    ("I'd go with B.", ANIMALS, "B"),
    ("I would choose option B", ANIMALS, "B"),
    ("My answer would be B", ANIMALS, "B"),
    ("I'll pick B", ANIMALS, "B"),
    ("Let's go with (B).", ANIMALS, "B"),
    ("It must be B, not A.", ANIMALS, "B"),
    ("Not A but B.", ANIMALS, "B"),
    ("The answer is not A. It is B.", ANIMALS, "B"),
    ("The answer cannot be A, so it is B.", ANIMALS, "B"),
    ("Neither A nor C; the right one is B", ANIMALS, "B"),
    ("B, because A, C and D all lack a tail.", ANIMALS, "B"),
    ("B - dog", ANIMALS, "B"),
    ("B – dog", ANIMALS, "B"),
    ("B/dog", ANIMALS, "B"),
    ("B\n\nA is a cat which is not shown.", ANIMALS, "B"),
    ("B\n\nExplanation: The image shows a dog. Options A and C are incorrect.", ANIMALS, "B"),
    (
        "Let me go through them:\nA. cat - no\nB. dog - clearly visible\nC. bird - not visible\nD. fish - not visible\n\nAnswer: B",
        ANIMALS,
        "B",
    ),
    (
        "Each option:\nA. cat - not visible\nB. dog - visible\nC. bird - not visible\nD. fish - not visible\n\nThe answer is **B. dog**.",
        ANIMALS,
        "B",
    ),
    ("Looking at the picture, I can see a dog.", ANIMALS, "B"),
    ("It's a dog!", ANIMALS, "B"),
    ("a dog", ANIMALS, "B"),
    ("Dog", ANIMALS, "B"),
    ("the animal shown is the dog", ANIMALS, "B"),
    ("There is a dog and a cat in the picture.", ANIMALS, ""),
    ("Maybe a cat or a dog.", ANIMALS, ""),
    ("I see neither a cat nor a dog.", ANIMALS, ""),
    ("I cannot determine the answer from the image.", ANIMALS, ""),
    ("I'm sorry, but I can't assist with that.", ANIMALS, ""),
    ("A definitive answer is not possible.", ANIMALS, ""),
    ("I think I need more information.", ANIMALS, ""),
    ("As an AI, I cannot see images.", ANIMALS, ""),
    ("None", ANIMALS, ""),
    ("N/A", ANIMALS, ""),
    ("Unknown", ANIMALS, ""),
    ("None of the options is correct.", ANIMALS, ""),
    ("It could be A or B.", ANIMALS, ""),
    ("Either B or C", ANIMALS, ""),
    ("First I thought A, but the tail shows that it is B.", ANIMALS, "B"),
    ("Initially A seems right. However, after closer look, the correct answer is B.", ANIMALS, "B"),
    ("Wait, the answer is A? No, the answer is B.", ANIMALS, "B"),
    ("The answer is A. Wait, actually, the answer is B.", ANIMALS, "B"),
    ("Hmm, A... no. B", ANIMALS, "B"),
    ("<answer>B</answer> I hope this helps!", ANIMALS, "B"),
    ("<answer>\nB. dog\n</answer>", ANIMALS, "B"),
    ("<final_answer>B</final_answer>", ANIMALS, "B"),
    ("<answer>The dog</answer>", ANIMALS, "B"),
    ('{"answer": "B", "confidence": 0.9}', ANIMALS, "B"),
    ('{"Answer": "B. dog"}', ANIMALS, "B"),
    ('{"final_answer": "B"}', ANIMALS, "B"),
    ('{"option": "B", "reason": "A is not there"}', ANIMALS, "B"),
    ('```json\n{"answer": "B"}\n```', ANIMALS, "B"),
    ('["B"]', ANIMALS, "B"),
    ('{"reasoning": "The answer is A at first", "answer": "B"}', ANIMALS, "B"),
    ("答案：B", ANIMALS, "B"),
    ("答案是B。", ANIMALS, "B"),
    ("答案为 B", ANIMALS, "B"),
    ("正确答案是（B）", ANIMALS, "B"),
    ("正确选项为B", ANIMALS, "B"),
    ("选B", ANIMALS, "B"),
    ("我选择B。", ANIMALS, "B"),
    ("故选B", ANIMALS, "B"),
    ("因此，选B。", ANIMALS, "B"),
    ("故答案为：B．", ANIMALS, "B"),
    ("应该选B，而不是A。", ANIMALS, "B"),
    ("A不对，B对。", ANIMALS, "B"),
    ("A选项错误，B选项正确。", ANIMALS, "B"),
    ("不是A，是B", ANIMALS, "B"),
    ("排除A、C、D，选B", ANIMALS, "B"),
    ("所以本题选 B 项", ANIMALS, "B"),
    ("【答案】B", ANIMALS, "B"),
    ("【B】", ANIMALS, "B"),
    ("Ｂ", ANIMALS, "B"),
    ("答案：Ｂ．dog", ANIMALS, "B"),
    ("无法确定", ANIMALS, ""),
    ("不知道", ANIMALS, ""),
    ("A和B都有可能", ANIMALS, ""),
    ("可能是A或者B", ANIMALS, ""),
    ("对不起，我无法回答这个问题。", ANIMALS, ""),
    ("以上都不对", ANIMALS, ""),
    ("这张图片中的动物是狗，对应选项B。", ANIMALS, "B"),
    ("根据图片，答案应该是 **B**。", ANIMALS, "B"),
    ("我认为正确的是B选项，因为图中有一只狗；A选项中的猫没有出现。", ANIMALS, "B"),
    ("首先看A，不符合；再看B，符合。因此答案为B。", ANIMALS, "B"),
    ("B。理由：A 没有出现", ANIMALS, "B"),
    ("B、dog", ANIMALS, "B"),
    ("B：dog", ANIMALS, "B"),
    ("B dog", ANIMALS, "B"),
    ("最终答案：\\boxed{B}", ANIMALS, "B"),
    ("\\boxed{\\text{B}}。", ANIMALS, "B"),
    ("The correct option is (B) dog, since (A) cat has pointed ears.", ANIMALS, "B"),
    ("(B) dog is the correct answer. (A) is not.", ANIMALS, "B"),
    ("Among the options, (B) fits best.", ANIMALS, "B"),
    ("The image most closely matches option B: dog.", ANIMALS, "B"),
    ("Thus, option (b) is the right choice", ANIMALS, "B"),
    ("so b", ANIMALS, "B"),
    ("The answer is b", ANIMALS, "B"),
    ("The answer is: b) dog", ANIMALS, "B"),
    ("choice B", ANIMALS, "B"),
    ("Choice (B)", ANIMALS, "B"),
    ("Option 2", ANIMALS, "B"),
    ("The second option", ANIMALS, "B"),
    ("the 2nd one", ANIMALS, ""),
    ("A is incorrect. B is correct. C is incorrect. D is incorrect.", ANIMALS, "B"),
    ("A: False\nB: True\nC: False\nD: False", ANIMALS, "B"),
    ("A ✗\nB ✓\nC ✗\nD ✗", ANIMALS, "B"),
    ("I am confident that the answer is B", ANIMALS, "B"),
    ("I believe A is wrong.", ANIMALS, ""),
    ("A is wrong", ANIMALS, ""),
    ("The answer isn't B", ANIMALS, ""),
    ("It is definitely not B.", ANIMALS, ""),
    ("Not B", ANIMALS, ""),
    ("B is incorrect", ANIMALS, ""),
    ("B!", ANIMALS, "B"),
    ("**B**: dog", ANIMALS, "B"),
    ("*B*", ANIMALS, "B"),
    ("`B`", ANIMALS, "B"),
    ("'B'", ANIMALS, "B"),
    ("“B”", ANIMALS, "B"),
    ("<b>B</b>", ANIMALS, "B"),
    ("B<|eot_id|>", ANIMALS, "B"),
    ("A:B", ANIMALS, ""),
    ("Answer B is correct", ANIMALS, "B"),
    ("Answer (B)", ANIMALS, "B"),
    ("Correct answer: B", ANIMALS, "B"),
    ("Ans: B", ANIMALS, "B"),
    ("Ans. B", ANIMALS, "B"),
    ("Solution: B", ANIMALS, "B"),
    ("∴ B", ANIMALS, "B"),
    ("Therefore B", ANIMALS, "B"),
    ("Hence, (B).", ANIMALS, "B"),
    ("The answer is A cat is not here", ANIMALS, ""),
    ("There is no dog, so it is a bird", ANIMALS, "C"),
    ("The dog is absent; the bird is there.", ANIMALS, ""),
    ("It's not a cat; it's a dog.", ANIMALS, "B"),
    ("I can see a bird (option C).", ANIMALS, "C"),
    ("Vitamin C is needed, so the answer is B", ANIMALS, "B"),
    ("In group D, the value is highest, so A is correct.", ANIMALS, "A"),
    ("Point C lies on line A, so the answer is D.", ANIMALS, "D"),
    ("Plan A fails.", ANIMALS, ""),
    ("The label reads 'A'.", ANIMALS, ""),
    ("The answer is E", ANIMALS, ""),
    ("F. none", ANIMALS, ""),
)


def corpus() -> list[tuple[str, tuple[str, ...], str]]:
    """Every answer once, with its options and what it names."""
    found: dict[tuple[str, tuple[str, ...]], str] = {}
    for lines, sets in ((ENGLISH, (ANIMALS, PHRASES)), (CHINESE, (TIERE, ORTE))):
        for number, shape in enumerate(line for line in lines.split("\n") if line.strip()):
            for turn, options in enumerate(sets):
                place = (number + 2 * turn + 1) % 4
                other = (place + 1 + turn) % 4
                found[_filled(shape, options, place, other), options] = ascii_uppercase[place]
    found |= {(text, options): wanted for text, options, wanted in LITERAL}
    return [(text, options, wanted) for (text, options), wanted in found.items()]


def _filled(shape: str, options: tuple[str, ...], place: int, other: int) -> str:
    """A shape with its letters, whose marks stand alone: L, l, T, O, U and the full-width L."""
    import re

    letter = ascii_uppercase[place]
    words = {
        "L": letter,
        "l": letter.lower(),
        "T": options[place],
        "O": ascii_uppercase[other],
        "U": options[other],
        "Ｌ": chr(ord("Ａ") + place),
    }
    shape = re.sub(r"\\n", "\n", shape) if "\\n" in shape else shape
    return re.sub(r"(?<![A-Za-z])(?:[LlTOU](?![A-Za-z]|['’][a-z])|Ｌ)", lambda match: words[match[0]], shape)
