// This host's own addresses, by rtnetlink: of the network namespace that the calling thread is in.
#pragma once

#include <vector>

#include "base/result.h"
#include "model/host_facts.h"

namespace local {

// Of the interfaces that are up, in the kernel's order. Without those that bind(2) refuses: IPv6
// addresses that are still being checked for duplicates, or have been found to be one.
base::Result<std::vector<model::InterfaceAddress>> interface_addresses();

}  // namespace local
