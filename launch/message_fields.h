// Fields of an input line that tokenize, generate and score read alike.
#pragma once

#include <cstdint>
#include <vector>

#include "base/json.h"
#include "data/chat_template.h"

namespace phidias::launch {

// `messages`: role and content, a string or [{type: text, text}]. Throws DataError.
std::vector<data::Message> read_messages(const OrderedJson& value);
// A list of integers of 32 bits. Throws DataError.
std::vector<std::int32_t> read_ids(const OrderedJson& value, const char* field);

}  // namespace phidias::launch
