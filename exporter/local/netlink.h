// Tables that the kernel dumps over netlink. Hides libmnl's sockets, sequence numbers, and dumps
// that a change of the table interrupts. What is dumped is of the network namespace that the
// calling thread is in. Each call blocks its thread and owns its socket; nothing is kept.
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace local {

struct NetlinkRequest {
  int bus = 0;                      // NETLINK_ROUTE, NETLINK_SOCK_DIAG
  std::uint16_t type = 0;           // RTM_GETADDR, SOCK_DIAG_BY_FAMILY, …
  std::span<const std::byte> body;  // the family's header, then attributes
};

// `begin` is called ahead of each attempt, `take` with each message; false from it ends the dump.
// Returns 0 or errno: EINTR if the table changed during every attempt.
int netlink_dump(const NetlinkRequest& request, const std::function<void()>& begin,
                 const std::function<bool(const nlmsghdr& message)>& take);

// The header behind netlink's own, nullptr if the message is too short for it.
template <typename Header>
const Header* netlink_header(const nlmsghdr& message) {
  return mnl_nlmsg_get_payload_len(&message) < sizeof(Header)
             ? nullptr
             : static_cast<const Header*>(mnl_nlmsg_get_payload(&message));
}

// The first attribute of that type behind a header of `header` bytes, nullptr if there is none or
// it is shorter than `size`.
const nlattr* netlink_attribute(const nlmsghdr& message, std::size_t header, std::uint16_t type,
                                std::size_t size);

}  // namespace local
