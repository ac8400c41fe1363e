"""Trains data/pipeline/knowledge/models/language.model, the n-gram model of the `language` stage, and prints how well it does on held-out passages.

    python3 scripts/train_language_model.py WORK_DIRECTORY [--evaluate]

Needs apt-get, numpy and scipy. Downloads the packages of language_texts.py (about 350 MB) into WORK_DIRECTORY, collects paragraphs, holds out a tenth of the
blocks of forty paragraphs of every language and the whole Debian Administrator's Handbook (another domain), and fits one softmax regression per script
(Latin, Cyrillic, Arabic letters) on hashed character 2- to 4-grams. Deterministic: the same packages give the same file. --evaluate only prints the tables of
the committed file. Features, hashing, arithmetic and the file are those of data/pipeline/knowledge/ngram_language_model.h.
"""
import argparse, struct, sys, zlib
from pathlib import Path

import numpy as np
import scipy.sparse as sparse

import language_texts as texts

MODEL = Path(__file__).resolve().parent.parent / "data/pipeline/knowledge/models/language.model"
GROUPS = [  # name, target languages, others, bits of the table, bytes of a row
    ("latin", texts.LATIN, texts.LATIN_OTHERS, 15, 32),
    ("cyrillic", texts.CYRILLIC, texts.CYRILLIC_OTHERS, 14, 8),
    ("arabic", texts.ARABIC, texts.ARABIC_OTHERS, 13, 8),
]
SCRIPTS = {"latin": [(0x41, 0x24F), (0x1E00, 0x1EFF)], "cyrillic": [(0x400, 0x52F)], "arabic": [(0x600, 0x6FF), (0x750, 0x77F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC)]}
LENGTHS = [30, 60, 120, 250, 500]
PASSAGES, OTHER_PASSAGES = 5000, 1200  # per language: one of the 23, or not
LONGEST = 2000  # n-grams; evidence does not grow beyond
BLOCK = 40


def folding(group):
    """Code point -> lower-case letter of the script, 0 for everything else; on the first 65536 code points."""
    table = np.zeros(65536, np.uint32)
    for low, high in SCRIPTS[group]:
        for code in range(low, high + 1):
            character = chr(code)
            if character.isalpha():
                lower = character.lower()
                table[code] = ord(lower) if len(lower) == 1 else code
    return table


def ngram_rows(passages, fold, bits):
    """Passage number and table row of every n-gram. A word is a run of letters with a mark (0) before and behind; n-grams lie within a marked word."""
    codes = np.frombuffer("\n".join(passages).encode("utf-32-le"), np.uint32)
    owner = np.cumsum(codes == 10)
    folded = fold[np.minimum(codes, 65535)]
    keep = np.ones(len(folded), bool)
    keep[1:] = (folded[1:] != 0) | (folded[:-1] != 0)
    folded, owner = np.append(folded[keep], 0).astype(np.uint64), np.append(owner[keep], owner[-1])
    folded, owner = np.concatenate(([0], folded)).astype(np.uint64), np.concatenate(([0], owner))
    rows, owners = [], []
    hashed = folded.copy()
    for n in (2, 3, 4):
        hashed = (hashed[:-1] * np.uint64(0x9E3779B1) + folded[n - 1:]) & np.uint64(0xFFFFFFFF)
        valid = (folded[:len(hashed)] != 0) | (folded[n - 1:] != 0) if n == 2 else np.ones(len(hashed), bool)
        for inner in range(1, n - 1):
            valid &= folded[inner:len(folded) - n + 1 + inner] != 0
        mixed = hashed ^ (hashed >> np.uint64(15))
        mixed = (mixed * np.uint64(0x85EBCA6B)) & np.uint64(0xFFFFFFFF)
        rows.append((mixed >> np.uint64(32 - bits))[valid].astype(np.int64))
        first, second = owner[:len(hashed)], owner[1:len(hashed) + 1]
        owners.append(np.where(folded[:len(hashed)] != 0, first, second)[valid])  # the mark behind a passage's last word belongs to it
    return np.concatenate(owners), np.concatenate(rows)


def features(passages, fold, bits):
    """One row per passage: counts of n-grams / n * sqrt(min(n, LONGEST))."""
    owner, row = ngram_rows(passages, fold, bits)
    key, count = np.unique(owner * (1 << bits) + row, return_counts=True)
    owner, row = key >> bits, key & ((1 << bits) - 1)
    total = np.bincount(owner, count, minlength=len(passages))
    scale = np.sqrt(np.minimum(total, LONGEST)) / np.maximum(total, 1)
    return sparse.csr_matrix(((count * scale[owner]).astype(np.float32), (owner, row)), shape=(len(passages), 1 << bits))


def read_units(path):
    """language -> split -> list of units (lists of paragraphs); splits: train, held-out, handbook."""
    units = {}
    with open(path, encoding="utf-8") as lines:
        previous, size = None, 0
        for line in lines:
            language, package, number, text = line.rstrip("\n").split("\t")
            size = size + 1 if previous == (language, package, number) else 0
            previous = (language, package, number)
            block = size // BLOCK
            name = f"{language} {package} {number} {block}"
            split = "handbook" if package == texts.HANDBOOK else "held-out" if zlib.crc32(name.encode()) % 10 == 0 else "train"
            of_split = units.setdefault(language, {}).setdefault(split, [])
            if size % BLOCK == 0:
                of_split.append([])
            of_split[-1].append(text)
    return units


