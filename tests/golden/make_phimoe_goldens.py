"""Writes tests/golden/phimoe/: a tiny random Phi-3.5-MoE checkpoint with transformers' log-probabilities, routing, losses and gradients.

    pip install torch==2.11.0 transformers==4.57.3 && python tests/golden/make_phimoe_goldens.py

float32, eager attention, documents one by one, so that the rotary list is chosen per document. The router is forced close (phi-models.md 6.3): otherwise all
weights are 1 and nothing is tested.

golden.tensors: evaluation mode (no jitter, the best experts), from transformers: logprobs.<document>, experts.<layer>.<document> and weights.<...>
[length, 2], grad.<parameter> of  cross-entropy / targets + 0.05 * load_balancing_loss_func  over all documents.
training.tensors: training mode (input jitter, drawn experts) from the plain reference below, whose random numbers are the program's own (Philox, keyed by
seed, step, document and position) computed here independently: experts.*, weights.*, logprobs of the last document, gradients of the cross-entropy.
The reference is compared with transformers in evaluation mode first.
"""

import json
import math
import pathlib

import torch
import transformers
from safetensors.torch import save_file
from transformers import PhimoeConfig, PhimoeForCausalLM
from transformers.models.phimoe import modeling_phimoe

assert transformers.__version__ == "4.57.3", transformers.__version__
OUT = pathlib.Path(__file__).parent / "phimoe"
VOCABULARY, HIDDEN, INNER, LAYERS, HEADS, KV_HEADS, EXPERTS = 40, 24, 12, 2, 4, 2, 6
ORIGINAL, EPSILON, AUX = 8, 0.01, 0.05
LENGTHS = [5, 8, 9, 17]
SEED, STEP = 11, 3
JITTER, SAMPLING = 5, 6     # RandomSite of base/philox.h
MASK = (1 << 32) - 1


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def draw_key(record, position):
    """kernels/draws.h."""
    state = philox([JITTER, 0, 0, 0], [SEED & MASK, SEED >> 32])
    for number in (STEP, record, 0):
        state = philox(state, [number & MASK, number >> 32])
    block = philox([position & MASK, position >> 32, state[2], state[3]], state[:2])
    return block[1] << 32 | block[0]


