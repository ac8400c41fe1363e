"""Writes tests/golden/quality/filters.jsonl.zst: what datatrove 0.10.1's quality filters say of real and adversarial documents.

    python tests/golden/make_quality_goldens.py [NUMBER OF RANDOM DOCUMENTS] [SEED] [FILE]        needs datatrove, PyICU, numpy, regex, zstandard

datatrove's word splitter is replaced by each of ours: whitespace str.split(), regex \\w+|[^\\w\\s]+, icu the segments of PyICU's word iterator (root) that are not
white space; its sentence splitter by `spaced` (below), its own WhitespaceTokenizer (`terminal`), and PyICU's sentence iterator. A filter's statistics are what
it compares with its thresholds: thresholds that note what they are compared with are put in place of the numbers. One JSON object a line:
{"text", "words": {splitter: number}, "words_hash": {splitter: sum over words of (position + 1) * crc32}, "filters": {name: [reason or null, [statistics]]}};
names: <filter>/<splitter or sentence rule>; c4's statistics: lines, long_word, unpunctuated, few_word, javascript, policy, kept, sentences, and crc32 of the text.
"""

import collections
import json
import math
import pathlib
import re
import sys
import tempfile
import warnings
import zlib

import icu
import zstandard
from datatrove.data import Document
from datatrove.pipeline.filters import c4_filters, fineweb_quality_filter, gopher_quality_filter, gopher_repetition_filter
from datatrove.utils.text import TERMINAL_PUNCTUATION, split_into_sentences
from datatrove.utils.word_tokenizers import WhitespaceTokenizer
from quality_documents import documents

warnings.simplefilter("ignore")
OUT = pathlib.Path(__file__).resolve().parent / "quality/filters.jsonl.zst"
BAD_WORDS = ["mill", "old MILL", "\u5c71", "3.14", "river in", "caf\u00e9", "\u043f\u043e\u0433\u043e\u0434\u0430", "#", "x-y", "w7", "line number 3", "\u0130stanbul"]


class Threshold:
    """Stands for a number, and notes what it is compared with. No comparison holds."""

    __array_ufunc__ = None

    def __init__(self):
        self.seen = []

    def note(self, value):
        self.seen.append(float(value))
        return False

    __lt__ = __gt__ = note


def icu_segments(text, iterator):
    units = text.encode("utf-16-le")
    iterator.setText(icu.UnicodeString(text))
    begin, pieces = 0, []
    for end in iterator:
        pieces.append(units[2 * begin : 2 * end].decode("utf-16-le"))
        begin = end
    return pieces


WORD_ITERATOR = icu.BreakIterator.createWordInstance(icu.Locale.getRoot())
SENTENCE_ITERATOR = icu.BreakIterator.createSentenceInstance(icu.Locale.getRoot())
SPLITTERS = {
    "whitespace": str.split,
    "regex": lambda text: re.findall(r"\w+|[^\w\s]+", text),
    "icu": lambda text: [piece for piece in icu_segments(text, WORD_ITERATOR) if piece.strip()],
}
CLOSERS = "\"')]\u2019\u201d\u00bb\u300d\u300f\uff09"
SPACED = re.compile(f"([{re.escape(''.join(TERMINAL_PUNCTUATION))}]+)[{re.escape(CLOSERS)}]*")


def pieces_between(text, ends):
    """The last end is moved to the text's, as datatrove does."""
    ends = ends[:-1] + [len(text)]
    return [text[a:b] for a, b in zip([0] + ends[:-1], ends)]


def spaced_sentences(text, _language=None):
    ends = []
    for match in SPACED.finditer(text):
        end = match.end()
        if any(ord(c) >= 0x80 for c in match[1]) or end == len(text) or text[end].isspace():
            ends.append(end)
    if not ends or text[ends[-1] :].strip():
        ends.append(len(text))
    return pieces_between(text, ends)


def icu_sentences(text, _language=None):
    ends, end = [], 0
    for piece in icu_segments(text, SENTENCE_ITERATOR):
        end += len(piece)
        if piece.strip():
            ends.append(end)
    return pieces_between(text, ends or [0])


FALLBACK = WhitespaceTokenizer()
SENTENCES = {"spaced": spaced_sentences, "terminal": lambda text, _: split_into_sentences(text, FALLBACK), "icu": icu_sentences}


def rounded(values):
    """The mean length of no words is not a number: -1, which the test passes over."""
    return [-1 if math.isnan(value) else float(f"{value:.8g}") for value in values]


def verdict(quality_filter, text):
    """Reason for which the document goes, null when it stays, "error" where datatrove fails; and the text afterwards."""
    document = Document(text=text, id="0")
    try:
        result = quality_filter.filter(document)
    except ZeroDivisionError:
        return "error", text
    return (result[1] if isinstance(result, tuple) else None if result else "dropped"), document.text


