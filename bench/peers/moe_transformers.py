"""Peer of bench/moe.py: transformers' PhiMoE, whole training steps or one mixture alone, float32. Same arguments and output as moe_bench.

    moe_transformers.py step MODEL DATA --documents D --steps N [--training]
    moe_transformers.py layer MODEL --tokens T --rounds N

Without --training the model stays in evaluation mode, where SparseMixer takes the best experts; gradients flow all the same.
"""
import argparse
import json
import statistics
import time

import torch
from transformers import AutoModelForCausalLM

WARM_UP = 2


def steps(model, arguments):
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    optimizer = torch.optim.AdamW(matrices + vectors, lr=1e-3, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1, fused=True)
    records = [json.loads(line)["input_ids"] for line in open(arguments.data)]
    times, losses, tokens = [], [], 0
    for step in range(arguments.steps):
        documents = records[step * arguments.documents:(step + 1) * arguments.documents]
        if len(documents) < arguments.documents:
            break
        start = time.perf_counter()
        ids = torch.tensor(documents)   # equal lengths: nothing is padded
        logits = model(input_ids=ids, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].float().flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        times.append(1e3 * (time.perf_counter() - start))
        losses.append(loss.item())
        tokens = ids.numel()
    return times, losses, tokens


def layer(model, arguments):
    mixture = model.model.layers[0].block_sparse_moe
    source, gradient = torch.randn(1, arguments.tokens, model.config.hidden_size), torch.randn(1, arguments.tokens, model.config.hidden_size)
    times = []
    for _ in range(arguments.rounds + WARM_UP):
        x = source.clone().requires_grad_()
        start = time.perf_counter()
        mixture.zero_grad(set_to_none=True)
        output = mixture(x)
        (output[0] if isinstance(output, tuple) else output).backward(gradient)
        times.append(1e3 * (time.perf_counter() - start))
    return times, [], arguments.tokens


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["step", "layer"])
    parser.add_argument("model")
    parser.add_argument("data", nargs="?")
    parser.add_argument("--documents", type=int, default=4)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--training", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32, attn_implementation="sdpa").train(arguments.training)
    times, losses, tokens = (steps if arguments.what == "step" else layer)(model, arguments)
    middle = statistics.median(times[WARM_UP:])
    print(json.dumps({"milliseconds": middle, "tokens_per_second": 1e3 * tokens / middle, "losses": losses}))


if __name__ == "__main__":
    main()
