// The keys of a mixture file. Included by mixture_config.cpp and the reference page alone.
#pragma once

#include "configs/field.h"
#include "data/mixture/mixture_config.h"

namespace phidias::data::mixture {

template <class Visitor>
void visit(SourceFiles& s, Visitor& v) {
  v.field(s.path, {.key = "path",
                   .doc = "token directories (`phidias data tokenize`); or JSON lines files and folders, which a run tokenises in its cache",
                   .required = true});
}

template <class Visitor>
void visit(Threshold& t, Visitor& v) {
  v.field(t.minimum, {.key = "minimum", .doc = "number that the annotation reaches at least"});
  v.field(t.maximum, {.key = "maximum", .doc = "number that it reaches at most"});
  v.field(t.values, {.key = "values", .doc = "texts that it may be (`NAME: [en, de]` is short for it)"});
}

template <class Visitor>
void visit(PhaseSource& s, Visitor& v) {
  v.field(s.weight, {.key = "weight",
                     .doc = "share of the phase's tokens, relative to the other weights (`NAME: 0.3` is short for it)",
                     .required = true,
                     .minimum = 0,
                     .is_above = true});
  v.field(s.max_epochs,
          {.key = "max_epochs", .doc = "passes over the documents it may take, at most; more is an error before step 0", .minimum = 0, .is_above = true});
  v.field(s.reuse_epochs, {.key = "reuse_epochs",
                           .doc = "documents that earlier phases use may come again: passes over them at most, earlier phases' passes included",
                           .minimum = 0,
                           .is_above = true,
                           .default_text = "such a document is left out (`disjoint_from`) or an error"});
  v.field(s.where, {.key = "where", .doc = "annotations that choose its documents; all conditions hold, a document without the annotation is left out"});
}

template <class Visitor>
void visit(Phase& p, Visitor& v) {
  v.field(p.name, {.key = "name", .doc = "in metrics, checkpoints and `disjoint_from`", .required = true});
  v.field(p.tokens, {.key = "tokens", .doc = "its length", .required = true, .minimum = 1});
  v.field(p.context, {.key = "context",
                      .doc = "tokens of a document, longer ones are cut into pieces",
                      .minimum = 2,
                      .unset = "null",
                      .default_text = "the run's `data.max_length`"});
  v.field(p.disjoint_from, {.key = "disjoint_from", .doc = "earlier phases whose documents are left out here, but for sources with `reuse_epochs`"});
  v.field(p.sources, {.key = "sources", .doc = "what it draws from", .required = true});
}

template <class Visitor>
void visit(MixtureConfig& c, Visitor& v) {
  v.field(c.identity, {.key = "identity", .doc = "what makes two documents the same, for disjoint phases: their id, or their text"});
  v.field(c.seed, {.key = "seed", .doc = "key of the order", .minimum = 0, .default_text = "the run's `run.seed` (0 in `phidias data mixture`)"});
  v.field(c.sources, {.key = "sources", .doc = "names of what phases draw from", .required = true});
  v.field(c.phases, {.key = "phases", .doc = "one after the other", .required = true});
}

}  // namespace phidias::data::mixture
