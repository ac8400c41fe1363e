#include "base/error.h"
#include "launch/commands.h"

namespace phidias::launch {

int run_train_head(const TrainHeadCommand&, bool) { throw ConfigError("not available in this version of the program"); }

}  // namespace phidias::launch
