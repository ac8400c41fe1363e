"""The heuristic chain of bench/data_pipeline.py with datatrove: python data_pipeline_datatrove.py CORPUS.jsonl.zst OUTPUT [default]

Its word and sentence splitters are replaced by white space, the same definition as on our side; with `default` they are its own (spaCy).
"""
import pathlib
import re
import sys

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import c4_filters, fineweb_quality_filter, gopher_quality_filter, gopher_repetition_filter
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter


def split_at_white_space():
    for module in (gopher_repetition_filter, gopher_quality_filter, fineweb_quality_filter):
        module.split_into_words = lambda text, language=None: text.split()
    sentence_end = re.compile(r"(?<=[.!?])\s+")
    c4_filters.split_into_sentences = lambda text, language=None: [part for part in sentence_end.split(text) if part.strip()]


def main():
    corpus, output = pathlib.Path(sys.argv[1]), sys.argv[2]
    if "default" not in sys.argv[3:]:
        split_at_white_space()
    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(corpus.parent), glob_pattern=corpus.name, compression="zstd"),
            GopherRepetitionFilter(),
            GopherQualityFilter(),
            C4QualityFilter(),
            FineWebQualityFilter(),
            JsonlWriter(output),
        ],
        tasks=1,
        logging_dir=output + "-logs",
    ).run()


if __name__ == "__main__":
    main()
