// This host's own SSH as JSON: the answer of /api/v1/evidence and of `inspect --json`.
#pragma once

#include <string>

#include "model/host_report.h"

namespace web {

// A single line, valid UTF-8. Log lines that may hold a user's name are told by kind and number
// only: whoever mistypes puts a password there.
std::string to_json(const model::HostReport& report, const model::HostQuestion& question,
                    const model::HostDiagnosis& diagnosis);

}  // namespace web
