#!/usr/bin/env python3
"""Trains the tokenizer of the quickstart and writes it as a Hugging Face directory.

    phidias data make-tasks --output DATA
    scripts/make_quickstart_tokenizer.py DATA/train.jsonl recipes/quickstart/tokenizer

Needs the package tokenizers (0.22). The result is a Llama-style BPE with byte fallback and Phi-3's special tokens with Phi-3's flags,
at most 1024 ids. Digits stay single pieces, as in Phi-3, and no piece crosses a space.
"""
import json
import sys
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

VOCABULARY = 1024
SPECIALS = ["<|endoftext|>", "<|assistant|>", "<|placeholder1|>", "<|placeholder2|>", "<|placeholder3|>", "<|placeholder4|>", "<|system|>", "<|end|>",
            "<|placeholder5|>", "<|placeholder6|>", "<|user|>"]
MINI_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'system' %}{{'<|system|>\n' + message['content'] + '<|end|>\n'}}"
    "{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}"
    "{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}")
# Words that the tasks do not use, so that a user's own small experiment is not all bytes.
EXTRA = "the a an of to and in is it you that he was for on are with as his they be at one have this from or had by hot but some what there we can out other were all your when up use how said each she"


def main(conversations: str, output: str) -> None:
    texts = [message["content"] for line in open(conversations, encoding="utf-8") for message in json.loads(line)["messages"]]
    texts += [EXTRA] * 200 + [" ".join(map(chr, range(33, 127)))]
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    # Only for training: words with the space before them, digits and punctuation alone. The finished tokenizer, as Phi-3's, has no pre-tokenizer.
    trained.pre_tokenizer = pre_tokenizers.Split(Regex(r"▁?\p{L}+|▁|[^\p{L}▁]"), "isolated")
    pieces = VOCABULARY - 3 - 256 - len(SPECIALS)
    trained.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=pieces, min_frequency=8, show_progress=False))
    learnt = json.loads(trained.to_str())["model"]
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in learnt["merges"]]

    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokens += [left + right for left, right in merges]
    tokens += sorted(piece for piece in learnt["vocab"] if len(piece) == 1)
    vocab = {token: index for index, token in enumerate(tokens)}
    assert len(vocab) == len(tokens) and len(tokens) + len(SPECIALS) <= VOCABULARY

    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])

    def added(token: str) -> AddedToken:
        return AddedToken(token, normalized=False, special=token != "</s>", rstrip=token == "</s>" or token not in ("<unk>", "<s>", "<|endoftext|>"))

    for token in ["<unk>", "<s>", "</s>"] + SPECIALS:
        (tokenizer.add_tokens if token == "</s>" else tokenizer.add_special_tokens)([added(token)])

    directory = Path(output)
    directory.mkdir(parents=True, exist_ok=True)
    write = lambda name, value: (directory / name).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    write("tokenizer.json", json.loads(tokenizer.to_str()))
    flags = lambda token: {"content": token, "lstrip": False, "normalized": False, "rstrip": added(token).rstrip, "single_word": False, "special": token != "</s>"}
    ids = {token: tokenizer.token_to_id(token) for token in ["<unk>", "<s>", "</s>"] + SPECIALS}
    write("tokenizer_config.json", {
        "add_bos_token": False, "add_eos_token": False, "added_tokens_decoder": {str(index): flags(token) for token, index in ids.items()},
        "bos_token": "<s>", "chat_template": MINI_TEMPLATE, "clean_up_tokenization_spaces": False, "eos_token": "<|endoftext|>", "legacy": False,
        "model_max_length": 512, "pad_token": "<|endoftext|>", "padding_side": "left", "sp_model_kwargs": {}, "tokenizer_class": "LlamaTokenizer",
        "unk_token": "<unk>", "use_default_system_prompt": False})
    special = lambda token: {"content": token, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    write("special_tokens_map.json", {name: special(token) for name, token in
                                      [("bos_token", "<s>"), ("eos_token", "<|endoftext|>"), ("pad_token", "<|endoftext|>"), ("unk_token", "<unk>")]})
    write("generation_config.json", {"bos_token_id": ids["<s>"], "eos_token_id": [ids["<|endoftext|>"], ids["<|assistant|>"], ids["<|end|>"]],
                                     "pad_token_id": ids["<|endoftext|>"]})
    print(f"{len(tokens)} pieces, {tokenizer.get_vocab_size()} ids, largest {max(tokenizer.get_vocab().values())}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
