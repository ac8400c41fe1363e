"""Peer of bench/train.py and, with --adapter, of bench/lora.py: a plain transformers training loop, float32, fused AdamW, the same documents in
the same order.

Prints one JSON line: losses per step and the median tokens per second over the steps after the warm-up. `--padded` pads short documents to the
longest of the batch, as a plain loop does; otherwise documents have equal lengths and none is padded.
"""
import argparse
import json
import statistics
import time

import torch
from transformers import AutoModelForCausalLM


def batches(path, documents_per_step):
    records = [json.loads(line)["input_ids"] for line in open(path)]
    for first in range(0, len(records) - documents_per_step + 1, documents_per_step):
        yield records[first:first + documents_per_step]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--documents", type=int, required=True, help="per optimizer step")
    parser.add_argument("--micro-documents", type=int, default=0, help="per forward pass (0: all of the step)")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--adapter", help="train this PEFT directory's adapters instead of the model")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=getattr(torch, arguments.dtype), attn_implementation="sdpa").to(device)
    if arguments.adapter:
        from peft import PeftModel
        model = PeftModel.from_pretrained(model, arguments.adapter, is_trainable=True)
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in trained if p.dim() >= 2]
    vectors = [p for p in trained if p.dim() < 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}], lr=arguments.learning_rate,
                                  betas=(0.9, 0.95), eps=1e-8, fused=True)
    forward = torch.compile(model) if arguments.compile else model
    losses, seconds, tokens, target_tokens = [], [], [], []
    for step, documents in enumerate(batches(arguments.data, arguments.documents)):
        if step == arguments.steps:
            break
        start = time.perf_counter()
        targets = sum(len(d) - 1 for d in documents)
        micro = arguments.micro_documents or len(documents)
        total = 0.0
        for first in range(0, len(documents), micro):
            part = documents[first:first + micro]
            width = max(len(d) for d in part)
            ids = torch.zeros(len(part), width, dtype=torch.long)
            labels = torch.full((len(part), width), -100)
            mask = torch.zeros(len(part), width, dtype=torch.long)
            for row, document in enumerate(part):
                ids[row, :len(document)] = torch.tensor(document)
                labels[row, :len(document)] = torch.tensor(document)
                mask[row, :len(document)] = 1
            padded = bool((mask == 0).any())
            output = forward(input_ids=ids.to(device), attention_mask=mask.to(device) if padded else None, use_cache=False)
            loss = torch.nn.functional.cross_entropy(output.logits[:, :-1].float().flatten(0, 1), labels[:, 1:].flatten().to(device), ignore_index=-100,
                                                     reduction="sum") / targets
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
        tokens.append(sum(len(d) for d in documents))
        target_tokens.append(targets)
        losses.append(total)
    rates = [t / s for t, s in zip(tokens[arguments.warm_up:], seconds[arguments.warm_up:])]
    target_rates = [t / s for t, s in zip(target_tokens[arguments.warm_up:], seconds[arguments.warm_up:])]
    print(json.dumps({"losses": losses, "tokens_per_second": statistics.median(rates), "target_tokens_per_second": statistics.median(target_rates),
                      "peak_memory": peak_memory(device)}))


def peak_memory(device):
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
