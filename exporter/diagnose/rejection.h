// What an ICMP error says about a connection attempt: by its type and code, and by who sent it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/ip.h"
#include "model/diagnosis.h"
#include "model/probe_result.h"

namespace diagnose {

enum class Rejection : std::uint8_t {
  policy,               // somebody's rule: prohibited, or a port or protocol that is "unreachable"
  host_unreachable,     // the last hop cannot find the host
  network_unreachable,  // a router does not know the way
  routing_loop,         // the packet went round until its time to live ran out
  other,                // nothing that should end a TCP connection attempt
};

Rejection classify(const model::IcmpError& error);

// IPv4-mapped IPv6 addresses as IPv4: the wire knows no other.
base::IpAddress unmapped(const base::IpAddress& address);
// Without regard to the scope: ICMP offenders carry the interface of their arrival or none.
bool same_address(const base::IpAddress& a, const base::IpAddress& b);
// RFC 1918, RFC 6598, RFC 4193, link-local and loopback: not reachable across the Internet.
bool is_private(const base::IpAddress& address);

model::ResponderRole role_of(const base::IpAddress& sender, const base::IpAddress& target,
                             const std::optional<base::IpAddress>& local);

}  // namespace diagnose
