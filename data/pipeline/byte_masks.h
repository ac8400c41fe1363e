// Many bytes of text at once: which of them are of a kind.
//
//   SpaceMasks masks = space_masks(text.data() + i);       // 64 readable bytes, as bits
//
// SSE2 where the processor's base instructions have it, else byte by byte; the same bits.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace phidias::data::pipeline {

struct SpaceMasks {
  std::uint64_t spaces;  // ASCII white space (str.isspace())
  std::uint64_t leads;   // bytes with which other white space begins in UTF-8: C2, E1, E2, E3
};

#if defined(__SSE2__)

inline SpaceMasks space_masks(const char* at) {
  SpaceMasks masks{0, 0};
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * i));
    const auto between = [&](char low, char high) {  // low, high below 128
      return _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(static_cast<char>(low - 1))), _mm_cmplt_epi8(bytes, _mm_set1_epi8(static_cast<char>(high + 1))));
    };
    const __m128i spaces = _mm_or_si128(between(9, 13), between(28, 32));
    const __m128i e1_to_e3 =
        _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(static_cast<char>(0xE0))), _mm_cmplt_epi8(bytes, _mm_set1_epi8(static_cast<char>(0xE4))));
    const __m128i leads = _mm_or_si128(e1_to_e3, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(static_cast<char>(0xC2))));
    masks.spaces |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(spaces))) << (16 * i);
    masks.leads |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(leads))) << (16 * i);
  }
  return masks;
}

#else

inline SpaceMasks space_masks(const char* at) {
  SpaceMasks masks{0, 0};
  for (int i = 0; i < 64; ++i) {
    const auto byte = static_cast<unsigned char>(at[i]);
    const bool space = (byte >= 9 && byte <= 13) || (byte >= 28 && byte <= 32), lead = byte == 0xC2 || (byte >= 0xE1 && byte <= 0xE3);
    masks.spaces |= std::uint64_t{space} << i;
    masks.leads |= std::uint64_t{lead} << i;
  }
  return masks;
}

#endif

// Position of the first byte at or behind `at` that is not ASCII or is one of three marks; text.size() when there is none.
inline std::size_t find_mark_or_foreign(std::string_view text, std::size_t at, char a, char b, char c) {
#if defined(__SSE2__)
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i marks =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(a)), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b))), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)));
    const int found = _mm_movemask_epi8(_mm_or_si128(marks, bytes));  // the highest bit of a foreign byte is set
    if (found != 0) return at + static_cast<std::size_t>(std::countr_zero(static_cast<std::uint32_t>(found)));
  }
#endif
  for (; at < text.size(); ++at)
    if (text[at] == a || text[at] == b || text[at] == c || static_cast<unsigned char>(text[at]) >= 0x80) break;
  return at;
}

// Position of the first byte at or behind `at` that is a control character or not ASCII; text.size() when there is none.
inline std::size_t find_control_or_foreign(std::string_view text, std::size_t at) {
#if defined(__SSE2__)
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const int found = _mm_movemask_epi8(_mm_cmplt_epi8(bytes, _mm_set1_epi8(' ')));  // foreign bytes are negative
    if (found != 0) return at + static_cast<std::size_t>(std::countr_zero(static_cast<std::uint32_t>(found)));
  }
#endif
  while (at < text.size() && static_cast<unsigned char>(text[at]) >= ' ' && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

inline std::size_t count_byte(std::string_view text, char byte) {
  std::size_t at = 0, count = 0;
#if defined(__SSE2__)
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    count += static_cast<std::size_t>(std::popcount(static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte))))));
  }
#endif
  for (; at < text.size(); ++at) count += text[at] == byte;
  return count;
}

}  // namespace phidias::data::pipeline
