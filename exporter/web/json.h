// One target's state as JSON: the elements of /api/v1/targets and the lines of `diagnose --json`.
#pragma once

#include <string>

#include "model/snapshot.h"

namespace web {

// A single line, valid UTF-8 whatever the peers sent.
std::string to_json(const model::TargetState& state);

}  // namespace web
