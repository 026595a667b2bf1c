#include "local/network_namespace.h"

namespace local {

std::string foreign_network(const Host& host) {
  if (!host.moved()) return {};
  const auto theirs = host.link("/proc/1/ns/net");
  const auto ours = host.link("/proc/self/ns/net");
  if (theirs.empty() || ours.empty() || theirs == ours) return {};
  return "the exporter is in another network namespace than the host: run its container with the "
         "host's network";
}

}  // namespace local
