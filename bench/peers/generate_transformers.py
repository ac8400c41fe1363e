"""Peer of bench/generate.sh: transformers' generate, greedy, float32, equal prompts. Prints one JSON line: tokens per second and the new ids."""
import argparse
import json
import time

import torch
from transformers import AutoModelForCausalLM


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompts", required=True, help="JSON lines with input_ids of one length")
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32, attn_implementation="sdpa").eval()
    ids = torch.tensor([json.loads(line)["input_ids"] for line in open(arguments.prompts)])
    best = 0.0
    for _ in range(arguments.rounds):
        start = time.perf_counter()
        with torch.inference_mode():
            output = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=arguments.new_tokens,
                                    min_new_tokens=arguments.new_tokens, pad_token_id=0, eos_token_id=None)
        best = max(best, ids.shape[0] * arguments.new_tokens / (time.perf_counter() - start))
    print(json.dumps({"tokens_per_second": best, "output_ids": output[:, ids.shape[1]:].tolist()}))


if __name__ == "__main__":
    main()
