// This host's own addresses, by rtnetlink: of the network namespace that the calling thread is in.
#pragma once

#include <vector>

#include "base/result.h"
#include "model/host_facts.h"

namespace local {

// Those that bind(2) accepts, in the kernel's order: all IPv4 addresses, of interfaces that are
// down as well (measured); IPv6 addresses unless they are still being checked for duplicates, or
// have been found to be one.
base::Result<std::vector<model::InterfaceAddress>> interface_addresses();

}  // namespace local
