#include "data/tokenizers/sentencepiece_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include "base/error.h"
#include "data/tokenizers/utf8.h"

namespace phidias::data {
namespace {

constexpr std::size_t kMaxPieceBytes = 1024;

// Fields of a protocol-buffer message, one after another.
class WireReader {
 public:
  WireReader(std::string_view bytes, std::size_t offset, std::string_view name) : bytes_(bytes), offset_(offset), name_(name) {}

  struct Field {
    std::uint32_t number = 0, type = 0;
    std::uint64_t value = 0;  // types 0, 1 and 5
    std::string_view bytes;   // type 2
    std::size_t offset = 0;   // of `bytes` in the file
  };

  bool next(Field& field) {
    if (at_ == bytes_.size()) return false;
    const std::uint64_t tag = varint();
    field = {};
    field.number = static_cast<std::uint32_t>(tag >> 3);
    field.type = tag & 7;
    if (tag >> 32 || field.number == 0) fail("a damaged field tag");
    switch (field.type) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.value = fixed(8);
        break;
      case 5:
        field.value = fixed(4);
        break;
      case 2: {
        const std::uint64_t size = varint();
        if (size > bytes_.size() - at_) fail("a field runs past the end");
        field.bytes = bytes_.substr(at_, size);
        field.offset = offset_ + at_;
        at_ += size;
        break;
      }
      default:
        fail("an unknown wire type");
    }
    return true;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(std::string(name_) + ": not a SentencePiece model: " + what + " at byte " + std::to_string(offset_ + at_));
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) fail("the message is cut short");
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (!(byte & 0x80)) return value;
    }
    fail("a number of more than ten bytes");
  }
  std::uint64_t fixed(std::size_t size) {
    if (size > bytes_.size() - at_) fail("the message is cut short");
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes_[at_ + i])} << (8 * i);
    at_ += size;
    return value;
  }

  std::string_view bytes_;
  std::size_t at_ = 0, offset_;
  std::string_view name_;
};

struct Piece {
  enum Type : std::uint64_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };
  std::string text;
  float score = 0;
  std::uint64_t type = normal;
};

Piece read_piece(const WireReader::Field& message, std::string_view name) {
  Piece piece;
  WireReader reader(message.bytes, message.offset, name);
  for (WireReader::Field field; reader.next(field);) {
    if (field.number == 1 && field.type == 2) piece.text = field.bytes;
    if (field.number == 2 && field.type == 5) {
      const auto bits = static_cast<std::uint32_t>(field.value);
      std::memcpy(&piece.score, &bits, sizeof bits);
    }
    if (field.number == 3 && field.type == 0) piece.type = field.value;
  }
  if (piece.text.empty() || piece.text.size() > kMaxPieceBytes || find_invalid_utf8(piece.text) != std::string::npos) {
    reader.fail("a piece that is empty, longer than " + std::to_string(kMaxPieceBytes) + " bytes or not UTF-8");
  }
  if (!std::isfinite(piece.score)) reader.fail("a piece whose score is not finite");
  return piece;
}

std::vector<MergeRule> merges_of(const std::vector<Piece>& pieces, const Vocabulary& vocabulary) {
  struct Split {
    float score;
    std::int64_t left_length, right_length;  // code points
    std::int32_t left, right, result;
  };
  std::vector<Split> splits;
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    const std::string& text = pieces[id].text;
    const std::size_t first = splits.size();
    const auto characters = static_cast<std::int64_t>(std::count_if(text.begin(), text.end(), [](char byte) { return !is_continuation(byte); }));
    std::int64_t left_length = 1;
    for (std::size_t at = utf8_length(text[0]); at < text.size(); at += utf8_length(text[at]), ++left_length) {
      const auto left = vocabulary.find(text.substr(0, at)), right = vocabulary.find(text.substr(at));
      const float score = id < 3 ? 0.0f : pieces[id].score;  // the converter knows <unk>, <s> and </s> without their scores
      if (left && right) splits.push_back({score, left_length, characters - left_length, *left, *right, static_cast<std::int32_t>(id)});
    }
    std::stable_sort(splits.begin() + static_cast<std::ptrdiff_t>(first), splits.end(),
                     [](const Split& a, const Split& b) { return std::tie(a.left, a.right) < std::tie(b.left, b.right); });
  }
  std::stable_sort(splits.begin(), splits.end(), [](const Split& a, const Split& b) {
    return std::tie(a.score, a.left_length, a.right_length) > std::tie(b.score, b.left_length, b.right_length);
  });
  std::vector<MergeRule> rules;
  rules.reserve(splits.size());
  for (const Split& split : splits) rules.push_back({static_cast<std::uint32_t>(rules.size()), split.left, split.right, split.result});
  return rules;
}

}  // namespace

TokenizerDefinition read_sentencepiece_model(std::string_view bytes, std::string_view name) {
  std::vector<Piece> pieces;
  std::uint64_t model_type = 1;  // unigram
  TokenizerDefinition definition;
  definition.unk_token = "<unk>";
  WireReader reader(bytes, 0, name);
  for (WireReader::Field field; reader.next(field);) {
    if (field.number == 1 && field.type == 2) pieces.push_back(read_piece(field, name));
    if (field.number != 2 || field.type != 2) continue;
    WireReader trainer(field.bytes, field.offset, name);
    for (WireReader::Field option; trainer.next(option);) {
      if (option.number == 3 && option.type == 0) model_type = option.value;
      if (option.number == 45 && option.type == 2) definition.unk_token = option.bytes;
    }
  }
  if (pieces.empty()) reader.fail("no pieces");
  if (model_type != 2) throw DataError(std::string(name) + ": trainer_spec.model_type " + std::to_string(model_type) + " is not supported, only BPE (2)");
  std::vector<AddedToken>& added = definition.added_tokens.emplace_back();
  for (const Piece& piece : pieces) {
    if (!definition.vocabulary.add(piece.text, static_cast<std::int32_t>(definition.vocabulary.pieces.size()))) reader.fail("piece '" + piece.text + "' twice");
    if (piece.type == Piece::control || piece.type == Piece::user_defined) added.push_back({.content = piece.text, .special = piece.type == Piece::control});
  }
  definition.merges = merges_of(pieces, definition.vocabulary);
  // The model file calls </s> a control piece; the published files of Phi-3 say that it is not special, and the ids of both must agree.
  definition.config_replaces_added = true;
  definition.byte_fallback = definition.fuse_unk = true;
  definition.prefix = Prefix::normalizer;
  definition.replace_spaces = definition.has_normalizer = true;
  definition.decoder = std::vector<DecoderStep>{{.kind = DecoderStep::replace, .pattern = std::string(kWordMark), .content = " "},
                                                {.kind = DecoderStep::byte_fallback},
                                                {.kind = DecoderStep::fuse},
                                                {.kind = DecoderStep::strip, .content = " ", .strip_start = 1}};
  return definition;
}

}  // namespace phidias::data
