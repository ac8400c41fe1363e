#!/usr/bin/env python3
"""Decisions of decontamination rules: tests/golden/decontamination/{evaluation.jsonl,cases.json}.

    python tests/golden/make_decontamination_goldens.py DIRECTORY_OF_LM_EVAL

needs datatrove 0.10.1, and the unpacked wheel of lm-eval 0.4.13 (its janitor.py is imported alone). What each expectation comes from:

  janitor     lm_eval's Janitor in Python mode. Documents for it have no runs of punctuation alone: there its Python and C++ modes differ (Python keeps an
              empty word in the document's n-grams and none in the item's); ours takes them for no words.
  datatrove   NGramsDecontIndexer.compute_hashes and NGramsDecontFilter.filter, their word splitter replaced by white space and by \\w+|[^\\w\\s]+
  cosmopedia  10-grams of \\w+ and difflib, all items that share an n-gram compared (the published script compares one, by the order of a set)
  gpt3, curator   written here from the rule's text: GPT-3 (arXiv 2005.14165, appendix C) and NeMo Curator's TaskDecontamination
  difflib     matching blocks of random texts;  words: Python's re and unicodedata;  simplify: datatrove's simplify_text
"""
import difflib
import importlib.util
import json
import random
import re
import string
import sys
import unicodedata
from collections import Counter
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer
from datatrove.utils.hashing import HashConfig, create_hash_func
from datatrove.utils.text import simplify_text

OUT = Path(__file__).resolve().parent / "decontamination"
DRAW = random.Random(11)
WORDS = ("river theory Garden seven bright measure Élan naïve Straße music number answer window copper Ωmega engine quiet matter garden don't "
         "well-known (perhaps) e.g. 3.14 1,000 İstanbul ΣΟΦΟΣ café résumé market lemon paper winter signal yellow orbit theorem proof history castle "
         "village doctor planet singer bridge cotton velvet harbor candle ladder mirror pocket rocket silver timber violin").split()


def sentence(count):
    words = [DRAW.choice(WORDS) for _ in range(count)]
    return words[0].capitalize() + " " + " ".join(words[1:]) + DRAW.choice([".", "!", "?", "."])


def prose(sentences):
    return DRAW.choice([" ", "\n", "  "]).join(sentence(DRAW.randint(6, 18)) for _ in range(sentences))


def edited(text, rate):
    words = text.split()
    return " ".join(DRAW.choice(WORDS) if DRAW.random() < rate else w.upper() if DRAW.random() < 0.1 else w for w in words)


def make_items():
    items = []
    for i in range(30):
        long = i % 5 != 4
        question = sentence(DRAW.randint(14, 30)) if long else sentence(DRAW.randint(3, 8))
        items.append({"id": f"q{i}", "question": question, "answer": sentence(DRAW.randint(2, 20)) if i % 3 else [sentence(13), sentence(4)]})
    return items


def answers(item):
    return item["answer"] if isinstance(item["answer"], list) else [item["answer"]]


def whole(item):
    return " ".join([item["question"], *answers(item)])


def make_documents(items):
    common = whole(items[0])
    documents = [prose(7) + " " + common + " " + prose(7) for _ in range(11)]  # item 0 is in more than ten documents
    for i in range(55):
        parts = [prose(DRAW.randint(1, 14))]
        for _ in range(DRAW.choice([0, 1, 1, 1, 2, 4])):
            item = DRAW.choice(items[1:])
            text = DRAW.choice([whole(item), item["question"], answers(item)[0], edited(whole(item), 0.05), edited(whole(item), 0.3)])
            cut = text.split()[: DRAW.randint(8, 40)]
            parts += [" ".join(cut), prose(DRAW.randint(0, 14))]
        documents.append(DRAW.choice([" ", "\n"]).join(parts))
    documents.append(" ".join(whole(item) + " " + prose(10) for item in items[1:14]))  # too many pieces
    documents += ["", "one", whole(items[1]), whole(items[2])[:90], prose(40)]
    return documents


