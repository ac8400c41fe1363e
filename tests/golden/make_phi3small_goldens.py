"""Writes tests/golden/phi3small/: tiny random Phi-3-small checkpoints with log-probabilities, loss and gradients of a second implementation.

    pip install torch==2.11.0 safetensors && python tests/golden/make_phi3small_goldens.py

transformers has no Phi-3-small. This file computes it in plain torch from the formulas of the released remote code, in float64 on float32 weights, with
the block pattern as a dense mask. Every case is a Hugging Face directory plus golden.json (documents, loss, answers) and golden.tensors: logprobs.<last
document> [length, vocabulary], target_logprobs.<document>, grad.<parameter>. Documents run one by one. The loss is the mean over all targets of all
documents, and so are gradients. Answers are greedy, the whole text computed again for every token.
"""

import json
import math
import pathlib

import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).parent / "phi3small"
BASE = dict(model_type="phi3small", architectures=["Phi3SmallForCausalLM"], vocab_size=96, hidden_size=32, ff_intermediate_size=24, ff_dim_multiplier=None,
            num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, hidden_act="gegelu", gegelu_limit=0.5, gegelu_pad_to_256=False,
            layer_norm_epsilon=1e-5, max_position_embeddings=256, rope_embedding_base=1000000, rope_position_scale=1.0, mup_use_scaling=True,
            mup_attn_multiplier=1.0, mup_embedding_multiplier=10.0, mup_width_multiplier=8.0, dense_attention_every_n_layers=2, blocksparse_block_size=64,
            blocksparse_triton_kernel_block_size=64, blocksparse_num_local_blocks=1, blocksparse_vert_stride=2, blocksparse_homo_head_pattern=False,
            attention_dropout_prob=0.0, embedding_dropout_prob=0.0, ffn_dropout_prob=0.0, initializer_range=0.02, pad_sequence_to_multiple_of_64=True,
            reorder_and_upcast_attn=False, bos_token_id=5, eos_token_id=7, dummy_token_indices=[0, 11, 60, 95])
FACTORS = dict(short_factor=[1.0, 1.1, 1.3, 1.7], long_factor=[1.0, 2.3, 7.1, 25.0], original_max_position_embeddings=100)


def cases():
    yield "dense_rope", dict(BASE, gegelu_limit=0.5), [192, 70]
    # Both scales from the file; lengths at the original length, one above it, and far above.
    yield "mscale", dict(BASE, original_max_position_embeddings=100,
                         rope_scaling=dict(FACTORS, type="su", short_mscale=1.05, long_mscale=1.3)), [100, 101, 192]
    # Missing or non-positive scales: long by the formula, short 1. All heads share a pattern of blocks of 16.
    yield "mscale_derived", dict(BASE, original_max_position_embeddings=100, blocksparse_homo_head_pattern=True, blocksparse_block_size=16,
                                 blocksparse_num_local_blocks=2, blocksparse_vert_stride=5, mup_attn_multiplier=2.0,
                                 rope_scaling=dict(FACTORS, type="longrope", long_mscale=-1.0)), [60, 140]


def draw_weights(c, generator):
    def normal(*shape, scale=0.2):
        return scale * torch.randn(*shape, generator=generator)

    hidden, inner = c["hidden_size"], c["ff_intermediate_size"]
    head = hidden // c["num_attention_heads"]
    rows = (c["num_attention_heads"] + 2 * c["num_key_value_heads"]) * head
    weights = {"model.embed_tokens.weight": normal(c["vocab_size"], hidden)}
    for i in range(c["num_hidden_layers"]):
        layer = f"model.layers.{i}."
        for name, out, width in [("self_attn.query_key_value", rows, hidden), ("self_attn.dense", hidden, hidden), ("mlp.up_proj", 2 * inner, hidden),
                                 ("mlp.down_proj", hidden, inner)]:
            # Scores are divided by head_dim, not by its root, and the embedding is multiplied by 10: larger rows, so that the softmax is not flat and
            # the layers decide about the next token.
            weights[layer + name + ".weight"] = normal(out, width, scale={"self_attn.query_key_value": 0.5, "mlp.up_proj": 0.2}.get(name, 2.0))
            weights[layer + name + ".bias"] = normal(out)
        for name in ["input_layernorm", "post_attention_layernorm"]:
            weights[layer + name + ".weight"], weights[layer + name + ".bias"] = 1.0 + normal(hidden), normal(hidden)
    weights["model.final_layernorm.weight"], weights["model.final_layernorm.bias"] = 1.0 + normal(hidden), normal(hidden)
    return weights