def uniforms(key, site, layer, slot, count):
    site = site << 48 | layer << 24 | slot
    words = [philox([i // 4, 0, site & MASK, site >> 32], [key & MASK, key >> 32])[i % 4] for i in range(count)]
    return torch.tensor([((w >> 8) + 0.5) / (1 << 24) for w in words], dtype=torch.float32)


class Midpoint(torch.autograd.Function):
    """value * factor; the gradient of value alone (MultiplierProcessor)."""

    @staticmethod
    def forward(ctx, value, factor):
        return value * factor

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None


def choose(scores, masked, noise, midpoint):
    """One slot for one token: {expert, weight}. phi-models.md 3.4."""
    largest, best = masked.detach().max(-1)
    removed = (largest - scores.detach()) / scores.detach().abs().clamp(min=largest) > 2 * EPSILON
    left = masked.masked_fill(removed, -math.inf)
    gates = left.softmax(-1)
    if noise is None:
        return int(best), gates[best]
    chosen = int((left.detach() - torch.log(-torch.log(noise))).argmax())
    whole = chosen == int(best) or float(midpoint) > 0.75
    return chosen, Midpoint.apply(gates[chosen], 1.0 if whole else 0.3333)


def route(scores, keys, layer):
    experts, weights = [], []
    for t in range(scores.shape[0]):
        masked, row_experts, row_weights = scores[t], [], []
        for slot in range(2):
            drawn = None if keys is None else uniforms(keys[t], SAMPLING, layer, slot, (EXPERTS + 3) // 4 * 4 + 1)
            expert, weight = choose(scores[t], masked, None if drawn is None else drawn[:EXPERTS], None if drawn is None else drawn[-1])
            masked = masked.clone()
            masked[expert] = -math.inf
            row_experts.append(expert)
            row_weights.append(weight)
        experts.append(row_experts)
        weights.append(torch.stack(row_weights))
    return torch.tensor(experts), torch.stack(weights)


def reference_logits(p, config, tokens, keys, record):
    """The whole model for one document from the formulas; keys: draw keys in training mode. Fills record[layer] = (experts, weights)."""
    length, dim = len(tokens), HIDDEN // HEADS
    scaling = config.rope_scaling
    is_long = length > ORIGINAL
    factors = torch.tensor(scaling["long_factor" if is_long else "short_factor"], dtype=torch.float32)
    mscale = scaling["long_mscale" if is_long else "short_mscale"]
    inverse = 1.0 / (factors * config.rope_theta ** (torch.arange(0, dim, 2).float() / dim))
    angles = torch.outer(torch.arange(length).float(), inverse)
    cos, sin = torch.cat((angles, angles), -1).cos() * mscale, torch.cat((angles, angles), -1).sin() * mscale
    norm = lambda x, name: torch.nn.functional.layer_norm(x, (HIDDEN,), p[name + ".weight"], p[name + ".bias"], 1e-5)
    linear = lambda x, name: torch.nn.functional.linear(x, p[name + ".weight"], p.get(name + ".bias"))
    turn = lambda x: x * cos + torch.cat((-x[..., dim // 2:], x[..., : dim // 2]), -1) * sin
    causal = torch.full((length, length), -math.inf).triu(1)
    x = p["model.embed_tokens.weight"][tokens]
    for layer in range(LAYERS):
        path = f"model.layers.{layer}."
        h = norm(x, path + "input_layernorm")
        q, k, v = (linear(h, f"{path}self_attn.{n}_proj").view(length, -1, dim).transpose(0, 1) for n in "qkv")
        k, v = (t.repeat_interleave(HEADS // KV_HEADS, 0) for t in (turn(k), v))
        attention = (turn(q) @ k.transpose(1, 2) / math.sqrt(dim) + causal).softmax(-1) @ v
        x = x + linear(attention.transpose(0, 1).reshape(length, HIDDEN), path + "self_attn.o_proj")
        h = norm(x, path + "post_attention_layernorm")
        if keys is not None:
            h = h * torch.stack([uniforms(key, JITTER, layer, 0, HIDDEN) * torch.tensor(2 * EPSILON) + torch.tensor(1 - EPSILON) for key in keys])
        experts, weights = route(linear(h, path + "block_sparse_moe.gate"), keys, layer)
        record[layer] = (experts, weights.detach())
        rows = []
        for t in range(length):
            row = 0.0
            for slot in range(2):
                name = f"{path}block_sparse_moe.experts.{int(experts[t, slot])}."
                row = row + weights[t, slot] * linear(torch.nn.functional.silu(linear(h[t], name + "w1")) * linear(h[t], name + "w3"), name + "w2")
            rows.append(row)
        x = x + torch.stack(rows)
    return linear(norm(x, "model.norm"), "lm_head")


def fresh_model(generator):
    factors = lambda width: [round(1.0 + width * float(torch.rand(1, generator=generator)), 4) for _ in range(HIDDEN // HEADS // 2)]
    scaling = {"type": "longrope", "short_factor": factors(1.0), "long_factor": factors(6.0), "short_mscale": 1.243163121016122, "long_mscale": 1.31,
               "original_max_position_embeddings": ORIGINAL}
    config = PhimoeConfig(vocab_size=VOCABULARY, hidden_size=HIDDEN, intermediate_size=INNER, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                          num_key_value_heads=KV_HEADS, max_position_embeddings=64, original_max_position_embeddings=ORIGINAL, sliding_window=64,
                          bos_token_id=1, eos_token_id=7, pad_token_id=None, num_local_experts=EXPERTS, num_experts_per_tok=2, router_aux_loss_coef=AUX,
                          router_jitter_noise=EPSILON, input_jitter_noise=EPSILON, attention_bias=True, lm_head_bias=True, rope_theta=10000.0,
                          rope_scaling=scaling, attn_implementation="eager", torch_dtype="float32")
    model = PhimoeForCausalLM(config).float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("post_attention_layernorm.bias"):
                parameter.copy_(2.0 + 0.3 * noise)
            elif name.endswith("gate.weight"):
                parameter.copy_(0.05 + 0.006 * noise)
            elif name.endswith("norm.weight"):
                parameter.copy_(1.0 + 0.3 * noise)
            else:
                parameter.copy_((0.3 if name.endswith("bias") else 0.2) * noise)
    return model


def cross_entropy(logits, tokens, targets):
    return torch.nn.functional.cross_entropy(logits[:-1], tokens[1:], reduction="sum") / targets


def evaluation_case(model, documents, targets):
    routed = []
    original = modeling_phimoe.sparsemixer

    def listening(scores, jitter_eps, training, top_k=2):
        weights, experts = original(scores, jitter_eps=jitter_eps, training=training, top_k=top_k)
        routed.append((experts, weights.detach()))
        return weights, experts

    modeling_phimoe.sparsemixer = listening
    tensors, loss, scores = {}, 0.0, []
    for i, tokens in enumerate(documents):
        output = model(input_ids=tokens[None], use_cache=False, output_router_logits=True)
        scores.append(output.router_logits)
        tensors[f"logprobs.{i}"] = torch.log_softmax(output.logits[0].detach(), -1)
        for layer in range(LAYERS):
            tensors[f"experts.{layer}.{i}"], tensors[f"weights.{layer}.{i}"] = routed[i * LAYERS + layer]
        loss = loss + cross_entropy(output.logits[0], tokens, targets)
        own = reference_logits(dict(model.named_parameters()), model.config, tokens, None, {})
        assert torch.allclose(torch.log_softmax(own, -1), tensors[f"logprobs.{i}"], atol=2e-5), "the reference differs from transformers"
    modeling_phimoe.sparsemixer = original
    aux = modeling_phimoe.load_balancing_loss_func(tuple(torch.cat([s[layer] for s in scores]) for layer in range(LAYERS)), EXPERTS, 2)
    (loss + AUX * aux).backward()
    for name, parameter in model.named_parameters():
        tensors[f"grad.{name}"] = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    weights = torch.cat([w.flatten() for _, w in routed])
    print(f"evaluation: {int((weights < 0.999).sum())} of {weights.numel()} weights below 1, loss {loss.item():.6f}, aux {aux.item():.6f}")
    save_file({name: t.detach().contiguous() for name, t in tensors.items()}, OUT / "golden.tensors")
    return {"loss": loss.item(), "aux_loss": aux.item()}


def training_case(model, documents, targets):
    model.zero_grad()
    parameters, tensors, loss = dict(model.named_parameters()), {}, 0.0
    for i, tokens in enumerate(documents):
        record = {}
        logits = reference_logits(parameters, model.config, tokens, [draw_key(i, t) for t in range(len(tokens))], record)
        loss = loss + cross_entropy(logits, tokens, targets)
        for layer in range(LAYERS):
            tensors[f"experts.{layer}.{i}"], tensors[f"weights.{layer}.{i}"] = record[layer]
    tensors["logprobs"] = torch.log_softmax(logits, -1)
    loss.backward()
    for name, parameter in parameters.items():
        if "experts" not in name or ".experts.1." in name:
            tensors[f"grad.{name}"] = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    print(f"training: loss {loss.item():.6f}")
    save_file({name: t.detach().contiguous() for name, t in tensors.items()}, OUT / "training.tensors")
    return {"training_loss": loss.item(), "seed": SEED, "step": STEP}


def main():
    OUT.mkdir(exist_ok=True)
    generator = torch.Generator().manual_seed(20240820)
    model = fresh_model(generator)
    model.save_pretrained(OUT)
    (OUT / "generation_config.json").write_text(json.dumps({"eos_token_id": 7}) + "\n")
    documents = [torch.randint(0, VOCABULARY, (length,), generator=generator) for length in LENGTHS]
    targets = sum(length - 1 for length in LENGTHS)
    golden = {"documents": [d.tolist() for d in documents], "targets": targets, "aux_coefficient": AUX}
    golden |= evaluation_case(model, documents, targets)
    golden |= training_case(model, documents, targets)
    (OUT / "golden.json").write_text(json.dumps(golden) + "\n")
    print(sum(f.stat().st_size for f in OUT.iterdir()) // 1000, "kB")


if __name__ == "__main__":
    main()
