#include "base/ip.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/text.h"

namespace base {

namespace {

constexpr std::size_t kHostLengthLimit = 253;  // RFC 1035 2.3.4, in presentation form

std::uint32_t parse_scope(const std::string& text) {
  if (auto index = parse_integer<std::uint32_t>(text)) return *index;
  return if_nametoindex(text.c_str());
}

bool valid_host_character(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && std::strchr("@/\\[]\"'<>?#", c) == nullptr;
}

bool can_be_one_host(const IpAddress& address) {
  static const auto kBroadcast = IpAddress::from_v4({INADDR_BROADCAST});
  return !address.is_multicast() && !address.is_unspecified() && address != kBroadcast;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::string name(text);
  if (name.find('\0') != std::string::npos) return std::nullopt;  // inet_pton would stop there
  in_addr v4{};
  if (inet_pton(AF_INET, name.c_str(), &v4) == 1) return from_v4(v4);
  std::uint32_t scope = 0;
  if (auto percent = name.find('%'); percent != std::string::npos) {
    scope = parse_scope(name.substr(percent + 1));
    if (scope == 0) return std::nullopt;
    name.resize(percent);
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, name.c_str(), &v6) == 1) return from_v6(v6, scope);
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::from_sockaddr(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return from_v4(v4.sin_addr);
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    return from_v6(v6.sin6_addr, v6.sin6_scope_id);
  }
  return std::nullopt;
}

IpAddress IpAddress::from_v4(in_addr address) {
  IpAddress result;
  std::memcpy(result.bytes_.data(), &address, sizeof address);
  return result;
}

IpAddress IpAddress::from_v6(const in6_addr& address, std::uint32_t scope_id) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    in_addr v4{};
    std::memcpy(&v4, address.s6_addr + 12, sizeof v4);
    return from_v4(v4);
  }
  IpAddress result;
  result.family_ = IpFamily::ipv6;
  result.scope_id_ = scope_id;
  std::memcpy(result.bytes_.data(), &address, sizeof address);
  return result;
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  in6_addr v6{};
  std::memcpy(&v6, bytes_.data(), sizeof v6);
  return IN6_IS_ADDR_LOOPBACK(&v6);
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_link_local() const {
  if (is_v4()) return bytes_[0] == 169 && bytes_[1] == 254;
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::is_multicast() const {
  return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  std::string result(text.data());
  if (scope_id_ != 0) {
    std::array<char, IF_NAMESIZE> name{};
    result += '%';
    result += if_indextoname(scope_id_, name.data()) != nullptr ? std::string(name.data())
                                                                : std::to_string(scope_id_);
  }
  return result;
}

socklen_t IpAddress::to_sockaddr(std::uint16_t port, sockaddr_storage& storage) const {
  std::memset(&storage, 0, sizeof storage);
  if (is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, bytes_.data(), sizeof v4.sin_addr);
    std::memcpy(&storage, &v4, sizeof v4);
    return sizeof v4;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_scope_id = scope_id_;
  std::memcpy(&v6.sin6_addr, bytes_.data(), sizeof v6.sin6_addr);
  std::memcpy(&storage, &v6, sizeof v6);
  return sizeof v6;
}

std::size_t IpAddressHash::operator()(const IpAddress& address) const {
  const auto& bytes = address.bytes();
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  IpNetwork network;
  auto slash = text.find('/');
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  int full = address->is_v4() ? 32 : 128;
  network.address_ = *address;
  network.prefix_length_ = full;
  if (slash != std::string_view::npos) {
    auto length = parse_integer<int>(text.substr(slash + 1));
    if (!length || *length < 0 || *length > full) return std::nullopt;
    network.prefix_length_ = *length;
  }
  return network;
}

bool IpNetwork::contains(const IpAddress& address) const {
  if (address.family() != address_.family()) return false;
  auto whole = static_cast<std::size_t>(prefix_length_ / 8);
  int rest = prefix_length_ % 8;
  const auto& mine = address_.bytes();
  const auto& theirs = address.bytes();
  if (!std::equal(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(whole),
                  theirs.begin())) {
    return false;
  }
  if (rest == 0) return true;
  auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return (mine[whole] & mask) == (theirs[whole] & mask);
}

std::string IpNetwork::to_string() const {
  return address_.to_string() + "/" + std::to_string(prefix_length_);
}

Result<HostPort> parse_host_port(std::string_view text, std::uint16_t default_port) {
  const std::string quoted = "'" + printable(text, 80) + "'";
  const std::string forms = "; write host, host:port or [ipv6]:port";
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  bool bracketed = text.starts_with('[');
  if (bracketed) {
    auto end = text.find(']');
    if (end == std::string_view::npos) return Error{quoted + " has no closing bracket" + forms};
    host = text.substr(1, end - 1);
    auto rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') {
      return Error{quoted + " has text after the bracket" + forms};
    }
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
    if (!IpAddress::parse(host) || host.find(':') == std::string_view::npos) {
      return Error{quoted + " has no IPv6 address in its brackets" + forms};
    }
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    auto colon = text.find(':');
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  } else if (text.find(':') != std::string_view::npos && !IpAddress::parse(text)) {
    return Error{quoted + " is neither an IPv6 address nor host:port" + forms};
  }
  if (host.empty()) return Error{quoted + " has no host" + forms};
  if (host.size() > kHostLengthLimit) {
    return Error{quoted + " is longer than 253 characters, the limit of a host name"};
  }
  if (!std::all_of(host.begin(), host.end(), valid_host_character)) {
    return Error{quoted + " has a character that no host name can have" + forms};
  }
  if (auto literal = IpAddress::parse(host); literal && !can_be_one_host(*literal)) {
    return Error{quoted + " is a multicast, broadcast or unspecified address; no host has it"};
  }
  HostPort result{std::string(host), default_port};
  if (has_port) {
    auto number = parse_integer<std::uint32_t>(port);
    if (!number || *number < 1 || *number > 65535) {
      return Error{quoted + " has no port between 1 and 65535 after the colon"};
    }
    result.port = static_cast<std::uint16_t>(*number);
  }
  return result;
}

std::string format_host_port(std::string_view host, std::uint16_t port) {
  bool brackets = host.find(':') != std::string_view::npos;
  std::string result;
  result.reserve(host.size() + 8);
  if (brackets) result += '[';
  result += host;
  if (brackets) result += ']';
  result += ':';
  result += std::to_string(port);
  return result;
}

}  // namespace base
