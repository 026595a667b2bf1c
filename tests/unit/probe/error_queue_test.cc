#include "probe/error_queue.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "support/tcp_peer.h"

namespace probe {
namespace {

using test_support::ip;

// A datagram to a closed port of this machine brings a port unreachable from the address itself.
std::optional<QueuedError> rejected_datagram(const char* address, bool enabled) {
  auto target = ip(address);
  base::Fd fd(::socket(target.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (enabled) enable_error_queue(fd.get(), target.family());
  EXPECT_FALSE(take_queued_error(fd.get())) << "nothing yet";
  sockaddr_storage storage{};
  auto length = target.to_sockaddr(9, storage);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
  EXPECT_EQ(::send(fd.get(), "x", 1, 0), 1);
  pollfd waiting{fd.get(), POLLERR, 0};
  EXPECT_EQ(poll(&waiting, 1, 2000), 1);
  auto queued = take_queued_error(fd.get());
  EXPECT_FALSE(take_queued_error(fd.get())) << "each error once";
  return queued;
}

TEST(ErrorQueue, PortUnreachable) {
  auto queued = rejected_datagram("127.0.0.1", true);
  ASSERT_TRUE(queued);
  EXPECT_EQ(queued->error, ECONNREFUSED);
  ASSERT_TRUE(queued->icmp);
  EXPECT_EQ(*queued->icmp, (model::IcmpError{base::IpFamily::ipv4, 3, 3, ip("127.0.0.1")}));
}

TEST(ErrorQueue, PortUnreachableOfIpv6) {
  auto queued = rejected_datagram("::1", true);
  ASSERT_TRUE(queued);
  EXPECT_EQ(queued->error, ECONNREFUSED);
  ASSERT_TRUE(queued->icmp);
  EXPECT_EQ(*queued->icmp, (model::IcmpError{base::IpFamily::ipv6, 1, 4, ip("::1")}));
}

TEST(ErrorQueue, EmptyUnlessEnabled) { EXPECT_FALSE(rejected_datagram("127.0.0.1", false)); }

TEST(ErrorQueue, NoSocket) { EXPECT_FALSE(take_queued_error(-1)); }

}  // namespace
}  // namespace probe
