"""Writes tests/golden/tokenizers/: small trained tokenizers and what transformers 4.57.3 (tiktoken for Phi-3-small) makes of adversarial texts.

    scripts/fetch_vocabularies.sh && python tests/golden/make_tokenizer_goldens.py

models/NAME/tokenizer.json     trained here on Python's own documentation: llama (Prepend / Replace, byte fallback), gpt2, cl100k, o200k (byte-level)
cases/NAME.json                 {"directory" of .cache/vocabularies or "model" of models, "patch" (JSON merge patch of its tokenizer.json),
                                 "files" beside it, "texts": [[text, ids, offsets in code points, decoded, decoded without specials], ...]
                                 (decoded: null when equal to the text; without specials: null when equal to decoded),
                                 "plain": [[text, ids], ...] with split_special_tokens, "ids": [[ids, decoded, decoded without specials], ...]}
"""

import base64
import json
import os
import pathlib
import random
import shutil
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
import pydoc_data.topics  # noqa: E402

import tiktoken  # noqa: E402
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/golden/tokenizers"
VOCABULARIES = ROOT / ".cache/vocabularies"
MARK = "\u2581"
CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

WORDS = (
    "the of and Hello world don't I'll we've they're I'M 'S it's 3.14 1234567 foo_bar() {}[] == != -> :: // /* */ # TODO: http://x.y/z?q=1&a=b na\u00efve fa\u00e7ade "
    "Stra\u00dfe \u00dcBER \u017f '\u017f \u0130stanbul \ufb01 \u03a9 \u01c5 \u01c6 \u01c4 \u65e5\u672c\u8a9e \u30c6\u30b9\u30c8 \ud55c\uad6d\uc5b4 \u0e44\u0e17\u0e22 \u0939\u093f\u0928\u094d\u0926\u0940 "
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \U0001f44d\U0001f3fd \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea e\u0301 a\u0310 \u0308 \u0663\u0664\u0665 \u00bd \u2167 \u2460 \U0001d400\U0001d41b "
    "\ufffd \u200b \u00a0 \u3000 \u2028 \u0085 \u180e \ufeff \u1680 \x1c \x1f \x00 \x7f \u2581 \u2581\u2581 \u2581a a\u2581b <0x41> <0x0A> <unk> <s> </s> <|end|> <|user|> <|endoftext|> <|assistant|> "
    "<| |> <|en <|end <<|end|> aaaa aaaaaaaaaaaaaaaa ---- ======= ......... !!!! ''' \" \\n"
).split(" ")
SPACES = [" ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n", "\n ", "\t\t", "    ", "\u00a0", "\u3000", "        ", "\x0b", "\x0c", "\u0085", "\u2003 ", ""]
ALPHABETS = ["ab", "aA1 ", " \n", "\u4e2daA", "'sS", "=- \n/", "\u0301aA\u01c5\u4e2d", "\u2581 a", "lLeEvVrR'", "<|end>s/"]


