"""Shared by the benches: where things are, model directories, documents, running our program."""
import json
import os
import pathlib
import random
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PHIDIAS = ROOT / "build" / "bin" / "phidias"
WORK = ROOT / "runs" / "bench"
SIZES = {"8m": "phi3-8m", "60m": "phi3-60m"}


def run(command, **environment):
    """Runs a command, returns its standard output; shows its errors and stops when it fails."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, env={**os.environ, **environment})
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed ({result.returncode}):\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}")
    return result.stdout


def model_directory(size):
    """A directory with fresh weights, the same for both sides."""
    directory = WORK / f"model-{size}"
    if not (directory / "config.json").exists():
        run([PHIDIAS, "init", "--preset", SIZES[size], "--output", directory])
    return directory


def vocabulary(directory):
    return json.load(open(directory / "config.json"))["vocab_size"]


def documents(name, vocab, lengths, seed=0):
    """Token records with a learnable pattern (each id depends on the one before) so that losses move."""
    path = WORK / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    with open(path, "w") as file:
        for length in lengths:
            token, ids = draw.randrange(3, vocab), []
            for _ in range(length):
                ids.append(token)
                token = (token * 5 + 7) % (vocab - 3) + 3 if draw.random() < 0.7 else draw.randrange(3, vocab)
            file.write(json.dumps({"input_ids": ids}) + "\n")
    return path


def metrics(run_directory):
    return [json.loads(line) for line in open(run_directory / "metrics.jsonl")]