def passages_of(units, lengths, count, random):
    """Passages of at least the length, cut at a space, whole paragraphs put together; from units drawn at random."""
    found, order, place = [], random.permutation(len(units)), 0
    while len(found) < count and place < 4 * len(units):
        unit = units[order[place % len(units)]]
        place += 1
        text = " ".join(unit)
        length = int(lengths[len(found) % len(lengths)])
        if len(text) < length:
            continue
        start = int(random.integers(0, len(text) - length + 1))
        start = text.find(" ", start, start + 40) + 1 if start > 0 else 0
        end = text.find(" ", start + length)
        piece = text[start:end if end >= 0 and end < start + length + 40 else start + length]
        if len(piece) >= length:
            found.append(piece)
    return found


def train_group(group, units, random):
    name, targets, others, bits, _ = group
    languages, fold = targets + others, folding(name)
    passages, labels = [], []
    for label, language in enumerate(languages):
        of_language = passages_of(units[language]["train"], LENGTHS, PASSAGES if language in targets else OTHER_PASSAGES, random)
        passages += of_language
        labels += [label] * len(of_language)
    x, labels = features(passages, fold, bits), np.array(labels)
    weights = np.zeros((1 << bits, len(languages)), np.float32)
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    batches, epochs, step, rate = len(labels) // 512, 8, 0, 0.02
    for epoch in range(epochs):
        order, total = random.permutation(len(labels)), 0.0
        for batch in range(batches):
            chosen = order[batch * 512:(batch + 1) * 512]
            part = x[chosen]
            logits = part @ weights
            logits -= logits.max(1, keepdims=True)
            probability = np.exp(logits)
            probability /= probability.sum(1, keepdims=True)
            total -= np.log(probability[np.arange(len(chosen)), labels[chosen]] + 1e-30).mean()
            probability[np.arange(len(chosen)), labels[chosen]] -= 1
            gradient = (part.T @ probability) / len(chosen) + 1e-6 * weights
            step += 1
            first = 0.9 * first + 0.1 * gradient
            second = 0.99 * second + 0.01 * gradient * gradient
            now = rate * (1 - (step - 1) / (epochs * batches))
            weights -= now * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-6)
        print(f"{name}: epoch {epoch + 1}, loss {total / batches:.4f}", flush=True)
    limit = np.quantile(np.abs(weights[np.abs(weights).sum(1) > 0]), 0.9995)
    scale = limit / 127
    return np.clip(np.rint(weights / scale), -127, 127).astype(np.int8), float(scale)


def write_model(tables):
    """The layout is described in ngram_language_model.h."""
    content = b"phidlid1" + struct.pack("<I", len(GROUPS))
    for (name, targets, others, bits, stride), (weights, scale) in zip(GROUPS, tables):
        languages = targets + others
        content += struct.pack("<IIIf", len(languages), bits, stride, scale)
        for language in languages:
            content += language.encode().ljust(3, b"\0") + bytes([language in targets])
        rows = np.zeros((1 << bits, stride), np.int8)
        rows[:, :len(languages)] = weights
        content += rows.tobytes()
    MODEL.parent.mkdir(exist_ok=True)
    MODEL.write_bytes(content)


def read_model():
    content, offset, tables = MODEL.read_bytes(), 12, []
    for _ in GROUPS:
        count, bits, stride, scale = struct.unpack("<IIIf", content[offset:offset + 16])
        offset += 16 + 4 * count
        rows = np.frombuffer(content, np.int8, stride << bits, offset).reshape(1 << bits, stride)
        offset += stride << bits
        tables.append((rows[:, :count], scale))
    return tables


def confusions(group, table, units, split, lengths, random):
    """Row: true language, column: answer of the group's model, in passages."""
    name, targets, others, bits, _ = group
    languages, fold = targets + others, folding(name)
    counts = np.zeros((len(languages), len(languages)), int)
    for label, language in enumerate(languages):
        passages = passages_of(units[language].get(split, []), lengths, 300, random) if units[language].get(split) else []
        if passages:
            x = features(passages, fold, bits)
            counts[label] = np.bincount(np.asarray(x @ (table[0].astype(np.float32) * table[1])).argmax(1), minlength=len(languages))
    return counts


def evaluate(tables, units):
    for split, lengths in (("held-out", [200, 400]), ("handbook", [200, 400]), ("held-out", [50]), ("held-out", [20])):
        print(f"\n{split} passages of {' or '.join(map(str, lengths))} characters and a bit")
        right, total = 0, 0
        for group, table in zip(GROUPS, tables):
            languages = group[1] + group[2]
            counts = confusions(group, table, units, split, lengths, np.random.default_rng(11))
            for label, language in enumerate(languages):
                of_language = counts[label].sum()
                if of_language == 0:
                    continue
                wrong = {languages[i]: int(counts[label][i]) for i in np.argsort(-counts[label]) if i != label and counts[label][i]}
                told = ", ".join(f"{code} {count}" for code, count in list(wrong.items())[:6])
                mark = "" if language in group[1] else "  (not one of the 23)"
                print(f"  {language}  {counts[label][label] / of_language:.4f} of {of_language}{mark}{'  taken for ' + told if told else ''}")
                if language in group[1]:
                    right, total = right + counts[label][label], total + of_language
        print(f"  all target languages told by n-grams: {right / max(total, 1):.4f} of {total}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--evaluate", action="store_true")
    arguments = parser.parse_args()
    collected = arguments.work / "paragraphs.tsv"
    if not collected.exists():
        texts.collect(texts.download(arguments.work / "debs"), collected)
    units = read_units(collected)
    if not arguments.evaluate:
        random = np.random.default_rng(7)
        write_model([train_group(group, units, random) for group in GROUPS])
    evaluate(read_model(), units)


if __name__ == "__main__":
    sys.exit(main())
