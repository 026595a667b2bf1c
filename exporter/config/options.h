// The option tables: every key of the configuration but the names of its sections.
#pragma once

#include <span>

#include "base/ip.h"
#include "config/configuration.h"
#include "config/option.h"
#include "config/value.h"
#include "model/target.h"

namespace config {

// The keys of an entry of `targets` that only a target has.
struct TargetEntry {
  base::HostPort target;
  Labels labels;
};

std::span<const Option<model::ProbeSettings>> probe_options();
std::span<const Option<TargetEntry>> target_options();
std::span<const Option<FileSdSource>> file_sd_options();
std::span<const Option<ProbeEndpoint>> probe_endpoint_options();
std::span<const Option<LocalSettings>> local_options();

}  // namespace config
