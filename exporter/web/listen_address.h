// Where to listen, as users write it: ":10062" (all addresses of both families), "host:port",
// "[v6]:port". Resolves names, so it may block: for start-up only.
#pragma once

#include <string>

#include "base/ip.h"
#include "base/result.h"

namespace web {

struct ListenAddress {
  std::string text;            // as written
  base::IpAddress address;     // unspecified for ":port"
  std::uint16_t port = 0;      // 0: the kernel chooses
  bool both_families = false;  // ":port" on a machine with IPv6
};

// The port is required; 0 is allowed.
base::Result<ListenAddress> parse_listen_address(const std::string& text);
// "+10062", "127.0.0.1:10062", "[::1]:10062": in civetweb's listening_ports.
std::string civetweb_port(const ListenAddress& address, bool tls);
// Tries to listen there for a moment. The error says which address, and why not.
base::Result<void> try_to_listen(const ListenAddress& address);

}  // namespace web
