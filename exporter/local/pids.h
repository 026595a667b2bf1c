// The processes that /proc shows, by number and name. Each call looks anew; processes that end
// meanwhile are normal.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "local/host.h"

namespace local {

struct Pids {
  std::vector<pid_t> all;  // in order
  // Process 1 is always there: if it is not shown, then others are hidden as well (hidepid).
  bool hidden = false;
};

Pids pids(const Host& host);
// Its comm, at most 15 bytes, printable; empty if there is no such process.
std::string process_name(const Host& host, pid_t pid);

}  // namespace local
