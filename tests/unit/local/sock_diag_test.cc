// Real listening sockets, in a network namespace of their own.

#include "local/sock_diag.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/ip.h"
#include "support/listening_socket.h"
#include "support/own_network.h"

namespace {

using base::Fd;
using base::IpAddress;
using model::Endpoint;
using test_support::bound;
using test_support::inode_of;
using test_support::listening;
using test_support::port_of;
using test_support::SocketOptions;
using Listener = model::ListenerFacts::Listener;

constexpr std::size_t kMany = 65536;

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

class SockDiag : public test_support::OwnNetwork {};

std::string describe(const Listener& one) {
  return base::format_host_port(one.endpoint.address.to_string(), one.endpoint.port) + " " +
         one.interface + (one.dual_stack ? " dual" : "");
}

TEST_F(SockDiag, EveryKindOfSocket) {
  inside([] {
    SocketOptions v6;
    v6.family = AF_INET6;
    SocketOptions only_v6 = v6;
    only_v6.only_v6 = true;
    auto at = [](SocketOptions options, std::uint16_t port) {
      options.port = port;
      return options;
    };
    SocketOptions device;
    device.to_loopback_device = true;
    std::vector<Fd> sockets;
    sockets.push_back(listening("0.0.0.0", at({}, 22)));
    sockets.push_back(listening("127.0.0.1", at({}, 2201)));
    sockets.push_back(listening("::", at(v6, 2202)));
    sockets.push_back(listening("::", at(only_v6, 22)));
    sockets.push_back(listening("::1", at(v6, 2203)));
    sockets.push_back(listening("::ffff:127.0.0.1", at(v6, 2204)));
    sockets.push_back(listening("0.0.0.0", at(device, 2205)));
    // None of these listens.
    const auto silent = bound("127.0.0.1", at({}, 2206));
    const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const auto size = ip("127.0.0.1").to_sockaddr(2201, storage);
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&storage), size), 0);

    const auto facts = local::listening_sockets(kMany);
    ASSERT_TRUE(facts);
    EXPECT_FALSE(facts->truncated);
    std::set<std::string> seen;
    std::set<std::uint64_t> inodes;
    for (const auto& one : facts->listeners) {
      seen.insert(describe(one));
      inodes.insert(one.inode);
      EXPECT_EQ(one.uid, ::getuid());
      EXPECT_EQ(one.queue_limit, 16U);
      EXPECT_EQ(one.queue_length, one.endpoint.port == 2201 ? 1U : 0U);
      EXPECT_FALSE(one.owner);
    }
    EXPECT_EQ(seen, (std::set<std::string>{"0.0.0.0:22 ", "127.0.0.1:2201 ", "[::]:2202  dual",
                                           "[::]:22 ", "[::1]:2203 ", "127.0.0.1:2204 ",
                                           "0.0.0.0:2205 lo"}));
    std::set<std::uint64_t> expected;
    for (const auto& socket : sockets) expected.insert(inode_of(socket));
    EXPECT_EQ(inodes, expected);
    EXPECT_TRUE(std::is_sorted(
        facts->listeners.begin(), facts->listeners.end(),
        [](const Listener& a, const Listener& b) { return a.endpoint < b.endpoint; }));
  });
}

TEST_F(SockDiag, NothingListens) {
  inside([] {
    const auto sockets = local::listening_sockets(kMany);
    ASSERT_TRUE(sockets);
    EXPECT_TRUE(sockets->listeners.empty());
  });
}

TEST_F(SockDiag, EachSocketOfASharedPort) {
  inside([] {
    SocketOptions shared;
    shared.share_port = true;
    shared.port = 22;
    const auto first = listening("0.0.0.0", shared);
    const auto second = listening("0.0.0.0", shared);
    EXPECT_EQ(local::listening_sockets(kMany)->listeners.size(), 2U);
  });
}

TEST_F(SockDiag, MptcpListener) {
  inside([] {
    constexpr int kMptcp = 262;
    if (!Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, kMptcp)).valid()) return;
    SocketOptions options;
    options.protocol = kMptcp;
    options.port = 22;
    const auto socket = listening("127.0.0.1", options);
    const auto facts = local::listening_sockets(kMany);
    ASSERT_EQ(facts->listeners.size(), 1U);
    EXPECT_EQ(facts->listeners[0].endpoint, (Endpoint{ip("127.0.0.1"), 22}));
    EXPECT_EQ(facts->listeners[0].inode, inode_of(socket));
  });
}

TEST_F(SockDiag, MoreThanOneDatagram) {
  inside([] {
    constexpr std::size_t kCount = 900;
    std::vector<Fd> sockets;
    SocketOptions v6;
    v6.family = AF_INET6;
    for (std::size_t i = 0; i < kCount; ++i) {
      sockets.push_back(i % 2 == 0 ? listening("127.0.0.1") : listening("::1", v6));
    }
    EXPECT_EQ(local::listening_sockets(kMany)->listeners.size(), kCount);
    const auto whole = local::listening_sockets(kCount);
    EXPECT_EQ(whole->listeners.size(), kCount);
    EXPECT_FALSE(whole->truncated);
    const auto cut = local::listening_sockets(kCount - 1);
    EXPECT_EQ(cut->listeners.size(), kCount - 1);
    EXPECT_TRUE(cut->truncated);
  });
}

TEST(ListeningSockets, FullQueueIsLongerThanItsLimit) {
  SocketOptions small;
  small.backlog = 2;
  const auto server = listening("127.0.0.1", small);
  sockaddr_storage storage{};
  const auto size = ip("127.0.0.1").to_sockaddr(port_of(server), storage);
  std::vector<Fd> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(clients.back().get(), reinterpret_cast<sockaddr*>(&storage), size);
  }
  const auto sockets = local::listening_sockets(kMany);
  const auto found =
      std::find_if(sockets->listeners.begin(), sockets->listeners.end(),
                   [&](const Listener& one) { return one.inode == inode_of(server); });
  ASSERT_NE(found, sockets->listeners.end());
  EXPECT_EQ(found->queue_limit, 2U);
  EXPECT_EQ(found->queue_length, 3U);
}

}  // namespace
