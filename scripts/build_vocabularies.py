"""Builds tokenizer directories in Hugging Face format from the packages that scripts/fetch_vocabularies.sh downloads.

    python3 scripts/build_vocabularies.py .cache/vocabularies        (standard library only)

phi-3-mini     tokenizer.json + tokenizer_config.json, rules of mini, medium and 3.5 (no <s>, tokens strip white space on their right)
phi-3-vision   the same pieces with the rules of the vision model (<s> in front, 45 added tokens)
phi-3-model    tokenizer.model + added_tokens.json + tokenizer_config.json, for reading without a tokenizer.json
phi-3-small    cl100k_base.tiktoken + tokenizer_config.json
gpt-2          tokenizer.json, byte-level
llama.cpp/     text vectors with their ids (phi-3, gpt-2) as llama.cpp tests them
"""

import hashlib
import io
import json
import pathlib
import struct
import sys
import tarfile
import zipfile

MARK = "\u2581"
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def read_gguf(data: bytes) -> dict:
    """The metadata of a GGUF file."""
    stream = io.BytesIO(data)
    scalars = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

    def scalar(code):
        return struct.unpack("<" + code, stream.read(struct.calcsize("<" + code)))[0]

    def value(kind):
        if kind == 8:
            return stream.read(scalar("Q")).decode("utf-8")
        if kind == 9:
            item, count = scalar("I"), scalar("Q")
            return [value(item) for _ in range(count)]
        return scalar(scalars[kind])

    assert stream.read(4) == b"GGUF"
    scalar("I"), scalar("Q")
    return {value(8): value(scalar("I")) for _ in range(scalar("Q"))}


def merges_by_score(pieces, scores):
    """The merge rules of transformers' converter: splits of every piece, by falling score."""
    ids = {piece: i for i, piece in enumerate(pieces)}
    merges = []
    for i, piece in enumerate(pieces):
        score = 0.0 if i < 3 else scores[i]
        splits = [(piece[:k], piece[k:], score) for k in range(1, len(piece)) if piece[:k] in ids and piece[k:] in ids]
        merges += sorted(splits, key=lambda m: (ids[m[0]], ids[m[1]]))
    merges.sort(key=lambda m: (m[2], len(m[0]), len(m[1])), reverse=True)
    return [f"{left} {right}" for left, right, _ in merges]


def added_token(content, special=True, rstrip=False):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": rstrip, "single_word": False, "special": special}


def phi3_added(vision: bool) -> dict:
    """The added tokens by id, as tokenizer_config.json of the current models lists them."""
    tokens = {0: added_token("<unk>"), 1: added_token("<s>"), 2: added_token("</s>", special=False, rstrip=True), 32000: added_token("<|endoftext|>")}
    placeholder = iter(range(1, 40))
    named = {32001: "<|assistant|>", 32006: "<|system|>", 32007: "<|end|>", 32010: "<|user|>", 32044: "<|image|>"}
    kept_right = {32006, 32007, 32010} if vision else set()
    for i in range(32001, 32045 if vision else 32011):
        content = named.get(i) or f"<|placeholder{next(placeholder)}|>"
        tokens[i] = added_token(content, rstrip=i not in kept_right)
    return tokens


def llama_tokenizer_json(pieces, merges, added, post_processor):
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, **token} for i, token in added.items()],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": MARK}, {"type": "Replace", "pattern": {"String": " "}, "content": MARK}]},
        "pre_tokenizer": None,
        "post_processor": post_processor,
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": MARK}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": {piece: i for i, piece in enumerate(pieces)},
            "merges": merges,
        },
    }


def template(bos):
    single = ([{"SpecialToken": {"id": "<s>", "type_id": 0}}] if bos else []) + [{"Sequence": {"id": "A", "type_id": 0}}]
    pair = single + [{"Sequence": {"id": "B", "type_id": 1}}]
    return {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}} if bos else {}}


