// What a phase may draw from a source: the documents that its thresholds let through and that no disjoint phase used, cut to its context.
//
//   DocumentPool pool(source, {.where = entry.where, .context = 4096, .excluded = used_by_phase_1, .identity = Identity::id});
//   DocumentRef ref = pool.draw(17);
//
// The numbering of draws is the order of the source's documents, pieces of a cut document one behind the other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/hash.h"
#include "data/mixture/mixture_source.h"

namespace phidias::data::mixture {

struct PoolOptions {
  const configs::Named<Threshold>& where;
  std::int64_t context = 0;                 // tokens of a draw at most; 0: whole documents
  std::span<const std::uint64_t> excluded;  // identities, sorted
  Identity identity = Identity::id;
};

class DocumentPool {
 public:
  // Throws ConfigError: more than 2^32 documents, an annotation that no document of the source has, or one of another type than the threshold.
  DocumentPool(const MixtureSource& source, const PoolOptions& options);

  std::int64_t draws() const { return draws_; }      // documents, pieces of cut ones counted each
  std::int64_t tokens() const { return tokens_; }    // of all draws: what one epoch holds
  std::int64_t longest() const { return longest_; }  // tokens of a draw
  std::int64_t outside() const { return outside_; }  // documents that `where` left out
  std::int64_t excluded() const { return excluded_; }

  DocumentRef draw(std::int64_t index) const;
  std::int64_t length(std::int64_t index) const { return tokens_of(document(index), piece(index)); }
  std::uint64_t identity(std::int64_t index) const;  // valid until the source forgets its columns
  // Distinct identities of all draws, sorted.
  std::vector<std::uint64_t> identities() const;
  // Of everything that decides about draws.
  Hash128 content_hash() const;

  // Bits of DocumentRef::record_id below the piece's: the document's number in the source, plus the numbers of the sources before it.
  static constexpr int kPieceBit = 40;
  void number_records_from(std::uint64_t first) { first_record_ = first; }

 private:
  std::int64_t document(std::int64_t index) const { return documents_.empty() ? index : documents_[static_cast<std::size_t>(index)]; }
  std::int64_t piece(std::int64_t index) const { return pieces_.empty() ? 0 : pieces_[static_cast<std::size_t>(index)]; }
  std::int64_t tokens_of(std::int64_t document, std::int64_t piece) const;

  const MixtureSource* source_;
  std::int64_t context_;
  Identity identity_;
  std::vector<std::uint32_t> documents_;  // by draw; empty: every document once
  std::vector<std::uint32_t> pieces_;     // by draw; empty: none is cut
  std::int64_t draws_ = 0, tokens_ = 0, longest_ = 0, outside_ = 0, excluded_ = 0;
  std::uint64_t first_record_ = 0;
};

}  // namespace phidias::data::mixture
