#include "probe/error_queue.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace probe {

namespace {

QueuedError decode(const cmsghdr& header, const sock_extended_err& error) {
  QueuedError queued;
  queued.error = static_cast<int>(error.ee_errno);
  if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) return queued;
  model::IcmpError icmp;
  icmp.family = header.cmsg_level == SOL_IP ? base::IpFamily::ipv4 : base::IpFamily::ipv6;
  icmp.type = error.ee_type;
  icmp.code = error.ee_code;
  if (auto offender = base::IpAddress::from_sockaddr(SO_EE_OFFENDER(&error))) {
    icmp.offender = *offender;
    queued.icmp = icmp;
  }
  return queued;
}

}  // namespace

void enable_error_queue(int fd, base::IpFamily family) {
  int on = 1;
  if (family == base::IpFamily::ipv4) {
    setsockopt(fd, SOL_IP, IP_RECVERR, &on, sizeof on);
  } else {
    setsockopt(fd, SOL_IPV6, IPV6_RECVERR, &on, sizeof on);
  }
}

std::optional<QueuedError> take_queued_error(int fd) {
  // One extended error with its offender's address; the packet that caused it is not wanted.
  alignas(cmsghdr) std::array<char, 512> control{};
  std::array<char, 1> data{};
  iovec buffer{data.data(), data.size()};
  msghdr message{};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return std::nullopt;
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    bool v4 = header->cmsg_level == SOL_IP && header->cmsg_type == IP_RECVERR;
    bool v6 = header->cmsg_level == SOL_IPV6 && header->cmsg_type == IPV6_RECVERR;
    if (!v4 && !v6) continue;
    // The offender's address follows the error in the same control message.
    const auto* error = reinterpret_cast<const sock_extended_err*>(CMSG_DATA(header));
    return decode(*header, *error);
  }
  return std::nullopt;
}

}  // namespace probe
