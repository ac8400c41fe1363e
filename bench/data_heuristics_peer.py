"""datatrove's heuristic filters on the documents of data_heuristics_bench, CPU time of one core; prints MB and documents per CPU second.

    python bench/data_heuristics_peer.py TEXT_FILE [whitespace|spacy] [SECONDS]         needs datatrove (spacy: its default splitter for English)

whitespace: words are str.split() and sentences are not looked for (a constant 10), so that like is compared with like or better.
A document goes through all four filters even when one of them drops it, as in our bench. Stops after SECONDS of CPU time (10).
"""

import pathlib
import sys
import time

from datatrove.data import Document
from datatrove.pipeline.filters import c4_filters, fineweb_quality_filter, gopher_quality_filter, gopher_repetition_filter


def documents(data):
    """Cut after the first line end past 4096 bytes."""
    while data:
        end = data.find(b"\n", 4096) + 1 if len(data) > 4096 else len(data)
        end = end or len(data)
        yield data[:end].decode()
        data = data[end:]


def main():
    text = pathlib.Path(sys.argv[1]).read_bytes()
    splitter = sys.argv[2] if len(sys.argv) > 2 else "whitespace"
    limit = float(sys.argv[3]) if len(sys.argv) > 3 else 10
    if splitter == "whitespace":
        for module in (gopher_quality_filter, gopher_repetition_filter, fineweb_quality_filter):
            module.split_into_words = lambda text, _language: text.split()
        c4_filters.split_into_sentences = lambda _text, _language: [""] * 10
    filters = [
        gopher_repetition_filter.GopherRepetitionFilter(),
        gopher_quality_filter.GopherQualityFilter(),
        c4_filters.C4QualityFilter(filter_no_terminal_punct=False),
        fineweb_quality_filter.FineWebQualityFilter(),
    ]
    count = size = kept = 0
    start = time.process_time()
    for part in documents(text):
        document = Document(text=part, id="0")
        kept += all([quality_filter.filter(document) is True for quality_filter in filters])
        count += 1
        size += len(part.encode())
        if time.process_time() - start > limit:
            break
    seconds = time.process_time() - start
    print(f"datatrove {splitter}: {size / seconds / 1e6:.3f} MB/s {count / seconds:.0f} documents/s  kept {kept} of {count}")


if __name__ == "__main__":
    main()
