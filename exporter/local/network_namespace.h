// Whether what the kernel tells this process about the network is about the host at all.
#pragma once

#include <string>

#include "local/host.h"

namespace local {

// Why not: the root is another system's, and its process 1 is in another network namespace than
// this process. Empty if all is well or if that cannot be seen. An exporter that looks at its own
// root is where its administrator put it.
std::string foreign_network(const Host& host);

}  // namespace local
