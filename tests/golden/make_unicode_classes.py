"""Writes data/tokenizers/unicode_classes.inc: character classes exactly as the reference tokenizers see them.

The classes are not taken from a Unicode version but asked of Hugging Face tokenizers itself: \\p{..} and \\s of the regular-expression engine
behind its pre-tokenizers, and \\w, \\s of the engine behind its added tokens (single_word, lstrip, rstrip).

    python tests/golden/make_unicode_classes.py          (tokenizers 0.22.2; about a minute)
"""

import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

UPPER, LOWER, CASELESS, MARK, NUMBER, SPACE, WORD = 1, 2, 4, 8, 16, 32, 64
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
TEXT = "".join(map(chr, CODE_POINTS))


def matched(pattern: str) -> set:
    """The code points that a one-character pattern of the pre-tokenizers matches."""
    step = 8192
    result = set()
    for base in range(0, len(CODE_POINTS), step):
        part = TEXT[base : base + step]
        kept = set()
        for _, (begin, end) in pre_tokenizers.Split(Regex(pattern), "removed").pre_tokenize_str(part):
            kept.update(range(begin, end))
        result.update(CODE_POINTS[base + i] for i in range(len(part)) if i not in kept)
    return result


def word_and_space():
    """The code points that `single_word` takes for word characters and `rstrip` for white space."""
    tokenizer = Tokenizer(models.BPE({"a": 0}, []))
    tokenizer.add_tokens([AddedToken("<w>", single_word=True, normalized=False), AddedToken("<r>", rstrip=True, normalized=False)])
    word, space = tokenizer.token_to_id("<w>"), tokenizer.token_to_id("<r>")
    words, spaces = set(), set()
    for code in CODE_POINTS:
        if word not in tokenizer.encode(chr(code) + "<w>").ids:
            words.add(code)
        if tokenizer.encode("<r>" + chr(code) + "a").offsets[0][1] == 4:
            spaces.add(code)
    assert space is not None
    return words, spaces


def main():
    bits = {}
    for flag, pattern in [(UPPER, r"[\p{Lu}\p{Lt}]"), (LOWER, r"\p{Ll}"), (CASELESS, r"[\p{Lm}\p{Lo}]"), (MARK, r"\p{M}"), (NUMBER, r"\p{N}"), (SPACE, r"\s")]:
        found = matched(pattern)
        print(pattern, len(found))
        for code in found:
            bits[code] = bits.get(code, 0) | flag
    words, spaces = word_and_space()
    assert spaces == {c for c, b in bits.items() if b & SPACE}, "the two engines disagree about white space"
    for code in words:
        bits[code] = bits.get(code, 0) | WORD
    runs, previous = [], 0
    for code in range(0x110000):
        value = bits.get(code, 0)
        if value != previous:
            runs.append(f"{{0x{code:x},{value}}}")
            previous = value
    lines, line = [], ""
    for run in runs:
        if len(line) + len(run) > 148:
            lines.append(line)
            line = ""
        line += run + ","
    lines.append(line)
    out = pathlib.Path(__file__).resolve().parents[2] / "data/tokenizers/unicode_classes.inc"
    out.write_text("// Made by tests/golden/make_unicode_classes.py (tokenizers 0.22.2): {first code point of a run, class bits}.\n" + "\n".join(lines) + "\n")
    print(out, len(runs), "runs")


main()
