"""Process start to the end of a one-step run, 8 M preset, without mpirun: wall time, median of several (first step done comes before); and `--help`.

    bench/startup.py
"""
import shutil
import statistics
import subprocess
import time

from common import PHIDIAS, ROOT, WORK, documents, model_directory, vocabulary


def seconds(command, rounds, before=lambda: None):
    times = []
    for _ in range(rounds):
        before()
        start = time.perf_counter()
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main():
    model = model_directory("8m")
    data = documents("start-up", vocabulary(model), [512] * 4)
    output = WORK / "start-up-run"
    command = [PHIDIAS, "train", ROOT / "bench" / "train.yaml", f"model.path={model}", f"data.train={data}", f"run.output={output}", "batch.documents=1",
               "batch.micro_tokens=512", "data.max_length=512", "stop.steps=1"]
    whole = seconds(command, 5, lambda: shutil.rmtree(output, ignore_errors=True))
    print(f"process start to the end of a one-step run, checkpoint and final model written: {whole:.2f} s")
    print(f"phidias train --help: {seconds([PHIDIAS, 'train', '--help'], 9):.3f} s")


if __name__ == "__main__":
    main()
