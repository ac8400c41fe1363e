"""Peer of bench/data_classifier_bench.cpp: fastText's Python module on the same documents; trains the model that both measure with.

    python bench/data_classifier_peer.py TEXT_FILE FOLDER               # pip install fasttext-wheel "numpy<2"
    build/bin/data_classifier_bench FOLDER/bigram.bin TEXT_FILE FOLDER/peer.f32

The model is the one of DCLM's filter: word bigrams, dimension 100, 2,000,000 buckets (about 1 GB). Its labels are the parity of the document's number,
which is as good as any: the cost of a prediction does not depend on what was learnt.
"""
import pathlib
import sys
import time

import fasttext
import numpy


def documents(text):
    """Cut after the first line end past 4096 bytes, as data_classifier_bench does."""
    parts, begin = [], 0
    while begin < len(text):
        end = text.find(b"\n", min(begin + 4096, len(text)))
        end = len(text) if end < 0 else end + 1
        parts.append(text[begin:end].decode().replace("\n", " "))
        begin = end
    return parts


def main():
    text_file, folder = map(pathlib.Path, sys.argv[1:])
    folder.mkdir(exist_ok=True)
    parts = documents(text_file.read_bytes())
    model_file = folder / "bigram.bin"
    if not model_file.exists():
        train = folder / "train.txt"
        train.write_text("".join(f"__label__{number % 2} {part}\n" for number, part in enumerate(parts)))
        fasttext.train_supervised(str(train), dim=100, wordNgrams=2, bucket=2_000_000, epoch=1, thread=1, verbose=0).save_model(str(model_file))
        train.unlink()
    model = fasttext.load_model(str(model_file))
    first = model.get_labels()[0]
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        found = [dict((label, p) for p, label in model.f.predict(part + "\n", -1, 0.0, "strict")) for part in parts]
        best = min(best, time.process_time() - start)
    numpy.array([each[first] for each in found], dtype=numpy.float32).tofile(folder / "peer.f32")
    print(f"fasttext module: {text_file.stat().st_size / best / 1e6:.1f} MB/s, {len(parts)} documents")


main()
