"""Generation speed beside transformers' generate: greedy, float32, prompt 64, 128 new tokens; the new ids must agree.

    bench/generate.py --size 8m --batch 8
    bench/generate.py --size 60m --batch 1
"""
import argparse
import json
import statistics
import sys

from common import PHIDIAS, ROOT, WORK, documents, model_directory, run, vocabulary


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=["8m", "60m"], default="8m")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--new-tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    model = model_directory(arguments.size)
    prompts = documents(f"prompts-{arguments.batch}", vocabulary(model), [64] * arguments.batch)
    ours, theirs = [], []
    for _ in range(arguments.rounds):
        output = WORK / "generated.jsonl"
        text = run([PHIDIAS, "generate", "--json", "--model", model, "--input", prompts, "--output", output, "--max-new-tokens", arguments.new_tokens, "--ignore-eos",
                    "--batch-size", arguments.batch], OMP_NUM_THREADS="2")
        ours.append(json.loads(text.strip().splitlines()[-1])["tokens_per_second"])
        text = run([sys.executable, ROOT / "bench" / "peers" / "generate_transformers.py", "--model", model, "--prompts", prompts, "--new-tokens",
                    arguments.new_tokens, "--rounds", 2])
        peer = json.loads(text.strip().splitlines()[-1])
        theirs.append(peer["tokens_per_second"])
    ids = [json.loads(line)["output_ids"] for line in open(output)]
    equal = sum(a == b for a, b in zip(ids, peer["output_ids"]))
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{arguments.size}, batch {arguments.batch}: phidias {a:.0f} tokens/s, transformers {b:.0f} tokens/s, ratio {a / b:.2f}; "
          f"{equal} of {len(ids)} continuations equal")


if __name__ == "__main__":
    main()
