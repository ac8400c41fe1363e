// Texts of scalars <-> numbers, truth values and durations; quoting for YAML.
//
// YAML 1.1 reads 010 as eight and 0x10 as sixteen, YAML 1.2 reads other things: whatever readers disagree on is refused here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace phidias::configs {

// "200", "-1", "1_000_000" (single underscores between digits), "1e6" and "1.5e6" (exact whole numbers up to 2^53). Nothing for a leading
// zero, hexadecimal, octal, "3.0" or more than 64 bits.
std::optional<std::int64_t> parse_integer(std::string_view text);
// A finite decimal number: the above, "0.1", ".5", "1e-5". Nothing for leading zeros, hexadecimal, .inf and .nan.
std::optional<double> parse_number(std::string_view text);
// true, True, TRUE, false, False, FALSE; nothing for yes, no, on, off, 0, 1.
std::optional<bool> parse_truth(std::string_view text);
// Seconds: "90", "90s", "45m", "2h", "1.5d" and sums such as "1h30m".
std::optional<double> parse_duration(std::string_view text);
// Why a text that looks like a number is none: "leading zeros are read as octal by some YAML readers: write 10", or empty.
std::string number_advice(std::string_view text);
bool is_null_word(std::string_view text);  // null, Null, NULL, ~ and the empty text

std::string print_number(double number);        // shortest text that reads back to the same bits
std::string print_text(std::string_view text);  // plain where that is safe, else in double quotes with escapes

}  // namespace phidias::configs
