#include "data/pipeline/dedup/exact_dedup.h"
#include "data/pipeline/dedup/minhash_dedup.h"
#include "data/pipeline/dedup/passage_dedup.h"
#include "data/pipeline/dedup/substring_dedup.h"
#include "data/pipeline/stage_type.h"

namespace phidias::data::pipeline {

std::vector<StageType> dedup_stages() {
  return {stage_type<ExactDedup>("exact_dedup", "drops documents with the text, the address or the normalised text of another"),
          stage_type<ParagraphDedup>("paragraph_dedup", "removes paragraphs that stand earlier in the corpus"),
          stage_type<LineDedup>("line_dedup", "removes lines that stand earlier in the corpus"),
          stage_type<MinhashDedup>("minhash", "drops near-duplicates: MinHash, LSH, pairs checked by Jaccard similarity, one survivor per cluster"),
          stage_type<SubstringDedup>("substring_dedup", "removes long repeated substrings, found by a suffix array")};
}

}  // namespace phidias::data::pipeline