# --- GPT-3 and NeMo Curator: words with places in the original, n-grams in common, what is cut ------------------------------------------------------------
STRIP = str.maketrans("", "", string.punctuation)


def plain_words(text):
    found = []
    for match in re.finditer(r"\S+", text):
        word = match.group().translate(STRIP).lower()
        if word:
            found.append((word, match.start(), match.end()))
    return found


def grams_of(words, n):
    return {tuple(words[i:i + n]) for i in range(len(words) - n + 1)}


def matches_of(text, grams, n):
    words = plain_words(text)
    for i in range(len(words) - n + 1):
        gram = tuple(w for w, _, _ in words[i:i + n])
        if gram in grams:
            yield gram, words[i][1], words[i + n - 1][2]


def gpt3(items, documents, n=13, limit=10, window=200, shortest=200, most=10):
    grams = set().union(*(grams_of([w for w, _, _ in plain_words(whole(item))], n) for item in items))
    found = [list(matches_of(text, grams, n)) for text in documents]
    counts = Counter(gram for matches in found for gram in {m[0] for m in matches})
    results = []
    for text, matches in zip(documents, found):
        removed = bytearray(len(text))
        matches = [m for m in matches if counts[m[0]] <= limit]
        for _, begin, end in matches:
            for at in range(max(0, begin - window), min(len(text), end + window)):
                removed[at] = 1
        pieces = [text[m.start():m.end()] for m in re.finditer(b"\x00+", bytes(removed))]
        if not matches:
            results.append(text)
        elif len(pieces) > most:
            results.append(None)
        else:
            results.append("\n\n".join(p for p in pieces if len(p) >= shortest) or None)
    return results


def curator(items, documents, n=13, limit=10, side=200, shortest=200, most=10):
    grams = set().union(*(grams_of([w for w, _, _ in plain_words(whole(item))], n) for item in items))
    counts = Counter()
    for text in documents:
        at = 0
        for gram, begin, end in matches_of(text, grams, n):
            if begin >= at:
                counts[gram] += 1
                at = end
    keep = {gram for gram, count in counts.items() if count <= limit}
    results = []
    for document in documents:
        waiting, pieces, touched = [document], [], False
        while waiting:
            text = waiting.pop(0)
            match = next(matches_of(text, keep, n), None)
            if match is None:
                pieces += [text] if text else []
                continue
            touched = True
            _, begin, end = match
            left = begin - side
            while left > 0 and text[left] not in ".!?":
                left -= 1
            first = text[:left + 1] if left > 0 else ""
            right = end + side
            while right < len(text) and text[right] not in ".!?":
                right += 1
            second = text[right + 1:] if right + 1 < len(text) else ""
            pieces += [first] if len(first) > shortest else []
            waiting += [second] if len(second) > shortest else []
        results.append(document if not touched else "\n\n".join(pieces) if 1 <= len(pieces) <= most else None)
    return results


