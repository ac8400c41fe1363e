"""What an expert axis and sharded states cost: the same run on two layouts, rounds interleaved, medians compared, losses equal.

    bench/layouts.py --experts      a mixture of experts: two ranks that share the experts on two cores beside one rank on one core (target 1.8)
    bench/layouts.py --shards       8m, two ranks: parallel.shard none, optimizer (target: a step costs less than 5 % more), parameters (less than 25 %)

Steps of 16,384 (experts) and 8,192 (shards) tokens in documents of 512, float32.
"""
import argparse

from common import SIZES, documents, model_directory, vocabulary
from train import compare, ours

SIZES.setdefault("moe", "phimoe-bench")


def experts(rounds, steps):
    model = model_directory("moe")
    data = documents("layouts-moe", vocabulary(model), [512] * 32 * steps)
    route = ["model.router=deterministic"]
    compare("mixture of experts, 16,384 tokens per optimizer step", {
        "two ranks, experts shared": lambda: ours(model, data, 32, steps, 1, 2048, ranks=2, threads=1, extra=[*route, "parallel.expert=2"]),
        "one rank on one core": lambda: ours(model, data, 32, steps, 1, 2048, threads=1, extra=route),
        "two ranks, experts on both": lambda: ours(model, data, 32, steps, 1, 2048, ranks=2, threads=1, extra=route),
    }, rounds, "tokens_per_second")


def shards(rounds, steps):
    model = model_directory("8m")
    data = documents("layouts-8m", vocabulary(model), [512] * 16 * steps)

    def with_level(level):
        return lambda: ours(model, data, 16, steps, 2, 4096, ranks=2, threads=1, extra=[f"parallel.shard={level}"])

    compare("8m, two ranks, 8,192 tokens per optimizer step", {level: with_level(level) for level in ("none", "optimizer", "gradients", "parameters")}, rounds,
            "tokens_per_second")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experts", action="store_true")
    parser.add_argument("--shards", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    arguments = parser.parse_args()
    if arguments.experts or not arguments.shards:
        experts(arguments.rounds, arguments.steps)
    if arguments.shards or not arguments.experts:
        shards(arguments.rounds, arguments.steps)


if __name__ == "__main__":
    main()
