#!/usr/bin/env python3
"""Normalised texts and MinHash signatures as datatrove 0.10.1 makes them, cc_net's normalised lines: tests/golden/dedup/cases.json.

    python tests/golden/make_dedup_goldens.py          (needs datatrove==0.10.1, xxhash, numpy)

datatrove's word splitter is replaced by str.split(): like against like. Texts are written ones and random ones (seeded) from alphabets that hurt: digits of
all scripts with separators, cased letters around capital sigmas, marks, Hangul, control characters, every block of Unicode. Characters that are not assigned
in Python's Unicode 14 are left out, since ICU knows a later one; so are spacing marks with a combining class, the difference that the header states.
cc_net's function is written out here from its description in specs (lower, digits to 0, listed punctuation and control characters removed).
"""
import json
import random
import re
import struct
import sys
import unicodedata
from pathlib import Path

sys.path.pop(0)  # the folder `tokenizers` beside this script is not the package that datatrove imports
import xxhash
from datatrove.pipeline.dedup import minhash
from datatrove.utils.text import simplify_text

ROOT = Path(__file__).resolve().parents[2]


class Whitespace:
    def word_tokenize(self, text):
        return text.split()


minhash.load_word_tokenizer = lambda language: Whitespace()

WRITTEN = [
    "",
    "   \n\t ",
    "The quick brown fox jumps over the lazy dog, doesn't it?  Yes: 3.14 times, 1,234,567.89 in all!",
    "one two three four five",
    "one two three four",
    "ΟΔΥΣΣΕΥΣ ΣΑΣ Σ ΑΣ. ΑΣ'Α ΑΣ\u0301Β ΑΣ\u0301 Σ\u0301Α",
    "İstanbul'da IŞIK ışık Straße ẞ",
    "Ångström café naïve cafe\u0301 \u0301alone a \u0301 b",
    "한국어 문장은 자모로 나뉜다 그리고 단어 일곱 개가 있다",
    "１２３．４５ and ٣٫١٤ and ३,४ and 1⎖2 and 7.8.9 and 5. and .6",
    "tabs\tand\x0bvertical\x1cfile\x85next\xa0nbsp\u2003em\u200bzero\u3000ideographic",
    "“Quotes” – dashes — … ellipsis «guillemets» 【brackets】 （parens） ％ ～ ► ∶ ´",
    "$100 #hash @at ^caret _under_ `tick` |pipe| <tag> {brace} [bracket] back\\slash ~tilde + = *",
    "ΐ ΰ ǖ ṩ ệ K Å Ω ﬁ ½ ² ①",
    "नमस्ते दुनिया यह एक परीक्षण वाक्य है और कुछ शब्द",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01",
    "🙂 emoji 👩‍👩‍👧 family \ufe0f variation \U000e0100 selector 𝟘𝟙 𝒳 𐐀𐐁 words here",
    "A\x00B \x7f del \u2028line\u2029para",
]
ALPHABETS = [
    "abcdeABCDE   \n",
    "0123456789.,٫،⎖⎗⎘ a٠١٢۳४௧𝟘１",
    "ΑΣσςΒ'.\u0301\u00ad:aA1 \u02b0\u0345",
    "aeiouAEIOU\u0300\u0301\u0308\u0323\u0327 éèüÅ",
    "가나다라각힣ㄱ한글 a",
    "".join(map(chr, range(0, 0x250))),
    minhash.__dict__.get("PUNCTUATION", "") or "!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_.\"}►» ab",
]


def is_settled(c: str) -> bool:
    category = unicodedata.category(c)
    return category not in ("Cn", "Cs", "Co") and not (category == "Mc" and unicodedata.combining(c))


def random_texts(generator: random.Random) -> list[str]:
    everything = [chr(c) for c in range(0x110000) if is_settled(chr(c))]
    texts = []
    for alphabet in ALPHABETS:
        for _ in range(20):
            texts.append("".join(generator.choice(alphabet) for _ in range(generator.randint(1, 120))))
    for _ in range(100):
        texts.append("".join(generator.choice(everything) if generator.random() < 0.6 else generator.choice(" .a1B") for _ in range(120)))
    words = ["data", "model", "learn", "the", "of", "Paris", "1999", "x-ray", "naïve", "日本語", "e.g.", "(see", "below)"]
    for _ in range(30):
        texts.append(" ".join(generator.choice(words) for _ in range(generator.randint(5, 200))))
    return texts


CC_NET_REMOVED = re.compile("[" + "，。、„”“«»１」「《》´∶：？！（）；–—．～’…━〈〉【】％►" + "".join(map(chr, [*range(0, 32), *range(127, 160)])) + "]")


def cc_net(line: str) -> str:
    line = line.strip()
    return CC_NET_REMOVED.sub("", re.sub(r"\d", "0", line.lower()))


def packed_hash(numbers: list[int]) -> str:
    return f"{xxhash.xxh64_intdigest(struct.pack(f'<{len(numbers)}Q', *numbers)):016x}"


def main() -> None:
    step = minhash.MinhashDedupSignature("/tmp/unused-minhash-output")
    other = minhash.MinhashDedupSignature("/tmp/unused-minhash-output", minhash.MinhashConfig(n_grams=3, num_buckets=5, hashes_per_bucket=3, seed=7))
    for maker in (step, other):
        maker._hash_func = lambda text: xxhash.xxh64_intdigest(text.encode())  # xxhash 4 no longer encodes texts itself
    cases = []
    for i, text in enumerate(WRITTEN + random_texts(random.Random(5))):
        case = {"text": text, "normalised": " ".join(simplify_text(text).split()), "cc_net": cc_net(text)}
        for name, maker in (("fineweb", step), ("other", other)):
            shingles = maker.get_shingles(text)
            signature = [x for band in maker.get_signature(shingles) for x in band] if shingles.size else []
            case[name] = packed_hash(signature) if signature else ""
            if i == 2:
                case[name + "_values"] = [str(x) for x in signature]
        cases.append(case)
    a, b = step.parameters
    parameters = {"a": [str(x) for x in a[0, :4].tolist()], "b": [str(x) for x in b[0, :4].tolist()]}
    out = ROOT / "tests/golden/dedup/cases.json"
    out.write_text(json.dumps({"parameters": parameters, "cases": cases}, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{out}: {len(cases)} cases, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
