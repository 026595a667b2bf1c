#include "web/listen_address.h"

#include <netdb.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/fd.h"
#include "base/text.h"

namespace web {

namespace {

// False where the kernel has IPv6 disabled: then a dual-stack socket cannot be bound.
bool machine_has_ipv6() {
  base::Fd fd(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return false;
  sockaddr_storage storage{};
  auto size = base::IpAddress::from_v6(in6addr_any).to_sockaddr(0, storage);
  return bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0;
}

base::Result<base::IpAddress> resolve(const std::string& host) {
  if (auto address = base::IpAddress::parse(host)) return *address;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (int error = getaddrinfo(host.c_str(), nullptr, &hints, &list); error != 0) {
    return base::Error{gai_strerror(error)};
  }
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (auto address = base::IpAddress::from_sockaddr(entry->ai_addr)) return *address;
  }
  return base::Error{"it has no address"};
}

std::string explain(int error, std::uint16_t port) {
  const std::string number = std::to_string(port);
  switch (error) {
    case EADDRINUSE:
      return "another process listens on port " + number + "; see `ss -ltnp 'sport = :" + number +
             "'`";
    case EADDRNOTAVAIL:
      return "no interface of this machine has that address";
    case EACCES:
      return "ports below 1024 need the capability CAP_NET_BIND_SERVICE";
    case EAFNOSUPPORT:
      return "this machine does not have that address family";
    default:
      return std::strerror(error);  // NOLINT(concurrency-mt-unsafe): before any thread
  }
}

}  // namespace

base::Result<ListenAddress> parse_listen_address(const std::string& text) {
  const std::string quoted = "web.listen-address '" + base::printable(text, 300) + "'";
  auto colon = text.rfind(':');
  auto port = colon == std::string::npos
                  ? std::nullopt
                  : base::parse_integer<std::uint16_t>(std::string_view(text).substr(colon + 1));
  if (!port) return base::Error{quoted + " has no port; write :10062, host:port or [ipv6]:port"};
  ListenAddress result{.text = text, .address = {}, .port = *port, .both_families = false};
  std::string host = text.substr(0, colon);
  if (host.empty()) {
    result.both_families = machine_has_ipv6();
    return result;
  }
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string::npos) {
    return base::Error{quoted + ": write an IPv6 address in brackets, [::1]:10062"};
  }
  auto address = resolve(host);
  if (!address) return base::Error{quoted + ": " + address.error()};
  result.address = *address;
  return result;
}

std::string civetweb_port(const ListenAddress& address, bool tls) {
  const std::string suffix = tls ? "s" : "";
  if (address.both_families) return "+" + std::to_string(address.port) + suffix;
  return base::format_host_port(address.address.to_string(), address.port) + suffix;
}

base::Result<void> try_to_listen(const ListenAddress& address) {
  auto wanted = address.both_families ? base::IpAddress::from_v6(in6addr_any) : address.address;
  base::Fd fd(socket(wanted.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  auto size = wanted.to_sockaddr(address.port, storage);
  const int on = 1;
  const int v6_only = address.both_families ? 0 : 1;
  bool listening =
      fd.valid() && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      (wanted.is_v4() ||
       setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only) == 0) &&
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0 &&
      listen(fd.get(), 1) == 0;
  if (listening) return {};
  return base::Error{"cannot listen on " + address.text + ": " + explain(errno, address.port)};
}

}  // namespace web
