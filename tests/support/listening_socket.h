// Listening sockets for tests, of every kind.
#pragma once

#include <sys/socket.h>

#include <cstdint>

#include "base/fd.h"

namespace test_support {

struct SocketOptions {
  int family = AF_INET;
  bool only_v6 = false;
  bool share_port = false;
  bool to_loopback_device = false;
  int protocol = 0;
  int backlog = 16;
  std::uint16_t port = 0;
};

// Not yet listening. The address is text of the family, so also ::ffff:127.0.0.1.
base::Fd bound(const char* address, const SocketOptions& options = {});
base::Fd listening(const char* address, const SocketOptions& options = {});
std::uint16_t port_of(const base::Fd& fd);
std::uint64_t inode_of(const base::Fd& fd);

}  // namespace test_support