def phi3_config(added, bos):
    return {
        "add_bos_token": bos,
        "add_eos_token": False,
        "added_tokens_decoder": {str(i): token for i, token in added.items()},
        "bos_token": "<s>",
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|endoftext|>",
        "legacy": False,
        "model_max_length": 4096,
        "pad_token": "<|endoftext|>",
        "padding_side": "left",
        "sp_model_kwargs": {},
        "tokenizer_class": "LlamaTokenizer",
        "unk_token": "<unk>",
        "use_default_system_prompt": False,
    }


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def sentencepiece_model(pieces, scores, types):
    """The protocol-buffer message of a BPE SentencePiece model."""
    message = b""
    for piece, score, kind in zip(pieces, scores, types):
        body = field(1, piece.encode()) + b"\x15" + struct.pack("<f", score)
        message += field(1, body + (b"\x18" + varint(kind) if kind != NORMAL else b""))
    message += field(2, b"\x18\x02" + varint(35 << 3) + b"\x01")  # model_type BPE, byte_fallback
    return message + field(3, field(1, b"identity"))


def write(path: pathlib.Path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")


def main():
    root = pathlib.Path(sys.argv[1])
    files = {}
    with tarfile.open(root / "downloads/llama_cpp_python-0.3.36.tar.gz") as archive:
        for member in archive:
            name = member.name.rsplit("/", 1)[-1]
            if "/vendor/llama.cpp/models/ggml-vocab-" in member.name and name.split(".gguf")[0] in ("ggml-vocab-phi-3", "ggml-vocab-gpt-2"):
                files[name] = archive.extractfile(member).read()
    for model in ("phi-3", "gpt-2"):
        for suffix in ("inp", "out"):
            write(root / f"llama.cpp/{model}.{suffix}", files[f"ggml-vocab-{model}.gguf.{suffix}"])

    phi3 = read_gguf(files["ggml-vocab-phi-3.gguf"])
    pieces, scores, types = (phi3["tokenizer.ggml." + key][:32000] for key in ("tokens", "scores", "token_type"))
    types[:3] = [UNKNOWN, CONTROL, CONTROL]
    merges = merges_by_score(pieces, scores)
    assert len(merges) == 61249, len(merges)
    for name, vision in (("phi-3-mini", False), ("phi-3-vision", True)):
        added = phi3_added(vision)
        # The published tokenizer.json lags behind the config: no token strips there, and the config wins.
        stale = {i: dict(token, rstrip=False) for i, token in added.items()}
        write(root / name / "tokenizer.json", llama_tokenizer_json(pieces, merges, stale, template(bos=vision)))
        write(root / name / "tokenizer_config.json", phi3_config(added, bos=vision))
        write(root / name / "special_tokens_map.json", {"bos_token": "<s>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "unk_token": "<unk>"})
    write(root / "phi-3-model/tokenizer.model", sentencepiece_model(pieces, scores, types))
    write(root / "phi-3-model/tokenizer_config.json", phi3_config(phi3_added(False), bos=False))

    with zipfile.ZipFile(root / "downloads/litellm-1.77.7-py3-none-any.whl") as wheel:
        cl100k = wheel.read("litellm/litellm_core_utils/tokenizers/9b5ad71b2ce5302211f9c61530b329a4922fc6a4")
    assert hashlib.sha256(cl100k).hexdigest() == "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
    write(root / "phi-3-small/cl100k_base.tiktoken", cl100k)
    end = "<|endoftext|>"
    write(root / "phi-3-small/tokenizer_config.json", {"added_tokens_decoder": {}, "bos_token": end, "clean_up_tokenization_spaces": True, "eos_token": end,
          "model_max_length": 8192, "pad_token": end, "tokenizer_class": "Phi3SmallTokenizer"})

    gpt2 = read_gguf(files["ggml-vocab-gpt-2.gguf"])
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    write(root / "gpt-2/tokenizer.json", {
        "version": "1.0",
        "added_tokens": [{"id": 50256, **added_token(end)}],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
                  "vocab": {piece: i for i, piece in enumerate(gpt2["tokenizer.ggml.tokens"])}, "merges": gpt2["tokenizer.ggml.merges"]},
    })
    write(root / "gpt-2/tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer", "bos_token": end, "eos_token": end, "unk_token": end, "add_prefix_space": False})


main()
