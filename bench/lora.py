"""Speed of a LoRA step beside PEFT: same weights, same adapter to start from, same documents; equal losses are the entry ticket.

    bench/lora.py --size 8m --rounds 3          rank 16 on all linear layers, documents of 512 tokens, 2,048 tokens per step, two threads

Needs the Python packages of bench/peers/requirements.txt. Rounds are interleaved and the medians compared: on a shared machine only the ratio of one
run means something.
"""
import argparse

from common import WORK, documents, model_directory, vocabulary
from train import TUNED, compare, ours, peer


def start(model, size, rank):
    """An adapter directory as PEFT starts it: A random, B zero."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    directory = WORK / f"adapter-{size}-{rank}"
    if not (directory / "adapter_config.json").exists():
        config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=["qkv_proj", "o_proj", "gate_up_proj", "down_proj"], task_type="CAUSAL_LM")
        get_peft_model(AutoModelForCausalLM.from_pretrained(model), config).save_pretrained(directory)
    return directory


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=["8m", "60m"], default="8m")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12)
    arguments = parser.parse_args()
    model = model_directory(arguments.size)
    adapter = start(model, arguments.size, arguments.rank)
    data = documents(f"lora-{arguments.size}", vocabulary(model), [512] * 4 * arguments.steps)
    steps = arguments.steps
    compare(f"{arguments.size}, LoRA of rank {arguments.rank} on all linear layers: 2,048 tokens per step, two threads", {
        "phidias": lambda: ours(model, data, 4, steps, 2, 2048, extra=[f"model.adapter={adapter}"]),
        "PEFT": lambda: peer(model, data, 4, steps, 2, 4, ["--adapter", adapter]),
        "PEFT, tuned malloc": lambda: peer(model, data, 4, steps, 2, 4, ["--adapter", adapter], **TUNED),
    }, arguments.rounds, "tokens_per_second")


if __name__ == "__main__":
    main()