def noted(quality_filter, text):
    try:
        quality_filter.filter(Document(text=text, id="0"))
    except ZeroDivisionError:
        pass


def gopher_quality(text):
    names = "min_doc_words max_doc_words min_avg_word_length max_avg_word_length max_symbol_word_ratio max_bullet_lines_ratio max_ellipsis_lines_ratio"
    threshold = Threshold()
    arguments = {name: threshold for name in (names + " max_non_alpha_words_ratio min_stop_words").split()}
    noted(gopher_quality_filter.GopherQualityFilter(**arguments), text)
    seen = threshold.seen
    reason = verdict(gopher_quality_filter.GopherQualityFilter(), text)[0]
    # words, length, hashes, ellipses, bullets, ellipsis lines, alpha, stop words; nothing where a division by zero ended it
    return [reason, rounded([seen[0], seen[2]] + seen[4:]) if len(seen) == 10 else []]


def gopher_repetition(text):
    plain = gopher_repetition_filter.GopherRepetitionFilter()
    threshold = Threshold()
    sizes = [n for n, _ in plain.top_n_grams + plain.dup_n_grams]
    thresholds = {n: Threshold() for n in sizes}
    noting = gopher_repetition_filter.GopherRepetitionFilter(
        threshold, threshold, threshold, threshold, [(n, thresholds[n]) for n in sizes[:3]], [(n, thresholds[n]) for n in sizes[3:]]
    )
    noted(noting, text)
    # top n-grams are not compared where there are too few words
    statistics = threshold.seen + [value for n in sizes for value in thresholds[n].seen or [0.0]]
    return [verdict(plain, text)[0], rounded(statistics) if text else []]


def fineweb(text):
    threshold = Threshold()
    noted(fineweb_quality_filter.FineWebQualityFilter(None, threshold, False, None, threshold, 30, threshold, threshold), text)
    return [verdict(fineweb_quality_filter.FineWebQualityFilter(), text)[0], rounded(threshold.seen) if len(threshold.seen) == 4 else []]


def c4(text, **options):
    counts = collections.Counter()
    quality_filter = c4_filters.C4QualityFilter(**options)
    quality_filter.stat_update = lambda name: counts.update([name])
    reason, after = verdict(quality_filter, text)
    sentences = Threshold()
    noting = c4_filters.C4QualityFilter(min_num_sentences=sentences, **options)
    noting.stat_update = lambda name: None
    noted(noting, text)
    names = "total filter-too_long_word filter-no_terminal_punc filter-too_few_words filter-javascript filter-policy kept".split()
    values = [counts["line-" + name] for name in names] + (sentences.seen or [-1])
    return [reason, [int(value) for value in values] + [zlib.crc32(after.encode())]]


def bad_words_filter():
    """Reads its words from a file of ours."""
    path = pathlib.Path(tempfile.mkdtemp()) / "words"
    path.write_text("\n".join(word.lower() for word in BAD_WORDS))
    c4_filters.cached_asset_path_or_download = lambda *_, **__: path
    return c4_filters.C4BadWordsFilter()


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 260
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    out = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else OUT
    bad_words = bad_words_filter()
    paragraphs = c4_filters.C4ParagraphFilter()
    lines, seen = [], set()
    for text in documents(count, seed=seed):
        if text in seen:
            continue
        seen.add(text)
        entry = {"text": text, "words": {}, "words_hash": {}, "filters": {}}
        filters = entry["filters"]
        for name, splitter in SPLITTERS.items():
            words = splitter(text)
            entry["words"][name] = len(words)
            entry["words_hash"][name] = sum((i + 1) * zlib.crc32(word.encode()) for i, word in enumerate(words)) % 2**32
            for module in (gopher_quality_filter, gopher_repetition_filter, fineweb_quality_filter):
                module.split_into_words = lambda _text, _language, words=words: words
            filters["gopher_quality/" + name] = gopher_quality(text)
            filters["gopher_repetition/" + name] = gopher_repetition(text)
            filters["fineweb_quality/" + name] = fineweb(text)
        for name, splitter in SENTENCES.items():
            c4_filters.split_into_sentences = splitter
            filters["c4_quality/" + name] = c4(text)
            filters["c4_sentences/" + name] = c4(text, split_paragraph=False, filter_no_terminal_punct=False, filter_curly_bracket=False)
        filters["c4_paragraphs/-"] = [verdict(paragraphs, text)[0], []]
        filters["bad_words/-"] = [verdict(bad_words, text)[0], []]
        lines.append(json.dumps(entry, ensure_ascii=False, separators=(",", ":")))
    head = json.dumps({"bad_words": BAD_WORDS}, ensure_ascii=False)
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(zstandard.ZstdCompressor(level=19).compress(("\n".join([head] + lines) + "\n").encode()))
    print(len(lines), "documents,", out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
