"""Peers of bench/tokenizer_bench.cpp: Hugging Face tokenizers, sentencepiece and tiktoken on the same file, ids compared with ours.

    tokenizer_hf.py VOCABULARIES TEXT_FILE OUR_PHI3_IDS OUR_CL100K_IDS         (tokenizers, sentencepiece, tiktoken; one core each)
"""
import base64
import os
import pathlib
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import numpy  # noqa: E402
import sentencepiece  # noqa: E402
import tiktoken  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402


def documents(text):
    """Cut after the first line end past 4096 bytes, as tokenizer_bench does."""
    parts = []
    while text:
        end = text.find(b"\n", min(4096, len(text)))
        parts.append((text if end < 0 else text[: end + 1]).decode())
        text = b"" if end < 0 else text[end + 1 :]
    return parts


def measure(name, encode, parts, ours, rounds=3):
    best = 1e9
    for _ in range(rounds):
        start = time.process_time()
        ids = [i for part in parts for i in encode(part)]
        best = min(best, time.process_time() - start)
    same = "" if ours is None else ", ids equal to ours" if numpy.array_equal(numpy.array(ids, dtype=numpy.int32), ours) else ", IDS DIFFER"
    print(f"{name}: {sum(len(part.encode()) for part in parts) / best / 1e6:.1f} MB/s, {len(ids)} tokens{same}")
    return not same.startswith(", IDS")


def main():
    vocabularies, text_file, phi3_ids, cl100k_ids = map(pathlib.Path, sys.argv[1:])
    parts = documents(text_file.read_bytes())
    phi3, cl100k = (numpy.fromfile(path, dtype=numpy.int32) for path in (phi3_ids, cl100k_ids))
    hf = Tokenizer.from_file(str(vocabularies / "phi-3-mini/tokenizer.json"))
    equal = measure("hf tokenizers (phi-3)", lambda t: hf.encode(t, add_special_tokens=False).ids, parts, phi3)
    model = sentencepiece.SentencePieceProcessor(model_file=str(vocabularies / "phi-3-model/tokenizer.model"))
    measure("sentencepiece (phi-3; its own white-space rules)", model.encode, parts, None)
    lines = (vocabularies / "phi-3-small/cl100k_base.tiktoken").read_bytes().splitlines()
    ranks = {base64.b64decode(line.split()[0]): int(line.split()[1]) for line in lines}
    pattern = r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
    encoding = tiktoken.Encoding(name="cl100k", pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 100257})
    equal &= measure("tiktoken (cl100k)", encoding.encode_ordinary, parts, cl100k)
    sys.exit(0 if equal else 1)


main()
