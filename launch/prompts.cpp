#include "launch/cli.h"