def rotary(c, length, head):
    """cos and sin [length, head] in float32, as the remote code builds them."""
    exponents = torch.arange(0, head, 2, dtype=torch.float32) / head
    scaling, factors, scale = c.get("rope_scaling"), torch.ones(head // 2), 1.0
    if scaling:
        original, is_long = scaling["original_max_position_embeddings"], length > scaling["original_max_position_embeddings"]
        factors = torch.tensor(scaling["long_factor" if is_long else "short_factor"], dtype=torch.float32)
        derived = math.sqrt(1.0 + math.log(c["max_position_embeddings"] / original) / math.log(original)) if is_long else 1.0
        given = scaling.get("long_mscale" if is_long else "short_mscale", -1.0)
        scale = given if given > 0 else derived
    inverse = 1.0 / (factors * c["rope_embedding_base"] ** exponents)
    angles = torch.outer(torch.arange(length, dtype=torch.float32), inverse)
    angles = torch.cat([angles, angles], -1)
    return (angles.cos() * scale).double(), (angles.sin() * scale).double()


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def mask(c, layer, length):
    """[heads, length, length] true where a query sees a key."""
    heads = c["num_attention_heads"]
    position = torch.arange(length)
    causal = position[:, None] >= position[None, :]
    if (layer + 1) % c["dense_attention_every_n_layers"] == 0:
        return causal.expand(heads, length, length)
    block, stride = c["blocksparse_block_size"], c["blocksparse_vert_stride"]
    step = 0 if c["blocksparse_homo_head_pattern"] else max(1, stride // heads)
    seen = torch.zeros(heads, length, length, dtype=torch.bool)
    for head in range(heads):
        for i in range(-(-length // block)):
            for j in range(i + 1):
                if i - j < c["blocksparse_num_local_blocks"] or (j + 1 + head * step) % stride == 0:
                    seen[head, i * block:(i + 1) * block, j * block:(j + 1) * block] = True
    return seen & causal


def layer_norm(x, weights, name, eps):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt() * weights[name + ".weight"] + weights[name + ".bias"]


def linear(x, weights, name):
    return x @ weights[name + ".weight"].T + weights[name + ".bias"]


def attention(x, c, weights, name, seen):
    heads, kv_heads, length = c["num_attention_heads"], c["num_key_value_heads"], x.shape[0]
    group, head = heads // kv_heads, c["hidden_size"] // heads
    rows = linear(x, weights, name + ".query_key_value").view(length, kv_heads, group + 2, head)
    q = rows[:, :, :group].reshape(length, heads, head).transpose(0, 1)
    k = rows[:, :, group].transpose(0, 1).repeat_interleave(group, 0)
    v = rows[:, :, group + 1].transpose(0, 1).repeat_interleave(group, 0)
    cos, sin = rotary(c, length, head)
    scores = rotate(q, cos, sin) @ rotate(k, cos, sin).transpose(1, 2) / (head / c["mup_attn_multiplier"])
    mixed = torch.softmax(scores.masked_fill(~seen, -math.inf), -1) @ v
    return linear(mixed.transpose(0, 1).reshape(length, heads * head), weights, name + ".dense")


def mlp(x, c, weights, name):
    pairs = linear(x, weights, name + ".up_proj")
    limit = c["gegelu_limit"]
    gelu, value = pairs[:, 0::2].clamp(max=limit), pairs[:, 1::2].clamp(-limit, limit)
    return linear(gelu * torch.sigmoid(1.702 * gelu) * (value + 1), weights, name + ".down_proj")


def logits_of(tokens, c, weights):
    eps = c["layer_norm_epsilon"]
    x = weights["model.embed_tokens.weight"][tokens] * c["mup_embedding_multiplier"]
    for i in range(c["num_hidden_layers"]):
        layer = f"model.layers.{i}"
        x = x + attention(layer_norm(x, weights, layer + ".input_layernorm", eps), c, weights, layer + ".self_attn", mask(c, i, len(tokens)))
        x = x + mlp(layer_norm(x, weights, layer + ".post_attention_layernorm", eps), c, weights, layer + ".mlp")
    x = layer_norm(x, weights, "model.final_layernorm", eps)
    logits = x @ weights["model.embed_tokens.weight"].T / c["mup_width_multiplier"]
    return logits.index_fill(1, torch.tensor(c["dummy_token_indices"]), torch.finfo(torch.float32).min)


def draw_tokens(c, length, generator):
    allowed = torch.tensor([t for t in range(c["vocab_size"]) if t not in c["dummy_token_indices"]])
    return allowed[torch.randint(0, len(allowed), (length,), generator=generator)]


def write_case(name, c, lengths, generator):
    directory = ROOT / name
    directory.mkdir(parents=True, exist_ok=True)
    weights = draw_weights(c, generator)
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(c, indent=1) + "\n")
    (directory / "generation_config.json").write_text(json.dumps({"eos_token_id": c["eos_token_id"]}) + "\n")
    wide = {key: value.double().requires_grad_() for key, value in weights.items()}

    documents = [draw_tokens(c, length, generator) for length in lengths]
    targets, total, tensors = sum(length - 1 for length in lengths), 0.0, {}
    for i, tokens in enumerate(documents):
        logprobs = torch.log_softmax(logits_of(tokens, c, wide), -1)
        chosen = logprobs[:-1].gather(1, tokens[1:, None])[:, 0]
        (-chosen.sum() / targets).backward()
        total -= chosen.sum().item()
        tensors[f"target_logprobs.{i}"] = chosen.detach().float()
        if i == len(documents) - 1:
            tensors[f"logprobs.{i}"] = logprobs.detach().float()[-24:].contiguous()
    for key, value in wide.items():
        tensors[f"grad.{key}"] = value.grad.float()
    save_file(tensors, directory / "golden.tensors")

    answers = []
    for prompt_length, new_tokens in [(lengths[-1] - 50, 12), (90, 20)]:
        ids = draw_tokens(c, prompt_length, generator).tolist()
        prompt, margins = list(ids), []
        with torch.no_grad():
            for _ in range(new_tokens):
                best = logits_of(torch.tensor(ids), c, wide)[-1].topk(2)
                margins.append((best.values[0] - best.values[1]).item())
                ids.append(int(best.indices[0]))
        # A choice that rounding could turn would make the test a coin toss.
        assert min(margins) > 1e-4, margins
        answers.append({"prompt": prompt, "repetition_penalty": 1.0, "output": ids[prompt_length:]})
    golden = {"documents": [d.tolist() for d in documents], "loss": total / targets, "targets": targets, "answers": answers}
    (directory / "golden.json").write_text(json.dumps(golden) + "\n")
    print(name, f"loss {golden['loss']:.6f}", sum(f.stat().st_size for f in directory.iterdir()) // 1000, "kB", [a["output"] for a in answers])


def check_gegelu():
    """The check values of the released code's formula."""
    def gegelu(g, l, limit=20.0):
        g, l = min(g, limit), min(max(l, -limit), limit)
        return g / (1.0 + math.exp(-1.702 * g)) * (l + 1.0)

    for g, l, expected in [(1.0, 0.5, 1.26869365), (-1.0, 0.5, -0.23130635), (25.0, 30.0, 420.0), (0.0, 3.0, 0.0)]:
        assert abs(gegelu(g, l) - expected) < 1e-7, (g, l)


def main():
    check_gegelu()
    generator = torch.Generator().manual_seed(20240521)
    for name, c, lengths in cases():
        write_case(name, c, lengths, generator)


if __name__ == "__main__":
    main()
