"""Twenty AdamW steps of a tiny Phi-3 with transformers and torch: tests/golden/trajectory/.

    python tests/golden/make_trajectory_goldens.py        # torch 2.11.0, transformers 4.57.3, CPU, float32

Every document goes through Phi3ForCausalLM alone (no padding, no packing), so its loss is what it is whatever shares a batch with it. Documents
without a single target are left out before batches are made, as our data preparation does (they would be empty seats in a batch). A step
sums the losses of eight documents over their target tokens (labels[1:] != -100), divides by the number of targets of the step, clips by
torch's rule and updates with torch.optim.AdamW, decay on matrices only. The rate of step s is learning_rate * f(s + 1): linear warm-up, cosine to
min_ratio. Pins what a user may rely on: losses, gradient norms, rates, held-out losses before and after.
"""
import json
import math
import random
from pathlib import Path

import torch
from transformers import Phi3Config, Phi3ForCausalLM

OUT = Path(__file__).parent / "trajectory"
STEPS, DOCUMENTS, WARMUP, MIN_RATIO, RATE, CLIP, DECAY = 20, 8, 4, 0.1, 4e-3, 2.0, 0.1
VOCABULARY, PAD = 96, 7


def documents(count, rng):
    made = []
    for i in range(count):
        length = rng.choice([1, 2, 3, 5, 8, 13, 21, 34]) + rng.randrange(3)
        start, stride = rng.randrange(VOCABULARY), rng.choice([1, 2, 5])
        ids = [(start + stride * t) % VOCABULARY if rng.random() < 0.9 else rng.randrange(VOCABULARY) for t in range(length)]
        record = {"input_ids": ids}
        if i % 3 == 1:                                     # a prompt that is not trained
            cut = rng.randrange(length + 1)
            record["labels"] = [-100] * cut + ids[cut:]
        if i % 11 == 5:                                    # no target at all
            record["labels"] = [-100] * length
        if i % 7 == 3:                                     # holes, and labels[0], which never counts
            record["labels"] = [token if rng.random() < 0.6 else -100 for token in ids]
        made.append(record)
    return made


def loss_and_targets(model, record):
    ids = torch.tensor([record["input_ids"]])
    labels = torch.tensor(record.get("labels", record["input_ids"]))[1:]
    logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
    return torch.nn.functional.cross_entropy(logits, labels, ignore_index=-100, reduction="sum"), int((labels != -100).sum())


def evaluate(model, records):
    with torch.no_grad():
        parts = [loss_and_targets(model, record) for record in records if len(record["input_ids"]) > 1]
    return float(sum(part[0].double() for part in parts)) / sum(part[1] for part in parts)


def ratio(step):
    if step < WARMUP:
        return (step + 1) / WARMUP
    progress = min((step + 1 - WARMUP) / (STEPS - WARMUP), 1.0)
    return MIN_RATIO + (1 - MIN_RATIO) * 0.5 * (1 + math.cos(math.pi * progress))


def main():
    torch.manual_seed(3)
    torch.set_num_threads(1)
    rng = random.Random(5)
    config = Phi3Config(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                        max_position_embeddings=64, original_max_position_embeddings=64, sliding_window=12, pad_token_id=PAD, bos_token_id=1, eos_token_id=2,
                        initializer_range=0.15, attn_implementation="eager", torch_dtype="float32")
    model = Phi3ForCausalLM(config).float()
    model.save_pretrained(OUT / "model")
    train, held_out = documents(40, rng), documents(12, rng)
    for name, records in (("train", train), ("validation", held_out)):
        (OUT / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))

    usable = [record for record in train if any(label != -100 for label in record.get("labels", record["input_ids"])[1:])]
    model.train()
    matrices = [p for p in model.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim != 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}], lr=RATE, betas=(0.9, 0.95), eps=1e-8)
    result = {"loss": [], "grad_norm": [], "learning_rate": [], "target_tokens": [], "validation_before": evaluate(model, held_out)}
    for step in range(STEPS):
        batch = [usable[(step * DOCUMENTS + i) % len(usable)] for i in range(DOCUMENTS)]
        parts = [loss_and_targets(model, record) for record in batch]
        targets = sum(part[1] for part in parts)
        loss = sum(part[0] for part in parts) / targets
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        for group in optimizer.param_groups:
            group["lr"] = RATE * ratio(step)
        optimizer.step()
        for key, value in (("loss", loss.item()), ("grad_norm", norm.item()), ("learning_rate", RATE * ratio(step)), ("target_tokens", targets)):
            result[key].append(value)
    result["validation_after"] = evaluate(model, held_out)
    (OUT / "expected.json").write_text(json.dumps(result, indent=1) + "\n")
    print(result)


main()
