// A socket's error queue (IP_RECVERR, IPV6_RECVERR): which ICMP error came back and from whom.
#pragma once

#include <optional>

#include "base/ip.h"
#include "model/probe_result.h"

namespace probe {

struct QueuedError {
  int error = 0;                         // errno that the kernel derived
  std::optional<model::IcmpError> icmp;  // absent if the error did not come from an ICMP message
};

// Asks the kernel to keep ICMP errors of this socket; must precede connect().
void enable_error_queue(int fd, base::IpFamily family);

// Takes the oldest queued error; nullopt if there is none. Must be read before SO_ERROR, which the
// read can clear (measured on Linux 6.18).
std::optional<QueuedError> take_queued_error(int fd);

}  // namespace probe
