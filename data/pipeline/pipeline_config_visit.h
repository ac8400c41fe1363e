// The keys of a pipeline file. Included by pipeline_config.cpp and the reference page alone.
#pragma once

#include "configs/field.h"
#include "data/pipeline/pipeline_config.h"

namespace phidias::data::pipeline {

template <class Visitor>
void visit(InputSource& s, Visitor& v) {
  v.field(s.path, {.key = "path", .doc = "file, folder (all files below it) or pattern with `*` and `?`", .required = true});
  v.field(s.source, {.key = "source", .doc = "name that its documents carry", .default_text = "last component of the path, without endings"});
  v.field(s.format, {.key = "format", .doc = "`auto`: by name and first bytes"});
  v.field(s.text_field, {.key = "text_field", .doc = "member or column that holds the text; a dot leads into an object"});
  v.field(s.id_field, {.key = "id_field", .doc = "member or column that names a document; where it is missing, source, file and line do"});
  v.field(s.url_field, {.key = "url_field", .doc = "member or column with the address; where it is missing, `metadata.url` is tried"});
}

template <class Visitor>
void visit(WriteSection& s, Visitor& v) {
  v.field(s.format, {.key = "format", .doc = "of kept and dropped shards"});
  v.field(s.shard_bytes, {.key = "shard_bytes", .doc = "bytes of documents in a shard, about", .minimum = 1});
  v.field(s.level, {.key = "level", .doc = "zstd's", .minimum = 1, .maximum = 19});
  v.field(s.annotations, {.key = "annotations", .doc = "write what the stages found out, for a later pipeline to decide on"});
  v.field(s.dropped, {.key = "dropped", .doc = "dropped documents: not written, with id and reason, or whole"});
}

template <class Visitor>
void visit(WorkSection& s, Visitor& v) {
  v.field(s.unit_bytes, {.key = "unit_bytes", .doc = "input that one thread takes at a time, and that a restart may do again", .minimum = 1});
  v.field(s.threads, {.key = "threads", .doc = "per rank", .minimum = 0, .default_text = "cores / ranks"});
  v.field(s.memory_bytes,
          {.key = "memory_bytes", .doc = "that a rank may take when it compares documents", .minimum = 0, .default_text = "half of the machine's / ranks"});
  v.field(s.keep, {.key = "keep", .doc = "leave intermediate files in `<output>/work`"});
  v.field(s.resume, {.key = "resume", .doc = "continue what an earlier start left; `false`: begin again"});
}

template <class Visitor>
void visit(PipelineConfig& c, Visitor& v) {
  v.field(c.name, {.key = "name", .doc = "shown in logs and reports", .default_text = "the file's name"});
  v.field(c.output, {.key = "output", .doc = "directory of shards, manifest and report (created)", .required = true});
  v.field(c.seed, {.key = "seed", .doc = "key of every random draw", .minimum = 0});
  v.field(c.on_error, {.key = "on_error", .doc = "a document that cannot be read stops the pipeline, or is passed over and counted"});
  v.field(c.tokenizer,
          {.key = "tokenizer", .doc = "directory whose tokenizer counts the tokens of kept and dropped documents", .default_text = "tokens are not counted"});
  v.field(c.samples, {.key = "samples", .doc = "dropped documents per rule shown in the report", .minimum = 0, .maximum = 100});
  v.field(c.read, {.key = "read", .doc = "what is read, in this order", .required = true});
  v.section(c.write, {.key = "write", .doc = "what is written"});
  v.section(c.work, {.key = "work", .doc = "how the work is cut and dealt; but for unit_bytes it plays no part in the result"});
}

}  // namespace phidias::data::pipeline
