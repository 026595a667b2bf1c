// This host's own facts for its own probes: brings local/ and diagnose/ together.
#pragma once

#include <memory>
#include <string>

#include "config/configuration.h"
#include "local/host_watch.h"
#include "probe/prober.h"

namespace app {

local::WatchSettings watch_settings(const config::LocalSettings& settings);
// For a command that looks and ends: a running exporter's place in the log stays its own.
local::WatchSettings once_settings(const config::LocalSettings& settings);

// A watch that concludes; `publish` is called on its own thread.
std::shared_ptr<local::HostWatch> watch_host(local::WatchSettings settings,
                                             local::HostWatch::Publish publish);

// For Prober::Consult, if the probe was one of this host: looks at the host anew and answers with
// what both together prove. The watch must end before the prober.
void consult_host(local::HostWatch& watch, const model::Target& target,
                  const model::ProbeResult& result, const model::Diagnosis& diagnosis,
                  probe::Prober::Answer answer);

}  // namespace app
