"""Training speed beside a plain transformers loop: same weights, same documents, same order, float32; equal losses are the entry ticket.

    bench/train.py --size 8m --rounds 3            documents of 512 tokens, plain and tuned-malloc peers
    bench/train.py --size 8m --compile             also the compiled peer
    bench/train.py --size 8m --short               chats of 100 tokens in the mean, widely spread, against the padded loop (target tokens/s)
    bench/train.py --size 8m --ranks               two ranks on two cores beside one rank on one core and two threads in one rank

Needs the Python packages of bench/peers/requirements.txt; the interpreter that runs this file runs the peers. Rounds are interleaved and the
medians compared: on a shared machine only the ratio of one run means something.
"""
import argparse
import json
import random
import shutil
import statistics
import sys

from common import PHIDIAS, ROOT, WORK, documents, metrics, model_directory, run, vocabulary

TUNED = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "4294967296", "MALLOC_TOP_PAD_": "67108864"}


def ours(model, data, step_documents, steps, warm_up, micro_tokens, ranks=1, threads=2, extra=()):
    output = WORK / "train-run"
    shutil.rmtree(output, ignore_errors=True)
    longest = max(len(json.loads(line)["input_ids"]) for line in open(data))
    overrides = [f"model.path={model}", f"data.train={data}", f"run.output={output}", f"batch.documents={step_documents}", f"stop.steps={steps}",
                 f"batch.micro_tokens={max(micro_tokens, longest)}", f"data.max_length={longest}", *extra]
    program = [PHIDIAS] if ranks == 1 else [ROOT / "launch" / "mpirun.sh", "-n", ranks, PHIDIAS]
    run([*program, "train", ROOT / "bench" / "train.yaml", *overrides], OMP_NUM_THREADS=str(threads))
    rows = metrics(output)
    return {"losses": [row["loss"] for row in rows],
            "tokens_per_second": statistics.median(row["tokens_per_second"] for row in rows[warm_up:]),
            "target_tokens_per_second": statistics.median(row["tokens_per_second"] * row["target_tokens"] / row["tokens"] for row in rows[warm_up:]),
            "peak_memory": max(row["memory"] for row in rows)}


def peer(model, data, step_documents, steps, warm_up, micro_documents, extra=(), **environment):
    text = run([sys.executable, ROOT / "bench" / "peers" / "train_transformers.py", "--model", model, "--data", data, "--documents", step_documents, "--steps",
                steps, "--warm-up", warm_up, "--micro-documents", micro_documents, *extra], **environment)
    return json.loads(text.strip().splitlines()[-1])


def compare(title, contenders, rounds, field):
    """contenders: name -> callable; the first is ours. Prints medians, ratios and the largest loss difference."""
    results = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            results[name].append(measure())
    base = next(iter(contenders))
    median = {name: statistics.median(r[field] for r in rows) for name, rows in results.items()}
    print(f"\n{title} ({field}, median of {rounds})")
    for name, rows in results.items():
        difference = max(abs(a - b) for a, b in zip(results[base][0]["losses"], rows[0]["losses"]))
        memory = max(r["peak_memory"] for r in rows) / 1e9
        print(f"  {name:34s} {median[name]:10.0f}   ours / it {median[base] / median[name]:5.2f}   loss difference {difference:.1e}   peak {memory:.2f} GB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=["8m", "60m"], default="8m")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--ranks", action="store_true")
    arguments = parser.parse_args()
    model = model_directory(arguments.size)
    steps = arguments.steps or (12 if arguments.size == "8m" else 6)
    if arguments.short:
        draw = random.Random(1)
        lengths = [max(8, min(1024, int(draw.lognormvariate(4.1, 1.0)))) for _ in range(32 * steps)]
        data = documents(f"short-{arguments.size}", vocabulary(model), lengths)
        compare(f"short documents, mean {statistics.mean(lengths):.0f} tokens", {
            "phidias": lambda: ours(model, data, 32, steps, 2, 8192),
            "transformers, padded": lambda: peer(model, data, 32, steps, 2, 8),
            "transformers, padded, tuned malloc": lambda: peer(model, data, 32, steps, 2, 8, **TUNED),
        }, arguments.rounds, "target_tokens_per_second")
    elif arguments.ranks:
        data = documents(f"ranks-{arguments.size}", vocabulary(model), [512] * 32 * steps)
        compare("16,384 tokens per optimizer step", {
            "two ranks on two cores": lambda: ours(model, data, 32, steps, 1, 2048, ranks=2, threads=1),
            "one rank on one core": lambda: ours(model, data, 32, steps, 1, 2048, threads=1),
            "one rank, two threads": lambda: ours(model, data, 32, steps, 1, 2048, threads=2),
        }, arguments.rounds, "tokens_per_second")
    else:
        data = documents(f"train-{arguments.size}", vocabulary(model), [512] * 4 * steps)
        contenders = {
            "phidias": lambda: ours(model, data, 4, steps, 2, 2048),
            "transformers": lambda: peer(model, data, 4, steps, 2, 4),
            "transformers, tuned malloc": lambda: peer(model, data, 4, steps, 2, 4, **TUNED),
        }
        if arguments.compile:
            contenders["transformers, compiled, tuned malloc"] = lambda: peer(model, data, 4, steps, 2, 4, ["--compile"], **TUNED)
        compare(f"{arguments.size}: documents of 512 tokens, 2,048 tokens per step, two threads", contenders, arguments.rounds, "tokens_per_second")


if __name__ == "__main__":
    main()
