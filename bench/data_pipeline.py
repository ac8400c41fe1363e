"""A pipeline from jsonl.zst to jsonl.zst with the heuristic chain: text bytes per processor second, against datatrove in the same run; and two ranks against one.

    python data_pipeline.py --texts ../runs/raw/man            # after scripts/collect_texts.sh runs/raw
    python data_pipeline.py --texts ../docs --megabytes 30     # any folder of plain texts

Documents of 4 kB are cut from the texts, so that rates can be compared. Processor time (user and system) of the whole program, start to end; the splitter is
white space on both sides; ours with ICU and datatrove with its own (spaCy) are printed as well.
"""
import argparse
import gzip
import json
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import zstandard

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parent / "build" / "bin" / "phidias"
LAUNCHER = HERE.parent / "launch" / "mpirun.sh"

PIPELINE = """output: {output}
read: [{{path: {corpus}, source: texts}}]
write: {{annotations: {annotations}, dropped: reasons}}
work: {{threads: {threads}}}
stages:
  - gopher_repetition: {{splitter: {splitter}}}
  - gopher_quality: {{splitter: {splitter}}}
  - c4_quality
  - fineweb_quality: {{splitter: {splitter}}}
"""


def make_corpus(texts, path, megabytes):
    """Writes 4 kB documents until there are enough, the texts over and over with a word that differs. Returns (documents, bytes of text)."""
    contents = [file.read_text(errors="ignore") for file in sorted(pathlib.Path(texts).rglob("*")) if file.is_file() and file.suffix in (".txt", ".md")]
    contents = [content for content in contents if len(content) > 2000]
    if not contents:
        sys.exit(f"{texts}: no text of more than 2000 characters")
    documents, written = [], 0
    round_ = 0
    while written < megabytes * 1e6:
        for content in contents:
            for begin in range(0, len(content) - 2000, 4000):
                if written >= megabytes * 1e6:
                    break
                text = f"Part {round_} of this. " + content[begin : begin + 4000]
                written += len(text.encode())
                documents.append(text)
        round_ += 1
    lines = "".join(json.dumps({"id": str(i), "text": text}, ensure_ascii=False) + "\n" for i, text in enumerate(documents))
    path.write_bytes(zstandard.ZstdCompressor(level=3).compress(lines.encode()))
    return len(documents), sum(len(text.encode()) for text in documents)


def processor_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def wall_seconds(command):
    start = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def run_ours(folder, corpus, splitter, annotations="false", ranks=0, threads=1, measure=processor_seconds):
    output = folder / "ours"
    shutil.rmtree(output, ignore_errors=True)
    config = folder / "pipeline.yaml"
    config.write_text(PIPELINE.format(output=output, corpus=corpus, splitter=splitter, annotations=annotations, threads=threads))
    launcher = [LAUNCHER, "-n", ranks] if ranks > 1 else ["taskset", "-c", "0"] if ranks == 1 else []  # one rank: one core, its reading thread too
    seconds = measure([*launcher, PROGRAM, "data", "run", config])
    manifest = json.loads((output / "manifest.json").read_text())
    return seconds, manifest["documents"]["kept"]["documents"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", required=True, help="folder with plain texts")
    parser.add_argument("--megabytes", type=float, default=200)
    parser.add_argument("--peer-megabytes", type=float, default=3, help="of the peer's part of the corpus: it is slow")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="phidias-data-bench-"))
    try:
        corpus, small = folder / "corpus.jsonl.zst", folder / "small.jsonl.zst"
        documents, size = make_corpus(arguments.texts, corpus, arguments.megabytes)
        small_documents, small_size = make_corpus(arguments.texts, small, arguments.peer_megabytes)
        print(f"{documents} documents, {size / 1e6:.0f} MB of text; the peer's part {small_documents} documents, {small_size / 1e6:.1f} MB")
        rates = {"whitespace": [], "whitespace, annotations written": [], "icu": [], "datatrove": [], "datatrove, its own splitters": []}
        for _ in range(arguments.rounds):
            rates["whitespace"].append(size / run_ours(folder, corpus, "whitespace")[0])
            rates["whitespace, annotations written"].append(size / run_ours(folder, corpus, "whitespace", "true")[0])
            rates["icu"].append(size / run_ours(folder, corpus, "icu")[0])
            for name, options in (("datatrove, its own splitters", ["default"]), ("datatrove", [])):
                for left in ("peer", "peer-logs"):  # it passes over what its logs say is done
                    shutil.rmtree(folder / left, ignore_errors=True)
                seconds = processor_seconds([sys.executable, HERE / "peers" / "data_pipeline_datatrove.py", small, folder / "peer", *options])
                rates[name].append(small_size / seconds)
        ours, kept = run_ours(folder, small, "whitespace")
        theirs = sum(1 for file in (folder / "peer").rglob("*.jsonl.gz") for _ in gzip.open(file))
        print(f"kept of the peer's part: ours {kept}, datatrove {theirs}")
        middle = {name: statistics.median(values) for name, values in rates.items()}
        for name, rate in middle.items():
            print(f"{name:34} {rate / 1e6:8.2f} MB/s per processor second")
        for peer in ("datatrove", "datatrove, its own splitters"):
            print(f"ours / {peer}: {middle['whitespace'] / middle[peer]:.0f}x")
        ratios = []
        many = folder / "many"  # long enough for the start of mpirun not to count
        many.mkdir()
        for copy in range(8):
            (many / f"{copy}.jsonl.zst").hardlink_to(corpus)
        for _ in range(arguments.rounds):
            one = run_ours(folder, many, "whitespace", ranks=1, measure=wall_seconds)[0]
            two = run_ours(folder, many, "whitespace", ranks=2, measure=wall_seconds)[0]
            ratios.append(one / two)
        print(f"two ranks on two cores / one rank on one core, wall clock: {statistics.median(ratios):.2f}x")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
