"""Writes tests/golden/classifier/: tiny fastText models trained by the fasttext tool, and what the tool predicts with them.

    python3 tests/golden/make_classifier_goldens.py            # needs the program `fasttext` (0.9.2, Debian) in PATH; standard library only

One model per loss, with word n-grams, character n-grams over two- and three-byte characters (the hash takes bytes with their sign), quantised, and
quantised with only some buckets kept. The texts are drawn from word lists below by a fixed generator; among the probes are lines with unknown words
only, labels in the text, a literal </s>, and white space of every kind. predictions.json holds the five best labels with the probability that
`fasttext predict-prob MODEL - 5` prints (six digits, 1e-5 added by the tool). train.txt is the training file of the model `softmax`: the test trains
on it and expects the same bytes.
"""
import json
import pathlib
import random
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent / "classifier"
WORDS = {
    "science": "atom energy cell force theorem proof planet light wave number equation gene enzyme orbit mass".split(),
    "kitchen": "butter flour oven recipe onion garlic simmer dough salt pepper bake stir minutes bowl sauce".split(),
    "sport": "goal match league coach injury season striker defeat points score penalty team final cup fans".split(),
    "мир": "вода земля язык история город книга число закон память свет время слово дорога школа ветер".split(),
    "数学": "数 理論 方程式 証明 関数 集合 微分 積分 空間 群 定理 確率 行列 図形 整数".split(),
}
COMMON = "the of and to in a is that it was for on with as by at from this which are été naïve über".split()
TRAIN = "-epoch 12 -lr 0.4 -thread 1 -verbose 0".split()
CASES = {
    "softmax": "-dim 6 -wordNgrams 2 -bucket 200 -loss softmax",
    "hierarchical": "-dim 5 -wordNgrams 3 -bucket 150 -loss hs -minn 2 -maxn 3",
    "negative": "-dim 4 -loss ns -neg 2",
    "one_versus_all": "-dim 6 -wordNgrams 2 -bucket 120 -loss ova",
    "characters": "-dim 4 -minn 2 -maxn 4 -bucket 400 -loss softmax -minCount 3",
    "quantised": "-dim 5 -wordNgrams 2 -bucket 300 -loss softmax -minn 1 -maxn 2",
    "pruned": "-dim 4 -wordNgrams 2 -bucket 600 -loss one-vs-all -minn 3 -maxn 5",
    "many_labels": "-dim 3 -wordNgrams 2 -bucket 300 -loss hs -epoch 2",
}
QUANTISE = {"quantised": "-qnorm -dsub 2", "pruned": "-cutoff 300 -dsub 3", "many_labels": "-qout -qnorm -dsub 2"}


def sentence(draw, topic):
    words = [draw.choice(WORDS[topic] if draw.random() < 0.6 else COMMON) for _ in range(draw.randint(5, 14))]
    return " ".join(words)


def probes(draw):
    lines = [sentence(draw, draw.choice(list(WORDS))) for _ in range(40)]
    lines += [" ".join(sentence(draw, topic) for topic in WORDS)]
    lines += ["", " ", "qqqq zzzz", "__label__science atom", "atom __label__unknown energy", "atom </s> recipe butter flour", "</s>", "< >", "«été»", "é"]
    lines += ["atom\tenergy\x0bwave\x0c force", "  two  blanks  ", "supercalifragilistic orbits", "数理論", "землей 方程", "💡 light", "\u00a0mass\u3000light"]
    return lines


def fasttext(*arguments):
    return subprocess.run(["fasttext", *map(str, arguments)], check=True, capture_output=True).stdout.decode()


def parse(line):
    """`__label__a 0.5 __label__b 0.25` -> [["a", 0.5], ["b", 0.25]]"""
    parts = line.split(" ") if line else []
    return [[label.removeprefix("__label__"), float(value)] for label, value in zip(parts[::2], parts[1::2])]


def predict(model, text, folder):
    """One file per text: after a literal </s> the tool goes on with the rest of the line as a line of its own."""
    (folder / "probe.txt").write_text(text + "\n")
    return parse(fasttext("predict-prob", model, folder / "probe.txt", 5).split("\n")[0])


def main():
    draw = random.Random(7)
    HERE.mkdir(exist_ok=True)
    topics = [draw.choice(list(WORDS)) for _ in range(160)]
    lines = [f"__label__{topic} {sentence(draw, topic)}" for topic in topics]
    (HERE / "train.txt").write_text("".join(line + "\n" for line in lines))
    many = [f"__label__l{draw.randint(0, 259) if i >= 260 else i} {sentence(draw, draw.choice(list(WORDS)))}" for i in range(400)]
    texts = probes(draw)
    cases = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "many.txt").write_text("".join(line + "\n" for line in many))
        for name, options in CASES.items():
            data = folder / "many.txt" if name == "many_labels" else HERE / "train.txt"
            fasttext("supervised", "-input", data, "-output", folder / name, *TRAIN, *options.split())
            ending = "bin"
            if name in QUANTISE:
                fasttext("quantize", "-input", data, "-output", folder / name, "-verbose", 0, *QUANTISE[name].split())
                ending = "ftz"
            model = HERE / f"{name}.{ending}"
            model.write_bytes((folder / f"{name}.{ending}").read_bytes())
            cases[name] = {"file": model.name, "predictions": [predict(model, text, folder) for text in texts]}
    document = {"texts": texts, "cases": cases}
    (HERE / "predictions.json").write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
    for path in sorted(HERE.iterdir()):
        print(f"{path.stat().st_size:8d} {path.name}")


main()
