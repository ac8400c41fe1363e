#include "data/mixture/document_pool.h"

#include <algorithm>
#include <limits>
#include <set>

#include "base/error.h"
#include "configs/nearest.h"

namespace phidias::data::mixture {
namespace {

// One threshold on one shard. A comparison with a missing value (NaN, code -1) fails.
class Condition {
 public:
  Condition(const std::string& name, const Threshold& threshold, const TokenShard& shard) : column_(shard.columns.find(name)) {
    if (column_ == nullptr || column_->type == Column::Type::unknown) return;  // no document of this shard has it
    const bool wants_text = !threshold.values.empty();
    if (wants_text != (column_->type == Column::Type::text))
      throw ConfigError("annotation '" + name + "' of " + shard.store->meta().source + " is a " +
                        (wants_text ? "number: give minimum or maximum" : "text: give values"));
    if (threshold.minimum) minimum_ = static_cast<float>(*threshold.minimum);
    if (threshold.maximum) maximum_ = static_cast<float>(*threshold.maximum);
    for (const std::string& text : column_->dictionary)
      fits_.push_back(std::find(threshold.values.begin(), threshold.values.end(), text) != threshold.values.end());
    known_ = true;
  }
  bool known() const { return known_; }
  bool holds(std::size_t document) const {
    if (!known_) return false;
    if (column_->type == Column::Type::number) return column_->numbers[document] >= minimum_ && column_->numbers[document] <= maximum_;
    const std::int32_t code = column_->codes[document];
    return code >= 0 && fits_[static_cast<std::size_t>(code)];
  }

 private:
  const Column* column_;
  bool known_ = false;
  float minimum_ = -std::numeric_limits<float>::infinity(), maximum_ = std::numeric_limits<float>::infinity();
  std::vector<bool> fits_;  // text: by code
};

// A name that no shard knows is a typing mistake, or was not asked for when the source was tokenised.
void require_known(const MixtureSource& source, const std::string& name) {
  std::set<std::string> names;
  for (const TokenShard& shard : source.shards())
    for (const Column& column : shard.columns.columns())
      if (column.type != Column::Type::unknown) names.insert(column.name);
  if (names.contains(name)) return;
  std::string list;
  for (const std::string& known : names) list += (list.empty() ? "" : ", ") + known;
  throw ConfigError("no document has the annotation '" + name + "'" + configs::suggestion(name, {names.begin(), names.end()}) +
                    "; there are: " + (list.empty() ? "none" : list) + " (`phidias data tokenize --columns` keeps more)");
}

std::int64_t pieces_of(std::int64_t length, std::int64_t context) {
  if (context == 0 || length <= context) return 1;
  return length / context + (length % context >= 2 ? 1 : 0);  // one token alone has no target
}

}  // namespace

DocumentPool::DocumentPool(const MixtureSource& source, const PoolOptions& options) : source_(&source), context_(options.context), identity_(options.identity) {
  if (source.documents() > std::numeric_limits<std::uint32_t>::max()) throw ConfigError("a source has at most 4,294,967,295 documents: split it into several");
  for (const auto& [name, threshold] : options.where) require_known(source, name);
  for (std::size_t s = 0; s < source.shards().size(); ++s) {
    const TokenShard& shard = source.shards()[s];
    std::vector<Condition> conditions;
    for (const auto& [name, threshold] : options.where) conditions.emplace_back(name, threshold, shard);
    const std::vector<std::uint64_t>& identities = identity_ == Identity::id ? shard.columns.ids() : shard.columns.texts();
    for (std::int64_t d = 0; d < shard.store->documents(); ++d) {
      const auto at = static_cast<std::size_t>(d);
      if (!std::all_of(conditions.begin(), conditions.end(), [&](const Condition& condition) { return condition.holds(at); })) {
        ++outside_;
        continue;
      }
      if (!options.excluded.empty() && std::binary_search(options.excluded.begin(), options.excluded.end(), identities[at])) {
        ++excluded_;
        continue;
      }
      const std::int64_t document = source.first_document(s) + d, pieces = pieces_of(shard.store->length(d), context_);
      for (std::int64_t piece = 0; piece < pieces; ++piece) {
        documents_.push_back(static_cast<std::uint32_t>(document));
        pieces_.push_back(static_cast<std::uint32_t>(piece));
      }
    }
  }
  draws_ = static_cast<std::int64_t>(documents_.size());
  for (std::int64_t i = 0; i < draws_; ++i) {
    const std::int64_t length = tokens_of(documents_[static_cast<std::size_t>(i)], pieces_[static_cast<std::size_t>(i)]);
    tokens_ += length;
    longest_ = std::max(longest_, length);
  }
  if (std::all_of(pieces_.begin(), pieces_.end(), [](std::uint32_t piece) { return piece == 0; })) std::vector<std::uint32_t>().swap(pieces_);
  if (pieces_.empty() && draws_ == source.documents()) std::vector<std::uint32_t>().swap(documents_);
}

std::int64_t DocumentPool::tokens_of(std::int64_t document, std::int64_t piece) const {
  const std::int64_t length = source_->length(document);
  return context_ == 0 ? length : std::min(context_, length - piece * context_);
}

DocumentRef DocumentPool::draw(std::int64_t index) const {
  const std::int64_t number = document(index), part = piece(index);
  const auto [shard, in_shard] = source_->locate(number);
  DocumentRef ref{.store = shard->store.get(), .index = in_shard};
  ref.record_id = (first_record_ + static_cast<std::uint64_t>(number)) | static_cast<std::uint64_t>(part) << kPieceBit;
  const std::int64_t tokens = tokens_of(number, part);
  if (tokens != ref.length()) ref.begin = part * context_, ref.tokens = tokens;
  return ref;
}

std::uint64_t DocumentPool::identity(std::int64_t index) const {
  const auto [shard, in_shard] = source_->locate(document(index));
  const auto& hashes = identity_ == Identity::id ? shard->columns.ids() : shard->columns.texts();
  return hashes[static_cast<std::size_t>(in_shard)];
}

std::vector<std::uint64_t> DocumentPool::identities() const {
  std::vector<std::uint64_t> all;
  for (std::int64_t i = 0; i < draws_; ++i)
    if (piece(i) == 0) all.push_back(identity(i));
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Hash128 DocumentPool::content_hash() const {
  Hasher hasher;
  for (const TokenShard& shard : source_->shards()) hasher.update(shard.store->content_hash().hex());
  hasher.update(&context_, sizeof(context_)).update(&draws_, sizeof(draws_));
  hasher.update(documents_.data(), documents_.size() * sizeof(std::uint32_t)).update("|").update(pieces_.data(), pieces_.size() * sizeof(std::uint32_t));
  return hasher.digest();
}

}  // namespace phidias::data::mixture
