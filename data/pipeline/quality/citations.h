// Markers that an encyclopedia leaves in its text: \[\d*\], [edit] and [citation needed], digits of any script.
#pragma once

#include <string>
#include <string_view>

namespace phidias::data::pipeline {

// Replaces `cut` by the line without them; false, and `cut` undefined, when there is none.
bool cut_citations(std::string_view line, std::string& cut);

}  // namespace phidias::data::pipeline