def janitor(items, documents, folder):
    spec = importlib.util.spec_from_file_location("janitor", Path(folder) / "lm_eval/decontamination/janitor.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cleaner = module.Janitor()
    for item in items:
        cleaner.register_contaminant_python(whole(item))
    results = []
    for text in documents:
        dirty = any(cleaner.normalize_string(g) in cleaner.dirt_ngrams for g, _ in module.word_ngrams_indices(text, 13))
        results.append("\n\n".join(cleaner.clean_python(text)) or None if dirty else text)
    return results


class Splitter:
    def __init__(self, pattern):
        self.pattern = pattern

    def word_tokenize(self, text):
        return text.split() if self.pattern is None else re.findall(self.pattern, text)


def datatrove(items, documents, pattern):
    config, hash_of = NGramsDecontConfig(), create_hash_func(HashConfig())
    indexer, decontaminate = object.__new__(NGramsDecontIndexer), object.__new__(NGramsDecontFilter)
    for step in (indexer, decontaminate):
        step.config, step.tokenizer, step.hash_func = config, Splitter(pattern), lambda text: hash_of(text.encode())
    decontaminate.stat_update = lambda *_: None
    decontaminate._index_hashes = {h: "task" for item in items for a in answers(item) for h in indexer.compute_hashes(a, item["question"])}
    return [decontaminate.filter(Document(text=text, id=str(i))) is True for i, text in enumerate(documents)]


def tokens(text):
    text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return re.findall(r"\w+", text.lower())


def cosmopedia(items, documents, n=10):
    results = []
    benches = [tokens(whole(item)) for item in items]
    for text in documents:
        words = tokens(text)
        grams, best = grams_of(words, n), 0
        for bench in benches:
            if not grams & grams_of(bench, n):
                continue
            document, item = " ".join(words), " ".join(bench)
            blocks = difflib.SequenceMatcher(None, document, item, autojunk=False).get_matching_blocks()
            shared = " ".join("".join(document[b.a:b.a + b.size] for b in blocks if b.size > 5).split())
            best = max(best, len(shared) / len(item))
        results.append(best)
    return results


def blocks():
    cases = []
    for alphabet, length in (("ab", 30), ("abc ", 80), ("the quick brown fox", 200), ("αβγ é😀", 60)):
        for _ in range(12):
            a = "".join(DRAW.choice(alphabet) for _ in range(DRAW.randint(0, length)))
            b = "".join(DRAW.choice(alphabet) for _ in range(DRAW.randint(0, length)))
            found = difflib.SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()[:-1]
            cases.append({"a": a, "b": b, "blocks": [list(m) for m in found]})
    return cases


HARD = ["", " ", "ΣΟΦΟΣ ΣΑΣ. Σ Α'Σ ΑΣ' ", "İSTANBUL ıI", "naïve café Ångström", "日本語 テキスト ﾊﾝｶｸ", "한국어 문장", "a_b c-d e.f 1,234.5 ٣٫١٤ ½ ² Ⅷ", "हिन्दी पाठ", "a\u0301b x\u0327\u0301y",
        "zero\u200bwidth soft\u00adhyphen", "tab\tnl\nff\x0cus\x1fnbsp\xa0ideo\u3000end", "“quoted” —dash— …", "ẞtraße ﬁne", "emoji 👩‍👩‍👧 🏳️‍🌈 ok", "monday 1.2.3 12.5.", "\u0300lead", "Ǆ ǅ ǆ", "ᾼ ᾳ Ώ"]


def main():
    items = make_items()
    documents = make_documents(items)
    expected = {"gpt3": gpt3(items, documents), "curator": curator(items, documents), "janitor": janitor(items, documents, sys.argv[1]),
                "datatrove_whitespace": datatrove(items, documents, None), "datatrove_regex": datatrove(items, documents, r"\w+|[^\w\s]+"),
                "cosmopedia": cosmopedia(items, documents)}
    for rule in ("gpt3", "curator", "janitor"):  # the same text: nothing was cut
        expected[rule] = [{"kept": t is not None, "text": None if t is None or t == d else t} for t, d in zip(expected[rule], documents)]
    cases = {"documents": documents, "expected": expected, "blocks": blocks(), "tokens": [{"text": t, "words": tokens(t)} for t in HARD],
             "plain": [{"text": t, "words": [w for w, _, _ in plain_words(t)]} for t in HARD], "simplify": [{"text": t, "simple": simplify_text(t)} for t in HARD]}
    OUT.mkdir(exist_ok=True)
    (OUT / "evaluation.jsonl").write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items))
    (OUT / "cases.json").write_text(json.dumps(cases, ensure_ascii=False, indent=0) + "\n")
    for rule, results in expected.items():
        print(rule, sum((not r["kept"]) if isinstance(r, dict) else (not r if isinstance(r, bool) else r > 0.5) for r in results),
              "dropped,", sum(bool(isinstance(r, dict) and r["text"]) for r in results), "cut of", len(results))


main()
