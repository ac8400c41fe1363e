"""A mixture of experts beside transformers' PhiMoE on the CPU: whole training steps and the mixture alone, float32, two threads.

    bench/moe.py --build build [--rounds 3]          hidden 256, 4 layers, 16 experts of 512, top 2, vocabulary 4,096, 4 documents of 512 tokens a step

Needs -DPHIDIAS_BENCH=ON (target moe_bench) and the packages of bench/peers/requirements.txt; the interpreter that runs this file makes the model and runs
the peer. Rounds are interleaved and the medians compared: on a shared machine only the ratio of one run means something. Losses of the steps without
random numbers must agree; with them (--training: jitter and drawn experts) each side draws its own.
"""
import argparse
import json
import pathlib
import statistics
import sys

from common import ROOT, WORK, documents, run

TUNED = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "4294967296", "MALLOC_TOP_PAD_": "67108864"}


def model_directory():
    directory = WORK / "model-moe"
    if not (directory / "config.json").exists():
        import torch
        from transformers import PhimoeConfig, PhimoeForCausalLM
        torch.manual_seed(0)
        config = PhimoeConfig(vocab_size=4096, hidden_size=256, intermediate_size=512, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
                              max_position_embeddings=512, sliding_window=512, num_local_experts=16, num_experts_per_tok=2, attention_bias=True,
                              lm_head_bias=True, rope_theta=10000.0, rope_scaling=None, pad_token_id=None, router_jitter_noise=0.01,
                              input_jitter_noise=0.01, router_aux_loss_coef=0.0)
        PhimoeForCausalLM(config).float().save_pretrained(directory)
    return directory


def compare(title, contenders, rounds):
    """contenders: name -> callable, ours first."""
    results = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            results[name].append(json.loads(measure().strip().splitlines()[-1]))
    median = {name: statistics.median(r["milliseconds"] for r in rows) for name, rows in results.items()}
    ours = next(iter(contenders))
    print(f"\n{title} (median of {rounds})")
    for name, rows in results.items():
        difference = max([abs(a - b) for a, b in zip(results[ours][0]["losses"], rows[0]["losses"])], default=0.0)
        rate = statistics.median(r["tokens_per_second"] for r in rows)
        print(f"  {name:30s} {median[name]:9.2f} ms {rate:10.0f} tokens/s   its time / ours {median[name] / median[ours]:5.2f}   loss difference {difference:.1e}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12)
    arguments = parser.parse_args()
    model = model_directory()
    data = documents("moe", 4096, [512] * 4 * arguments.steps)
    own = [arguments.build / "bin" / "moe_bench"]
    peer = [sys.executable, ROOT / "bench" / "peers" / "moe_transformers.py"]
    for title, words in {"the mixture alone, 2,048 tokens, forward and backward": ["layer", model],
                         "a training step, 2,048 tokens, no random numbers": ["step", model, data, "--steps", arguments.steps],
                         "a training step with jitter and drawn experts": ["step", model, data, "--steps", arguments.steps, "--training"]}.items():
        compare(title, {
            "phidias": lambda: run(own + words, OMP_NUM_THREADS="2"),
            "transformers": lambda: run(peer + words),
            "transformers, tuned malloc": lambda: run(peer + words, **TUNED),
        }, arguments.rounds)


if __name__ == "__main__":
    main()
