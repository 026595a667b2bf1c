// The real kernel, asked well and badly.

#include "local/netlink.h"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace {

using local::netlink_attribute;
using local::netlink_dump;
using local::netlink_header;
using local::NetlinkRequest;

const ifinfomsg kAllLinks{};
const NetlinkRequest kLinks{NETLINK_ROUTE, RTM_GETLINK, std::as_bytes(std::span(&kAllLinks, 1))};

TEST(Netlink, DumpsATable) {
  int begun = 0;
  bool loopback = false;
  const int error = netlink_dump(
      kLinks, [&] { ++begun; },
      [&](const nlmsghdr& message) {
        EXPECT_EQ(message.nlmsg_type, RTM_NEWLINK);
        const auto* name = netlink_attribute(message, sizeof(ifinfomsg), IFLA_IFNAME, 3);
        loopback = loopback || (name != nullptr && std::string(mnl_attr_get_str(name)) == "lo");
        return true;
      });
  EXPECT_EQ(error, 0);
  EXPECT_GE(begun, 1);
  EXPECT_TRUE(loopback);
}

TEST(Netlink, EndsWhenNoMoreIsWanted) {
  int taken = 0;
  EXPECT_EQ(netlink_dump(
                kLinks, [] {},
                [&](const nlmsghdr&) {
                  ++taken;
                  return false;
                }),
            0);
  EXPECT_EQ(taken, 1);
}

TEST(Netlink, SaysWhyNot) {
  const auto take = [](const nlmsghdr&) { return true; };
  NetlinkRequest request = kLinks;
  request.bus = 30;  // there is no such protocol
  EXPECT_EQ(netlink_dump(
                request, [] {}, take),
            EPROTONOSUPPORT);
  request = kLinks;
  request.type = RTM_MAX + 100;
  EXPECT_EQ(netlink_dump(
                request, [] {}, take),
            EOPNOTSUPP);
  const std::array<std::byte, 1000> large{};
  request = kLinks;
  request.body = large;
  EXPECT_EQ(netlink_dump(
                request, [] {}, take),
            EMSGSIZE);
}

TEST(Netlink, AttributesOfDamagedMessages) {
  alignas(nlmsghdr) std::array<char, 256> buffer{};
  auto* message = mnl_nlmsg_put_header(buffer.data());
  EXPECT_EQ(netlink_header<ifinfomsg>(*message), nullptr);
  EXPECT_EQ(netlink_attribute(*message, sizeof(ifinfomsg), IFLA_MTU, 4), nullptr);
  mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
  EXPECT_NE(netlink_header<ifinfomsg>(*message), nullptr);
  mnl_attr_put_u8(message, IFLA_OPERSTATE, 6);
  auto* mtu = static_cast<nlattr*>(mnl_nlmsg_get_payload_tail(message));
  mnl_attr_put_u32(message, IFLA_MTU, 1500);
  const auto* found = netlink_attribute(*message, sizeof(ifinfomsg), IFLA_MTU, 4);
  ASSERT_EQ(found, mtu);
  EXPECT_EQ(mnl_attr_get_u32(found), 1500U);
  EXPECT_EQ(netlink_attribute(*message, sizeof(ifinfomsg), IFLA_MTU, 5), nullptr);
  EXPECT_EQ(netlink_attribute(*message, sizeof(ifinfomsg), IFLA_LINK, 4), nullptr);
  for (const int length : {0, 1, 3, 9, 100, 65535}) {  // shorter than itself, beyond
    mtu->nla_len = static_cast<std::uint16_t>(length);
    EXPECT_EQ(netlink_attribute(*message, sizeof(ifinfomsg), IFLA_MTU, 4), nullptr) << length;
  }
}

}  // namespace
