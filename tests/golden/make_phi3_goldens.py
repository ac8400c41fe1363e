"""Writes tests/golden/phi3/: tiny random Phi-3 checkpoints with transformers' log-probabilities, loss, gradients and greedy answers.

    pip install torch==2.11.0 transformers==4.57.3 && python tests/golden/make_phi3_goldens.py

Every case is a Hugging Face directory plus golden.json (documents, losses, answers) and golden.tensors (safetensors: logprobs.<document>
[length - 1, vocabulary] for the first documents, target_logprobs.<document>, grad.<parameter>). float32, eager attention. Documents run one
by one, so that the rotary list is chosen per document. The loss is the mean over all targets of all documents, and so are gradients.
Answers are made by recomputing the whole text for every token: the cache of 4.57.3 is wrong at the crossing of the original length.
"""

import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import Phi3Config, Phi3ForCausalLM

assert transformers.__version__ == "4.57.3", transformers.__version__
ROOT = pathlib.Path(__file__).parent / "phi3"
VOCABULARY = 96

BASE = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64,
            original_max_position_embeddings=64, bos_token_id=1, eos_token_id=7, pad_token_id=None, sliding_window=None, attn_implementation="eager")


def longrope(count, generator):
    short = (1.0 + torch.rand(count, generator=generator, dtype=torch.float64)).tolist()
    long = (1.0 + 6.0 * torch.rand(count, generator=generator, dtype=torch.float64)).tolist()
    return {"type": "longrope", "short_factor": [round(x, 4) for x in short], "long_factor": [round(x, 4) for x in long]}


def cases(generator):
    yield "mha_window", dict(BASE, sliding_window=5, pad_token_id=3), [14, 3, 2, 9]
    yield "gqa_longrope", dict(BASE, num_key_value_heads=2, original_max_position_embeddings=8, rope_scaling=longrope(4, generator)), [5, 8, 9, 17]
    yield "tied_partial", dict(BASE, num_key_value_heads=1, partial_rotary_factor=0.75, hidden_size=64, intermediate_size=24, num_hidden_layers=1,
                               tie_word_embeddings=True, original_max_position_embeddings=8, rope_scaling=longrope(6, generator), eos_token_id=[7, 11]), [7, 12, 2]
    yield "head_96", dict(BASE, num_attention_heads=2, num_key_value_heads=1, head_dim=96, num_hidden_layers=1, sliding_window=6), [11, 4]


def redraw(model, generator):
    """No parameter keeps a symmetric or constant value."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(1.0 + 0.3 * noise if "norm" in name else 0.2 * noise)


def write_case(name, settings, lengths, generator):
    directory = ROOT / name
    directory.mkdir(parents=True, exist_ok=True)
    model = Phi3ForCausalLM(Phi3Config(**settings)).float().train()
    redraw(model, generator)
    model.save_pretrained(directory)
    (directory / "generation_config.json").write_text(json.dumps({"eos_token_id": settings["eos_token_id"]}) + "\n")

    documents = [torch.randint(0, VOCABULARY, (length,), generator=generator) for length in lengths]
    if settings["pad_token_id"] is not None:
        documents[0][4] = settings["pad_token_id"]   # an ordinary token here: its look-up has no gradient in transformers
    targets = sum(length - 1 for length in lengths)
    tensors, total = {}, 0.0
    for i, tokens in enumerate(documents):
        logprobs = torch.log_softmax(model(input_ids=tokens[None]).logits[0].float(), -1)
        chosen = logprobs[:-1].gather(1, tokens[1:, None])[:, 0]
        (-chosen.sum() / targets).backward()
        total -= chosen.sum().item()
        tensors[f"target_logprobs.{i}"] = chosen.detach().contiguous()
        if i == len(documents) - 1:
            tensors[f"logprobs.{i}"] = logprobs.detach().contiguous()
    for parameter_name, parameter in model.named_parameters():
        tensors[f"grad.{parameter_name}"] = parameter.grad.contiguous()
    save_file(tensors, directory / "golden.tensors")

    answers = []
    model.eval()
    for prompt_length, new_tokens, penalty in [(4, 12, 1.0), (3, 10, 1.3), (7, 4, 1.0)]:
        ids = torch.randint(8, VOCABULARY, (prompt_length,), generator=generator).tolist()
        prompt = list(ids)
        with torch.no_grad():
            for _ in range(new_tokens):
                logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[:, -1].float()
                scores = transformers.RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([ids]), logits) if penalty != 1.0 else logits
                ids.append(int(scores.argmax(-1)))
        answers.append({"prompt": prompt, "repetition_penalty": penalty, "output": ids[prompt_length:]})
    if settings["original_max_position_embeddings"] == settings["max_position_embeddings"]:
        check_against_generate(model, answers)
    golden = {"documents": [d.tolist() for d in documents], "loss": total / targets, "targets": targets, "answers": answers}
    (directory / "golden.json").write_text(json.dumps(golden) + "\n")
    print(name, f"loss {golden['loss']:.6f}", sum(f.stat().st_size for f in directory.iterdir()) // 1000, "kB")


def check_against_generate(model, answers):
    """Where nothing crosses the original length, generate() must agree with the recomputation above."""
    for answer in answers:
        model.generation_config.eos_token_id = None
        output = model.generate(torch.tensor([answer["prompt"]]), max_new_tokens=len(answer["output"]), do_sample=False,
                                repetition_penalty=answer["repetition_penalty"], pad_token_id=0)
        if output[0, len(answer["prompt"]):].tolist() != answer["output"]:
            sys.exit(f"generate() differs: {output} {answer}")


def write_preset_config():
    """What transformers itself writes for phi-3.5-mini's numbers; config.json of a preset is compared with it."""
    factors = longrope(48, torch.Generator().manual_seed(5))
    config = Phi3Config(vocab_size=32064, hidden_size=3072, intermediate_size=8192, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=32,
                        max_position_embeddings=131072, original_max_position_embeddings=4096, rope_scaling=factors, sliding_window=262144,
                        bos_token_id=1, eos_token_id=32000, pad_token_id=32000, architectures=["Phi3ForCausalLM"], dtype=torch.bfloat16)
    (ROOT / "preset_config.json").write_text(config.to_json_string(use_diff=True))


def main():
    generator = torch.Generator().manual_seed(20240423)
    for name, settings, lengths in cases(generator):
        write_case(name, settings, lengths, generator)
    write_preset_config()


if __name__ == "__main__":
    main()
