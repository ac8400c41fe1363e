"""Twenty AdamW steps of a tiny Phi-3.5-MoE with transformers and torch: tests/golden/trajectory_moe/.

    python tests/golden/make_moe_trajectory_goldens.py        # torch 2.11.0, transformers 4.57.3, CPU, float32; after make_trajectory_goldens.py

The data and the step are those of make_trajectory_goldens.py. The model stays in evaluation mode, where SparseMixer takes the best expert and there is no
jitter (model.router: deterministic); gradients flow all the same. The load-balancing loss is transformers' load_balancing_loss_func over the router scores
of all documents and layers of the step. The router is forced close, so that weights are not all 1, and two experts are seldom chosen: in `expected` their
gradient is None in steps without a token, and AdamW leaves them alone (optimizer.skip_unused_experts: true); in `expected_decayed` it is zero, and moments
and decay go on (the default).
"""
import json
from pathlib import Path

import torch
from transformers import PhimoeConfig, PhimoeForCausalLM
from transformers.models.phimoe.modeling_phimoe import load_balancing_loss_func


HERE = Path(__file__).parent
source = (HERE / "make_trajectory_goldens.py").read_text().replace("\nmain()\n", "\n")
dense = {"__file__": str(HERE / "make_trajectory_goldens.py"), "__name__": "dense"}
exec(compile(source, "make_trajectory_goldens.py", "exec"), dense)

OUT = HERE / "trajectory_moe"
STEPS, DOCUMENTS, RATE, CLIP, DECAY, AUX = dense["STEPS"], dense["DOCUMENTS"], dense["RATE"], dense["CLIP"], dense["DECAY"], 0.05
EXPERTS = 8


def read(name):
    return [json.loads(line) for line in (HERE / "trajectory" / f"{name}.jsonl").read_text().splitlines()]


def parts_of(model, record):
    ids = torch.tensor([record["input_ids"]])
    labels = torch.tensor(record.get("labels", record["input_ids"]))[1:]
    output = model(input_ids=ids, use_cache=False, output_router_logits=True)
    loss = torch.nn.functional.cross_entropy(output.logits[0, :-1].float(), labels, ignore_index=-100, reduction="sum")
    return loss, int((labels != -100).sum()), output.router_logits


def fresh_model():
    torch.manual_seed(3)
    config = PhimoeConfig(vocab_size=dense["VOCABULARY"], hidden_size=32, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
                          num_key_value_heads=2, max_position_embeddings=64, sliding_window=12, pad_token_id=dense["PAD"], bos_token_id=1, eos_token_id=2,
                          initializer_range=0.15, num_local_experts=EXPERTS, num_experts_per_tok=2, router_aux_loss_coef=AUX, router_jitter_noise=0.01,
                          input_jitter_noise=0.01, attention_bias=True, lm_head_bias=True, rope_theta=10000.0, rope_scaling=None,
                          attn_implementation="eager", torch_dtype="float32")
    model = PhimoeForCausalLM(config).float()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(".bias"):
                parameter.normal_(0.0, 0.1)
            if name.endswith("post_attention_layernorm.bias"):
                parameter.add_(1.0)
            if name.endswith("gate.weight"):
                parameter.normal_(0.05, 0.01)
                parameter[6:] -= 0.012
    return model.eval()


def train(model, usable, held_out, decayed):
    matrices = [p for p in model.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim != 2]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}], lr=RATE, betas=(0.9, 0.95), eps=1e-8)
    result = {"loss": [], "cross_entropy": [], "aux_loss": [], "grad_norm": [], "validation_before": dense["evaluate"](model, held_out)}
    unused = 0
    for step in range(STEPS):
        batch = [usable[(step * DOCUMENTS + i) % len(usable)] for i in range(DOCUMENTS)]
        parts = [parts_of(model, record) for record in batch]
        cross_entropy = sum(part[0] for part in parts) / sum(part[1] for part in parts)
        scores = tuple(torch.cat([part[2][layer] for part in parts]) for layer in range(model.config.num_hidden_layers))
        aux = load_balancing_loss_func(scores, EXPERTS, 2)
        loss = cross_entropy + AUX * aux
        optimizer.zero_grad()
        loss.backward()
        unused += sum(p.grad is None for p in model.parameters())
        if decayed:
            for p in model.parameters():
                if p.grad is None:
                    p.grad = torch.zeros_like(p)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        for group in optimizer.param_groups:
            group["lr"] = RATE * dense["ratio"](step)
        optimizer.step()
        for key, value in (("loss", loss.item()), ("cross_entropy", cross_entropy.item()), ("aux_loss", aux.item()), ("grad_norm", norm.item())):
            result[key].append(value)
    result["validation_after"] = dense["evaluate"](model, held_out)
    print(unused, "gradients were None;", result["loss"][0], result["loss"][-1])
    assert unused > 0
    return result


def main():
    torch.set_num_threads(1)
    usable = [record for record in read("train") if any(label != -100 for label in record.get("labels", record["input_ids"])[1:])]
    model = fresh_model()
    model.save_pretrained(OUT / "model")
    for name, decayed in (("expected", False), ("expected_decayed", True)):
        (OUT / f"{name}.json").write_text(json.dumps(train(fresh_model(), usable, read("validation"), decayed), indent=1) + "\n")


main()