def adversarial(seed, count, specials, longest=40):
    r = random.Random(seed)
    texts = ["", " ", "  ", "\n", MARK, MARK + " ", " " + MARK, "\u00e9", "a", "\x00"]
    while len(texts) < count:
        kind = r.randrange(5)
        if kind == 0:
            text = "".join(r.choice(WORDS) + r.choice(SPACES) for _ in range(r.randrange(1, longest // 3)))
        elif kind == 1:
            ranges = [(32, 127), (0, 0x250), (0x250, 0xD800), (0xE000, 0x110000)]
            text = "".join(chr(r.randrange(*r.choice(ranges))) for _ in range(r.randrange(1, longest // 2)))
        elif kind == 2:
            text = "".join(r.choice(specials + SPACES + WORDS[:30]) for _ in range(r.randrange(1, longest // 2)))
        elif kind == 3:
            alphabet = r.choice(ALPHABETS)
            text = "".join(r.choice(alphabet) for _ in range(r.randrange(1, longest)))
        else:
            text = "".join(r.choice(WORDS)[: r.randrange(1, 9)] for _ in range(r.randrange(1, longest // 2)))
        texts.append(text)
    return texts


def train():
    corpus = [part for topic in pydoc_data.topics.topics.values() for part in topic.split("\n\n")] + adversarial(7, 1500, ["<x>"])
    byte_alphabet = pre_tokenizers.ByteLevel.alphabet()
    trained = {}
    llama = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    llama.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    trainer = trainers.BpeTrainer(
        vocab_size=900, special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)], limit_alphabet=120, max_token_length=14, show_progress=False
    )
    llama.train_from_iterator([part[:90] for part in corpus], trainer)
    trained["llama"] = json.loads(llama.to_str())
    trained["llama"]["decoder"] = {
        "type": "Sequence",
        "decoders": [
            {"type": "Replace", "pattern": {"String": MARK}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ],
    }
    for name, pattern in (("gpt2", None), ("cl100k", CL100K), ("o200k", O200K)):
        tokenizer = Tokenizer(models.BPE())
        level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None)
        tokenizer.pre_tokenizer = level if pattern is None else pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), level])
        tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=700, initial_alphabet=byte_alphabet, show_progress=False))
        trained[name] = json.loads(tokenizer.to_str())
        trained[name]["decoder"] = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    for name, content in trained.items():
        path = OUT / "models" / name / "tokenizer.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    return trained


def merge_patch(target, patch):
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def token(content, **flags):
    return {"content": content, "special": False, "normalized": False, "single_word": False, "lstrip": False, "rstrip": False, **flags}


def cases():
    """Name, directory or model, patch, files beside tokenizer.json, number of texts."""
    phi3 = [str(t["content"]) for t in json.load(open(VOCABULARIES / "phi-3-mini/tokenizer.json"))["added_tokens"]]
    yield "phi-3-mini", {"directory": "phi-3-mini"}, 420
    yield "phi-3-vision", {"directory": "phi-3-vision"}, 120
    yield "gpt-2", {"directory": "gpt-2"}, 200
    del phi3
    special = {"special": True}
    llama_tokens = {
        "0": token("<unk>", **special),
        "1": token("<s>", **special),
        "2": token("</s>", rstrip=True),
        "900": token("<|endoftext|>", **special),
        "901": token("<|user|>", rstrip=True, **special),
        "902": token("<|end|>", rstrip=True, **special),
    }
    listed = [{"id": int(i), **dict(t, rstrip=False)} for i, t in llama_tokens.items()]
    config = {
        "tokenizer_class": "LlamaTokenizer", "add_bos_token": False, "legacy": False, "bos_token": "<s>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
        "unk_token": "<unk>", "added_tokens_decoder": llama_tokens,
    }
    base = {"model": "llama", "patch": {"added_tokens": listed}}
    yield "llama", {**base, "files": {"tokenizer_config.json": config}}, 300
    yield "llama-bos-eos", {**base, "files": {"tokenizer_config.json": {**config, "add_bos_token": True, "add_eos_token": True, "clean_up_tokenization_spaces": True}}}, 60
    yield "llama-default-class", {**base, "files": {"tokenizer_config.json": {"tokenizer_class": "LlamaTokenizerFast"}}}, 60
    legacy = {"special_tokens_map.json": {"bos_token": "<s>", "eos_token": {"content": "<|stop|>", "lstrip": True, "rstrip": True}}, "added_tokens.json": {"<|more|>": 903}}
    yield "llama-legacy-files", {**base, "files": {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast"}, **legacy}}, 60
    flags = [
        token("Hello", single_word=True), token(" x", lstrip=True, normalized=True), token("the", normalized=True, rstrip=True), token("<|end|>", lstrip=True, rstrip=True, special=True),
        token("<|en", special=True), token("\n\n", rstrip=True), token("a b", normalized=True, single_word=True, lstrip=True), token("\u65e5\u672c"),
    ]
    generic = {"tokenizer_class": "PreTrainedTokenizerFast"}
    added = [{"id": 900 + i, **t} for i, t in enumerate(flags)]
    yield "llama-flags", {"model": "llama", "patch": {"added_tokens": added}, "files": {"tokenizer_config.json": generic}}, 120
    for scheme in ("always", "first", "never"):
        metaspace = {"normalizer": None, "pre_tokenizer": {"type": "Metaspace", "replacement": MARK, "prepend_scheme": scheme, "split": False}, "added_tokens": added}
        yield f"llama-metaspace-{scheme}", {"model": "llama", "patch": metaspace, "files": {"tokenizer_config.json": generic}}, 50
    yield "llama-no-fallback", {"model": "llama", "patch": {"model": {"byte_fallback": False}}, "files": {"tokenizer_config.json": generic}}, 50
    yield "llama-no-fuse", {"model": "llama", "patch": {"model": {"byte_fallback": False, "fuse_unk": False}, "decoder": None}, "files": {"tokenizer_config.json": generic}}, 50
    for name in ("gpt2", "cl100k", "o200k"):
        added = [{"id": 700 + i, **t} for i, t in enumerate(flags)]
        yield name, {"model": name, "patch": {"added_tokens": added}, "files": {"tokenizer_config.json": generic}}, 150
    trimmed = {"post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}, "model": {"ignore_merges": True}}
    prefix = {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True}
    yield "gpt2-prefix-space", {"model": "gpt2", "patch": trimmed, "files": {"tokenizer_config.json": prefix}}, 60
    template = {
        "type": "Sequence",
        "processors": [
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
            {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|end|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
             "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [703], "tokens": ["<|end|>"]}}},
        ],
    }
    yield "cl100k-template", {"model": "cl100k", "patch": {"added_tokens": added, "post_processor": template}, "files": {"tokenizer_config.json": generic}}, 40


def expected(case, count, trained):
    if "directory" in case:
        tokenizer = AutoTokenizer.from_pretrained(VOCABULARIES / case["directory"])
    else:
        with tempfile.TemporaryDirectory() as folder:
            files = {"tokenizer.json": merge_patch(trained[case["model"]], case.get("patch", {})), **case.get("files", {})}
            for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder", "truncation", "padding"):
                files["tokenizer.json"].setdefault(key, None)
            for name, content in files.items():
                pathlib.Path(folder, name).write_text(json.dumps(content), encoding="utf-8")
            tokenizer = AutoTokenizer.from_pretrained(folder)
    specials = [str(t) for t in tokenizer.added_tokens_decoder.values()]
    result = {"texts": [], "plain": [], "ids": []}
    for text in adversarial(count, count, specials):
        encoding = tokenizer(text, return_offsets_mapping=True)
        ids = encoding["input_ids"]
        decoded, clean = tokenizer.decode(ids), tokenizer.decode(ids, skip_special_tokens=True)
        flat = [x for pair in encoding["offset_mapping"] for x in pair]
        result["texts"].append([text, ids, flat, None if decoded == text else decoded, None if clean == decoded else clean])
    for text in adversarial(count + 1, count // 6, specials):
        result["plain"].append([text, tokenizer(text, split_special_tokens=True)["input_ids"]])
    r = random.Random(count)
    for _ in range(count // 6):
        ids = [r.choice([r.randrange(0, 300), r.randrange(0, len(tokenizer) + 5)]) for _ in range(r.randrange(1, 12))]
        decoded, clean = tokenizer.decode(ids), tokenizer.decode(ids, skip_special_tokens=True)
        result["ids"].append([ids, decoded, None if clean == decoded else clean])
    return result


def phi3_small(count):
    """tiktoken's ids, with the special tokens that Phi-3-small parses in every text."""
    lines = (VOCABULARIES / "phi-3-small/cl100k_base.tiktoken").read_bytes().splitlines()
    ranks = {base64.b64decode(line.split()[0]): int(line.split()[1]) for line in lines}
    special = {"<|endoftext|>": 100257, "<|system|>": 100261, "<|user|>": 100262, "<|assistant|>": 100263, "<|end|>": 100266, "<|dummy_id_2|>": 100256, "<|dummy_id_86|>": 100351,
               "<|dummy_id_3|>": 100267, "<|dummy_id_11|>": 100275, "<|dummy_id_12|>": 100277}
    pattern = r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
    encoding = tiktoken.Encoding(name="phi-3-small", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)
    texts = adversarial(count, count, list(special))
    return {"directory": "phi-3-small", "texts": [[text, encoding.encode(text, allowed_special="all")] for text in texts], "plain": [], "ids": []}


def write(name, content):
    path = OUT / "cases" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=True, separators=(",", ":")), encoding="utf-8")
    print(name, path.stat().st_size)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    trained = train()
    for name, case, count in cases():
        write(name, {**case, **expected(case, count, trained)})
    write("phi-3-small", phi3_small(300))


main()
