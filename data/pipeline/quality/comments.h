// How much of a source file is comment.
#pragma once

#include <cstddef>
#include <string_view>

namespace phidias::data::pipeline {

// Name of the language of a file by its ending ("py" or ".py": "python"); the ending itself, in small letters, when it is not known; empty for none.
std::string_view language_of_ending(std::string_view ending);

// Bytes inside comments: from # or // or -- to the line's end, /* */, <!-- -->, and Python's strings in three quotes that begin a line. Marks inside
// one-line strings do not count. Negative: the language's comments are not known.
std::ptrdiff_t comment_bytes(std::string_view code, std::string_view language);

}  // namespace phidias::data::pipeline
