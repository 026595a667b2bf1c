// The configuration of the host's SSH server: its effective settings, whether it is valid, its host
// keys. Hides when sshd is asked: programs cost, so only if what they read has changed. Belongs to
// its collector's thread.
#pragma once

#include <memory>

#include "local/collector.h"

namespace local {

// Without privilege sshd can neither read the keys nor judge the files: it is asked for settings at
// most, and there is no verdict.
std::unique_ptr<Collector> make_configuration_collector(const CollectorContext& context,
                                                        bool privileged);

}  // namespace local
