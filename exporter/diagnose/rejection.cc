#include "diagnose/rejection.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace diagnose {

namespace {

using base::IpAddress;
using base::IpNetwork;
using model::ResponderRole;

// RFC 792, RFC 1812 5.2.7.1. nft and iptables can reject with 0, 1, 2, 3, 9, 10 and 13.
constexpr std::array kUnreachableV4 = std::to_array<Rejection>({
    Rejection::network_unreachable,  // 0 network unreachable
    Rejection::host_unreachable,     // 1 host unreachable
    Rejection::policy,               // 2 protocol unreachable: every host speaks TCP
    Rejection::policy,               // 3 port unreachable: a stack answers TCP with RST instead
    Rejection::other,                // 4 fragmentation needed: adjusts the path MTU, ends nothing
    Rejection::other,                // 5 source route failed: none was asked for
    Rejection::network_unreachable,  // 6 network unknown
    Rejection::host_unreachable,     // 7 host unknown
    Rejection::network_unreachable,  // 8 source host isolated
    Rejection::policy,               // 9 network administratively prohibited
    Rejection::policy,               // 10 host administratively prohibited
    Rejection::network_unreachable,  // 11 network unreachable for this type of service
    Rejection::network_unreachable,  // 12 host unreachable for this type of service: no such route
    Rejection::policy,               // 13 communication administratively prohibited
    Rejection::policy,               // 14 host precedence violation
    Rejection::policy,               // 15 precedence cutoff
});

// RFC 4443 3.1. nft and ip6tables can reject with 0, 1, 3, 4, 5 and 6.
constexpr std::array kUnreachableV6 = std::to_array<Rejection>({
    Rejection::network_unreachable,  // 0 no route to destination
    Rejection::policy,               // 1 communication administratively prohibited
    Rejection::network_unreachable,  // 2 beyond scope of source address
    Rejection::host_unreachable,     // 3 address unreachable
    Rejection::policy,               // 4 port unreachable: a stack answers TCP with RST instead
    Rejection::policy,               // 5 source address failed ingress or egress policy
    Rejection::policy,               // 6 reject route to destination
});

template <std::size_t size>
Rejection row(const std::array<Rejection, size>& table, std::uint8_t code) {
  return code < size ? table.at(code) : Rejection::other;
}

}  // namespace

Rejection classify(const model::IcmpError& error) {
  if (error.family == base::IpFamily::ipv4) {
    if (error.type == ICMP_DEST_UNREACH) return row(kUnreachableV4, error.code);
    bool loop = error.type == ICMP_TIME_EXCEEDED && error.code == ICMP_EXC_TTL;
    return loop ? Rejection::routing_loop : Rejection::other;
  }
  if (error.type == ICMP6_DST_UNREACH) return row(kUnreachableV6, error.code);
  bool loop = error.type == ICMP6_TIME_EXCEEDED && error.code == ICMP6_TIME_EXCEED_TRANSIT;
  return loop ? Rejection::routing_loop : Rejection::other;
}

IpAddress unmapped(const IpAddress& address) {
  if (address.is_v4()) return address;
  in6_addr v6{};
  std::memcpy(&v6, address.bytes().data(), sizeof v6);
  if (!IN6_IS_ADDR_V4MAPPED(&v6)) return address;
  in_addr v4{};
  std::memcpy(&v4, address.bytes().data() + 12, sizeof v4);
  return IpAddress::from_v4(v4);
}

bool same_address(const IpAddress& a, const IpAddress& b) {
  IpAddress left = unmapped(a);
  IpAddress right = unmapped(b);
  return left.family() == right.family() && left.bytes() == right.bytes();
}

bool is_private(const IpAddress& address) {
  static const std::array kPrivate{
      *IpNetwork::parse("10.0.0.0/8"), *IpNetwork::parse("172.16.0.0/12"),
      *IpNetwork::parse("192.168.0.0/16"), *IpNetwork::parse("100.64.0.0/10"),
      *IpNetwork::parse("fc00::/7")};
  IpAddress plain = unmapped(address);
  return plain.is_loopback() || plain.is_link_local() ||
         std::any_of(kPrivate.begin(), kPrivate.end(),
                     [&](const IpNetwork& network) { return network.contains(plain); });
}

ResponderRole role_of(const IpAddress& sender, const IpAddress& target,
                      const std::optional<IpAddress>& local) {
  if (sender.is_unspecified()) return ResponderRole::unknown;
  if (same_address(sender, target)) return ResponderRole::target;
  // A loopback address never comes in from a network (RFC 1122 3.2.1.3).
  if ((local && same_address(sender, *local)) || unmapped(sender).is_loopback()) {
    return ResponderRole::self;
  }
  return ResponderRole::path;
}

}  // namespace diagnose
