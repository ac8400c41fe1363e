#!/usr/bin/env python3
"""datatrove's share of bench/data_dedup.sh: MinHash signatures and exact hashes of one text file, MB per CPU second of one process.

    python bench/data_dedup_peer.py TEXT_FILE [MEGABYTES]        needs datatrove==0.10.1, xxhash, numpy

Documents of about 4 KB as in data_dedup_bench.cpp; the first MEGABYTES (2) of the file, since it is slow. The word splitter is str.split() as in our
default; datatrove's own would be slower.
"""
import sys
import time
from pathlib import Path

import xxhash
from datatrove.data import Document
from datatrove.pipeline.dedup import exact_dedup, minhash


class Whitespace:
    def word_tokenize(self, text):
        return text.split()


def documents(data: bytes) -> list[str]:
    parts = []
    while data:
        end = data.find(b"\n", min(4096, len(data)))
        end = len(data) if end < 0 else end + 1
        parts.append(data[:end].decode(errors="replace"))
        data = data[end:]
    return parts


def rate(name: str, megabytes: float, call) -> None:
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    print(f"datatrove {name:<24} {megabytes / best:9.2f} MB/s")


def main() -> None:
    data = Path(sys.argv[1]).read_bytes()[: int(float(sys.argv[2] if len(sys.argv) > 2 else 2) * 1e6)]
    parts = documents(data)
    minhash.load_word_tokenizer = lambda language: Whitespace()
    step = minhash.MinhashDedupSignature("/tmp/unused-minhash-output")
    step._hash_func = lambda text: xxhash.xxh64_intdigest(text.encode())  # xxhash 4 no longer encodes texts itself

    def signatures():
        for part in parts:
            shingles = step.get_shingles(part)
            if shingles.size:
                step.get_signature(shingles)

    rate("minhash 14 x 8", len(data) / 1e6, signatures)
    def content(document: Document) -> bytes:
        return document.text.encode()

    exact = exact_dedup.ExactDedupSignature("/tmp/unused-exact-output", exact_dedup.ExactDedupConfig(content_getter=content))
    texts = [Document(text=part, id=str(i)) for i, part in enumerate(parts)]
    rate("exact_dedup text", len(data) / 1e6, lambda: [exact.get_hashes(document, i) for i, document in enumerate(texts)])


if __name__ == "__main__":
    main()
