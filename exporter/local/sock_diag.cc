#include "local/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <tuple>

#include "base/text.h"
#include "local/netlink.h"

namespace local {

namespace {

using Listener = model::ListenerFacts::Listener;

std::string interface_name(std::uint32_t index) {
  std::array<char, IF_NAMESIZE> name{};
  if (index == 0) return {};
  if (::if_indextoname(index, name.data()) == nullptr) return std::to_string(index);
  return base::printable(name.data(), IF_NAMESIZE);
}

base::IpAddress address_of(const inet_diag_msg& socket) {
  if (socket.idiag_family == AF_INET) {
    in_addr v4{};
    std::memcpy(&v4, &socket.id.idiag_src, sizeof v4);
    return base::IpAddress::from_v4(v4);
  }
  in6_addr v6{};
  std::memcpy(&v6, &socket.id.idiag_src, sizeof v6);
  // Only a link-local address means nothing without its interface.
  return base::IpAddress::from_v6(v6, IN6_IS_ADDR_LINKLOCAL(&v6) ? socket.id.idiag_if : 0);
}

std::optional<Listener> listener_of(const nlmsghdr& message) {
  const auto* socket = netlink_header<inet_diag_msg>(message);
  if (message.nlmsg_type != SOCK_DIAG_BY_FAMILY || socket == nullptr) return std::nullopt;
  if (socket->idiag_state != TCP_LISTEN) return std::nullopt;
  Listener listener;
  listener.endpoint = {address_of(*socket), ntohs(socket->id.idiag_sport)};
  listener.interface = interface_name(socket->id.idiag_if);
  listener.queue_length = socket->idiag_rqueue;
  listener.queue_limit = socket->idiag_wqueue;
  listener.inode = socket->idiag_inode;
  listener.uid = socket->idiag_uid;
  const auto* only_v6 = netlink_attribute(message, sizeof *socket, INET_DIAG_SKV6ONLY, 1);
  listener.dual_stack = !listener.endpoint.address.is_v4() &&
                        listener.endpoint.address.is_unspecified() && only_v6 != nullptr &&
                        mnl_attr_get_u8(only_v6) == 0;
  return listener;
}

int dump(int family, std::size_t limit, ListeningSockets& sockets) {
  inet_diag_req_v2 wanted{};
  wanted.sdiag_family = static_cast<std::uint8_t>(family);
  wanted.sdiag_protocol = IPPROTO_TCP;
  wanted.idiag_states = 1U << TCP_LISTEN;
  const auto before = sockets.listeners.size();
  return netlink_dump(
      {NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, std::as_bytes(std::span(&wanted, 1))},
      [&] { sockets.listeners.resize(before); },
      [&](const nlmsghdr& message) {
        auto listener = listener_of(message);
        if (!listener) return true;
        sockets.truncated = sockets.listeners.size() >= limit;
        if (!sockets.truncated) sockets.listeners.push_back(std::move(*listener));
        return !sockets.truncated;
      });
}

std::string explain(int error) {
  std::string text = "the kernel does not list its listening sockets: ";
  text += std::strerror(error);
  if (error == ENOENT) text += "; load the module tcp_diag";
  if (error == EAFNOSUPPORT) text += "; RestrictAddressFamilies= must name AF_NETLINK";
  return text;
}

}  // namespace

base::Result<ListeningSockets> listening_sockets(std::size_t limit) {
  ListeningSockets sockets;
  for (const int family : {AF_INET, AF_INET6}) {
    if (const int error = dump(family, limit, sockets); error != 0) {
      return base::Error{explain(error)};
    }
    if (sockets.truncated) break;
  }
  std::sort(sockets.listeners.begin(), sockets.listeners.end(),
            [](const Listener& left, const Listener& right) {
              return std::tie(left.endpoint, left.interface, left.inode) <
                     std::tie(right.endpoint, right.interface, right.inode);
            });
  return sockets;
}

}  // namespace local
