// The keys of a recipe: one list of fields per struct, from which reading, overriding, checking, dumping and documenting follow.
//
// A visitor has  field(member, Field)  for a leaf,  section(struct, Field)  for a nested struct and  first_key(text)  for the key that a
// section names first. Included by the visitors' .cpp files only.
#pragma once

#include "configs/field.h"
#include "configs/run_config.h"

namespace phidias::configs {

template <class Visitor>
void visit(RunSection& s, Visitor& v) {
  v.field(s.name, {.key = "name", .doc = "shown in logs and reports", .default_text = "the recipe's file name"});
  v.field(s.output, {.key = "output", .doc = "run directory (created): metrics, checkpoints, `final/`", .required = true});
  v.field(s.seed, {.key = "seed", .doc = "key of every random draw: data order, dropout, fresh weights", .minimum = 0});
  v.field(s.deterministic, {.key = "deterministic", .doc = "bit-equal repeats on a GPU too, slower (a CPU run always is)"});
}

template <class Visitor>
void visit(LoraSection& s, Visitor& v) {
  v.field(s.rank, {.key = "rank", .doc = "rank of the adapters", .minimum = 1, .unset = "null", .default_text = "no adapters"});
  v.field(s.alpha, {.key = "alpha", .doc = "the update is scaled by alpha / rank; required with a rank", .minimum = 0, .is_above = true});
  v.field(s.dropout, {.key = "dropout", .doc = "of the adapters' input in training", .minimum = 0, .maximum = 1, .is_below = true});
  v.field(s.targets,
          {.key = "targets", .doc = "modules to adapt: names (`qkv_proj`), patterns over paths (`*.layers.0.*`) or `all-linear` (all but the head)"});
  v.field(s.rslora, {.key = "rslora", .doc = "scale by alpha / sqrt(rank)"});
}

template <class Visitor>
void visit(ModelSection& s, Visitor& v) {
  v.field(s.path, {.key = "path", .doc = "Hugging Face directory to start from; exactly one of `path` and `preset`"});
  v.field(s.preset, {.key = "preset", .doc = "shape to train from fresh weights (table below); exactly one of `path` and `preset`"});
  v.field(s.tokenizer, {.key = "tokenizer", .doc = "directory with the tokenizer's files; a preset has none of its own", .default_text = "`model.path`"});
  v.field(s.dtype, {.key = "dtype", .doc = "of weights and activations; `auto`: on a GPU the directory's, on a CPU the faster one in a one-second probe"});
  v.field(s.recompute, {.key = "recompute", .doc = "what the backward pass computes again instead of keeping: less memory, more time"});
  v.field(s.window,
          {.key = "window", .doc = "`exclusive`: a query sees W keys with its own, as transformers; `inclusive`: W + 1, as the released models were trained"});
  v.field(s.train_pad_embedding,
          {.key = "train_pad_embedding", .doc = "whether the padding token's row learns; `auto`: not for a path (as transformers), yes for a preset"});
  v.field(s.trainable, {.key = "trainable", .doc = "patterns (`*`, `?`, `[abc]`) of the names of the parameters to train", .default_text = "all"});
  v.field(s.add_tokens, {.key = "add_tokens", .doc = "further special tokens, `text: id`; a run refuses them in this version", .minimum = 0});
  v.field(s.adapter, {.key = "adapter", .doc = "PEFT directory whose adapters are trained on (rank, alpha and targets are read from it); not with `lora`"});
  v.section(s.lora, {.key = "lora", .doc = "low-rank adapters; the model itself is frozen"});
  v.field(s.router,
          {.key = "router", .doc = "experts in training: drawn by SparseMixer, the best (`deterministic`), or the best by a router that does not learn"});
  v.field(s.router_jitter,
          {.key = "router_jitter", .doc = "SparseMixer's threshold", .minimum = 0, .maximum = 1, .is_below = true, .default_text = "the model's"});
  v.field(s.input_jitter, {.key = "input_jitter",
                           .doc = "noise on the input of a mixture of experts in training",
                           .minimum = 0,
                           .maximum = 1,
                           .is_below = true,
                           .default_text = "the model's"});
  v.field(s.router_aux_loss, {.key = "router_aux_loss", .doc = "coefficient of the load-balancing loss", .minimum = 0, .default_text = "the model's"});
  v.field(s.aux_counts,
          {.key = "aux_counts",
           .doc = "loads in the load-balancing loss: of the micro-batch over all ranks (as transformers), or of the previous step (exact under accumulation)"});
}

template <class Visitor>
void visit(DataSource& s, Visitor& v) {
  v.field(s.path, {.key = "path", .doc = "JSON lines file (`.gz` and `.zst` are read in place)", .required = true});
  v.field(
      s.weight,
      {.key = "weight", .doc = "passes over this source per epoch; a fraction takes that part, the rest in the next epoch", .minimum = 0, .is_above = true});
  v.field(s.kind, {.key = "kind",
                   .doc = "kind of its records; `auto`: by the fields of the first",
                   .values = {"auto", "text", "chat", "completion", "tokens"},
                   .later = {"preference", "prompt"}});
}

template <class Visitor>
void visit(DataSection& s, Visitor& v) {
  v.field(s.train, {.key = "train", .doc = "sources to train on; exactly one of `train` and `mixture`"});
  v.field(s.mixture, {.key = "mixture", .doc = "file (YAML) with the phases to pre-train on, see [data/mixtures.md](data/mixtures.md); method pretrain alone"});
  v.field(s.validation, {.key = "validation", .doc = "sources to evaluate on, each reported alone (weights play no part)"});
  v.field(s.max_length,
          {.key = "max_length", .doc = "longest document in tokens", .minimum = 2, .unset = "null", .default_text = "the model's `max_position_embeddings`"});
  v.field(s.over_length,
          {.key = "over_length", .doc = "longer documents; `auto`: split text and tokens, truncate chats on the right (dropped when no target is left)"});
  v.field(s.packing, {.key = "packing", .doc = "`false`: one record per micro-batch bin; the numbers stay the same"});
  v.field(s.chat_template, {.key = "template",
                            .doc = "chat template; `auto`: matched by the hash of the directory's template",
                            .values = {"auto", "phi-3-mini", "phi-3-mini-2024-04", "phi-3-medium", "phi-3.5", "phi-3-small", "phi-3-vision"}});
  v.field(s.train_on, {.key = "train_on", .doc = "which turns of a chat are targets"});
  v.field(s.special_tokens_in_content,
          {.key = "special_tokens_in_content", .doc = "special tokens written inside a message: plain text, the token, or an error"});
  v.field(s.shuffle, {.key = "shuffle", .doc = "`false`: in file order, every epoch the same"});
  v.field(s.on_error, {.key = "on_error", .doc = "a broken record stops the run, or is skipped and counted"});
  v.field(s.cache, {.key = "cache", .doc = "directory of token stores; `auto`: `<run.output>/cache` when large, memory when small"});
}

template <class Visitor>
void visit(BatchSection& s, Visitor& v) {
  v.field(
      s.documents,
      {.key = "documents", .doc = "documents per optimizer step, all ranks together; exactly one of `documents` and `tokens`", .minimum = 1, .unset = "null"});
  v.field(s.tokens, {.key = "tokens",
                     .doc = "tokens per optimizer step at most, all ranks together; exactly one of `documents` and `tokens`",
                     .minimum = 1,
                     .unset = "null"});
  v.field(s.micro_tokens, {.key = "micro_tokens",
                           .doc = "tokens of one forward pass on one rank at most (memory); not below `data.max_length`",
                           .minimum = 1,
                           .unset = "null",
                           .default_text = "the larger of `data.max_length` and 8192"});
  v.field(s.micro_documents,
          {.key = "micro_documents", .doc = "documents of one forward pass on one rank at most", .minimum = 1, .unset = "null", .default_text = "no limit"});
}

template <class Visitor>
void visit(OptimizerSection& s, Visitor& v) {
  v.field(s.name, {.key = "name", .doc = "the update rule (decoupled weight decay)", .values = {"adamw"}});
  v.field(s.learning_rate, {.key = "learning_rate", .doc = "peak rate", .required = true, .minimum = 0, .is_above = true});
  v.field(s.betas, {.key = "betas", .doc = "decay of the first and second moment", .minimum = 0, .maximum = 1, .is_below = true, .length = 2});
  v.field(s.eps, {.key = "eps", .doc = "added to the root of the second moment", .minimum = 0, .is_above = true});
  v.field(s.weight_decay, {.key = "weight_decay", .doc = "times the step's rate, before the update", .minimum = 0});
  v.field(s.decay, {.key = "decay", .doc = "what decays: matrices only, or norm weights as well"});
  v.field(s.clip_norm, {.key = "clip_norm", .doc = "largest global gradient norm; 0: no clipping", .minimum = 0});
  v.field(s.state_dtype, {.key = "state_dtype", .doc = "of the two moments"});
  v.field(s.skip_unused_experts, {.key = "skip_unused_experts", .doc = "leave an expert alone in a step that sent it no token (no decay, moments stay)"});
}

template <class Visitor>
void visit(ScheduleSection& s, Visitor& v) {
  v.field(s.name, {.key = "name", .doc = "course of the rate after the warm-up; `wsd`: constant, then `decay_steps` down"});
  v.field(s.warmup_steps, {.key = "warmup_steps", .doc = "linear rise from 0", .minimum = 0});
  v.field(s.min_ratio, {.key = "min_ratio", .doc = "lowest rate as a part of the peak", .minimum = 0, .maximum = 1});
  v.field(s.decay_steps, {.key = "decay_steps", .doc = "length of the decay of `wsd`, which needs it", .minimum = 1, .unset = "null"});
}

template <class Visitor>
void visit(ParallelSection& s, Visitor& v) {
  v.field(s.data, {.key = "data", .doc = "ranks that share the documents of a step", .minimum = 1, .unset = "auto"});
  v.field(s.expert, {.key = "expert", .doc = "ranks that share the experts of a layer", .minimum = 1});
  v.field(s.context, {.key = "context", .doc = "ranks that share a document", .minimum = 1, .only_default = true});
  v.field(s.shard, {.key = "shard", .doc = "states split over the ranks instead of repeated: moments and masters, gradients as well, weights as well"});
  v.field(s.backend, {.key = "backend", .doc = "`auto`: NCCL when every rank has a GPU of its own, else MPI"});
  v.field(s.timeout_seconds, {.key = "timeout_seconds", .doc = "a collective stuck this long ends the job", .minimum = 0, .is_above = true});
}

template <class Visitor>
void visit(StopSection& s, Visitor& v) {
  v.first_key(s.first);
  v.field(s.steps, {.key = "steps", .doc = "optimizer steps", .minimum = 1});
  v.field(s.epochs, {.key = "epochs", .doc = "passes over the data, fractions allowed", .minimum = 0, .is_above = true});
  v.field(s.tokens, {.key = "tokens", .doc = "tokens seen", .minimum = 1});
  v.field(s.time_seconds, {.key = "time",
                           .doc = "wall-clock time (`90s`, `45m`, `2h`, `1h30m` or seconds); only with schedule `constant`",
                           .minimum = 0,
                           .is_above = true,
                           .is_duration = true});
}

template <class Visitor>
void visit(CheckpointSection& s, Visitor& v) {
  v.field(s.every_steps, {.key = "every_steps", .doc = "steps between checkpoints; 0: only at the end and on a stop signal", .minimum = 0});
  v.field(s.keep, {.key = "keep", .doc = "newest checkpoints that stay on disk", .minimum = 1});
  v.field(s.keep_best, {.key = "keep_best",
                        .doc = "evaluation metric (`validation_loss`, of several files `validation_loss/<stem>`) whose lowest evaluated checkpoint stays too; "
                               "needs `data.validation`",
                        .default_text = "off"});
  v.field(s.resume, {.key = "resume", .doc = "continue from the newest good checkpoint; `never`: start over; `force`: also with a changed recipe"});
}

template <class Visitor>
void visit(EvaluationSection& s, Visitor& v) {
  v.field(s.every_steps, {.key = "every_steps", .doc = "steps between evaluations; 0: at start and end; needs `data.validation`", .minimum = 0});
  v.field(s.at_start, {.key = "at_start", .doc = "evaluate before the first step"});
  v.field(s.max_documents, {.key = "max_documents", .doc = "documents per source at most; 0: whole files", .minimum = 0});
}

template <class Visitor>
void visit(LogSection& s, Visitor& v) {
  v.field(s.every_steps, {.key = "every_steps", .doc = "steps between console lines (`metrics.jsonl` has every step)", .minimum = 1});
  v.field(s.tensorboard, {.key = "tensorboard", .doc = "write TensorBoard event files"});
}

template <class Visitor>
void visit(DivergenceSection& s, Visitor& v) {
  v.field(s.max_bad_steps,
          {.key = "max_bad_steps", .doc = "steps with a non-finite loss or gradient that are skipped and counted before the run stops (exit 6)", .minimum = 0});
}

template <class Visitor>
void visit(RunConfig& c, Visitor& v) {
  v.field(c.method, {.key = "method", .doc = "what is trained", .required = true, .later = {"reward", "dpo", "ppo", "longrope"}});
  v.section(c.run, {.key = "run", .doc = "the run itself"});
  v.section(c.model, {.key = "model", .doc = "what is trained"});
  v.section(c.data, {.key = "data", .doc = "what it is trained on"});
  v.section(c.batch, {.key = "batch", .doc = "how much of it makes a step"});
  v.section(c.optimizer, {.key = "optimizer", .doc = "the update"});
  v.section(c.schedule, {.key = "schedule", .doc = "the learning rate over the run"});
  v.section(c.parallel, {.key = "parallel", .doc = "how ranks share the work"});
  v.section(c.stop, {.key = "stop", .doc = "when it ends; at least one key, and the schedule's progress is in the unit of the first one given"});
  v.section(c.checkpoint, {.key = "checkpoint", .doc = "what is kept to continue from"});
  v.section(c.evaluation, {.key = "evaluation", .doc = "held-out loss"});
  v.section(c.log, {.key = "log", .doc = "what is shown"});
  v.section(c.divergence, {.key = "divergence", .doc = "what happens when numbers break"});
}

}  // namespace phidias::configs
