// IP addresses and networks as values, with no name resolution and no sockets.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace base {

enum class IpFamily : std::uint8_t { ipv4, ipv6 };

class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0

  // Accepts dotted IPv4, and IPv6 with an optional %scope (interface name or index).
  // Nothing else: no brackets, ports, octal or short IPv4 forms.
  static std::optional<IpAddress> parse(std::string_view text);
  // nullopt for families other than AF_INET and AF_INET6.
  static std::optional<IpAddress> from_sockaddr(const sockaddr* address);
  static IpAddress from_v4(in_addr address);
  // An IPv4-mapped address (::ffff:192.0.2.1) becomes the IPv4 address that is on the wire.
  static IpAddress from_v6(const in6_addr& address, std::uint32_t scope_id = 0);

  [[nodiscard]] IpFamily family() const { return family_; }
  [[nodiscard]] bool is_v4() const { return family_ == IpFamily::ipv4; }
  // Network byte order; IPv4 uses the first four bytes, the others are zero.
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_link_local() const;
  [[nodiscard]] bool is_multicast() const;
  [[nodiscard]] std::string to_string() const;
  // Fills storage and returns the length to pass to connect() or bind().
  socklen_t to_sockaddr(std::uint16_t port, sockaddr_storage& storage) const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::uint32_t scope_id_ = 0;
  IpFamily family_ = IpFamily::ipv4;
};

struct IpAddressHash {
  std::size_t operator()(const IpAddress& address) const;
};

// An address with a prefix length: 192.0.2.0/24, 2001:db8::/32. A bare address is a full-length
// one.
class IpNetwork {
 public:
  IpNetwork() = default;
  static std::optional<IpNetwork> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] std::string to_string() const;
  bool operator==(const IpNetwork&) const = default;

 private:
  IpAddress address_;
  int prefix_length_ = 0;
};

// host, host:port or [v6]:port, as users write targets. A bare IPv6 address needs no brackets.
struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
  bool operator==(const HostPort&) const = default;
};
// Rejects empty hosts, ports outside 1..65535, control characters, spaces, user@ prefixes, and
// addresses that are no single host's (multicast, broadcast, unspecified).
Result<HostPort> parse_host_port(std::string_view text, std::uint16_t default_port);
// "host:22", "[2001:db8::1]:22"
std::string format_host_port(std::string_view host, std::uint16_t port);

}  // namespace base
