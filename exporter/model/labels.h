// Names that the exporter itself gives to labels of a target's series.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace model {

// `job` and `instance` are not among them: Prometheus sets those two itself and keeps a target's
// own as `exported_job` and `exported_instance`.
inline constexpr std::array<std::string_view, 15> kReservedLabels{
    "target", "cause",     "layer",  "confidence", "outcome",  "stage", "phase", "address",
    "role",   "responder", "signal", "protocol",   "software", "port",  "le"};

// True for names that a target's own labels may not have.
constexpr bool is_reserved_label(std::string_view name) {
  return std::find(kReservedLabels.begin(), kReservedLabels.end(), name) != kReservedLabels.end();
}

}  // namespace model
