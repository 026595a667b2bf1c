// The kernel's list of listening TCP sockets, by sock_diag: of the network namespace that the
// calling thread is in, whichever process, user or pid namespace they belong to. Needs no right.
// An MPTCP listener is in the list with the TCP socket that it listens by.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "model/host_facts.h"

namespace local {

struct ListeningSockets {
  std::vector<model::ListenerFacts::Listener> listeners;  // without owners, by endpoint
  bool truncated = false;                                 // there are more than the limit
};

base::Result<ListeningSockets> listening_sockets(std::size_t limit);

}  // namespace local
