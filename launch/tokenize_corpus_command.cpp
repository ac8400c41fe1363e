#include "base/error.h"
#include "launch/commands.h"

namespace phidias::launch {

int run_tokenize_corpus(const TokenizeCorpusCommand&, bool) { throw ConfigError("not available in this version of the program"); }

}  // namespace phidias::launch
