"""Writes tests/golden/lora/: PEFT adapters on tiny checkpoints with logits, merged logits and ten AdamW steps.

    python tests/golden/make_lora_goldens.py                    # torch 2.11.0, transformers 4.57.3, peft 0.21.2, CPU, float32
    python tests/golden/make_lora_goldens.py --check DIRECTORY   # an adapter directory written by our program: PEFT's logits for it

Bases are directories of tests/golden, named relative to the adapter; everything runs in evaluation mode, where the routing of a mixture of experts is
deterministic and nothing is dropped (the draws are ours). Every case is an adapter directory as PEFT saves it (A and B random, so that nothing is zero)
plus golden.json (documents, losses, gradient norms) and golden.tensors (safetensors: logits.<document> of base and adapter, merged_logits.<document>
after merge_and_unload, last.<name>: adapters after training). Documents run one by one. A step sums the losses of two documents over their targets,
divides by the number of targets, clips by torch's rule and updates the adapters with torch.optim.AdamW at a constant rate, decay on all of them;
experts without a token have the gradient zero.
"""
import argparse
import json
import pathlib
import shutil

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

assert (transformers.__version__, peft.__version__) == ("4.57.3", "0.21.2"), (transformers.__version__, peft.__version__)
HERE = pathlib.Path(__file__).parent
ROOT = HERE / "lora"
STEPS, RATE, CLIP, DECAY = 10, 3e-3, 1.0, 0.1   # at a rate of 1e-2 rslora_two in float32 leaves its own float64 run by 2.6e-5

CASES = {
    "all_linear": dict(base="phi3/mha_window", r=4, lora_alpha=8, target_modules="all-linear"),
    "rslora_two": dict(base="phi3/gqa_longrope", r=3, lora_alpha=4.5, target_modules=["qkv_proj", "down_proj"], use_rslora=True, lora_dropout=0.1),
    "moe": dict(base="trajectory_moe/model", r=2, lora_alpha=2, target_modules=["q_proj", "v_proj", "o_proj", "gate", "w1", "w2", "w3"]),
}


def logits(model, documents):
    with torch.no_grad():
        return [model(input_ids=torch.tensor([document])).logits[0].float() for document in documents]


def load_base(base):
    return AutoModelForCausalLM.from_pretrained(HERE / base, attn_implementation="eager").float()


def write_case(name, base, **settings):
    generator = torch.Generator().manual_seed(len(name))
    directory = ROOT / name
    shutil.rmtree(directory, ignore_errors=True)
    if (HERE / base / "golden.json").exists():
        documents = json.loads((HERE / base / "golden.json").read_text())["documents"]
    else:
        documents = [torch.randint(0, 96, (length,), generator=generator).tolist() for length in (13, 4, 21, 2)]
    model = get_peft_model(load_base(base), LoraConfig(task_type="CAUSAL_LM", **settings))
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if "lora_" in parameter_name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    model.peft_config["default"].base_model_name_or_path = f"../../{base}"
    model.save_pretrained(directory)
    (directory / "README.md").unlink()
    model.eval()
    tensors = {}
    for i, values in enumerate(logits(model, documents)):
        tensors[f"logits.{i}"] = values
    merged = PeftModel.from_pretrained(load_base(base), directory).merge_and_unload().eval()
    for i, values in enumerate(logits(merged, documents)):
        tensors[f"merged_logits.{i}"] = values

    adapters = {n: p for n, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(adapters.values(), lr=RATE, betas=(0.9, 0.95), eps=1e-8, weight_decay=DECAY)
    losses, norms = [], []
    for step in range(STEPS):
        batch = [documents[(2 * step + i) % len(documents)] for i in range(2)]
        targets = sum(len(document) - 1 for document in batch)
        optimizer.zero_grad()
        total = 0.0
        for document in batch:
            ids = torch.tensor([document])
            output = model(input_ids=ids).logits[0, :-1].float()
            loss = torch.nn.functional.cross_entropy(output, ids[0, 1:], reduction="sum") / targets
            loss.backward()
            total += loss.item()
        for parameter in adapters.values():
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        norms.append(torch.nn.utils.clip_grad_norm_(adapters.values(), CLIP).item())
        optimizer.step()
        losses.append(total)
    for n, p in adapters.items():
        tensors["last." + n.replace(".default", "")] = p.detach().contiguous()
    save_file(tensors, directory / "golden.tensors")
    golden = {"base": base, "documents": documents, "losses": losses, "gradient_norms": norms, "rate": RATE, "clip": CLIP, "weight_decay": DECAY}
    (directory / "golden.json").write_text(json.dumps(golden) + "\n")
    print(name, f"loss {losses[0]:.6f} -> {losses[-1]:.6f}", sum(f.stat().st_size for f in directory.iterdir()) // 1000, "kB")


def check(directory):
    """PEFT loads what our program wrote (from a case's adapter) and computes the same logits."""
    config = json.loads((directory / "adapter_config.json").read_text())
    case = ROOT / directory.name
    golden = load_file(case / "golden.tensors")
    base = json.loads((case / "golden.json").read_text())["base"]
    documents = json.loads((case / "golden.json").read_text())["documents"]
    model = PeftModel.from_pretrained(load_base(base), directory).eval()
    difference = max((values - golden[f"logits.{i}"]).abs().max().item() for i, values in enumerate(logits(model, documents)))
    same_tensors = (directory / "adapter_model.safetensors").read_bytes() == (case / "adapter_model.safetensors").read_bytes()
    print(directory, config["peft_version"], f"largest difference of logits {difference:.1e}, tensors file byte-equal: {same_tensors}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", type=pathlib.Path, help="an adapter directory named as its case")
    arguments = parser.parse_args()
    if arguments.check:
        return check(arguments.check)
    for name, settings in CASES.items():
        write_case(name, **settings)


if __name__ == "__main__":
    main()
