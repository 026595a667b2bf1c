#include "diagnose/rejection.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "support/evidence.h"

namespace diagnose {
namespace {

using base::IpFamily;
using evidence::ip;
using model::ResponderRole;

constexpr std::string_view kTarget = "192.0.2.10";
constexpr std::string_view kLocal = "198.51.100.5";

ResponderRole role(std::string_view sender) { return role_of(ip(sender), ip(kTarget), ip(kLocal)); }

// Every type and code of one family, by what it is classified as.
std::set<std::pair<int, int>> classified(IpFamily family, Rejection kind) {
  std::set<std::pair<int, int>> found;
  for (int type = 0; type <= 255; ++type) {
    for (int code = 0; code <= 255; ++code) {
      model::IcmpError error;
      error.family = family;
      error.type = static_cast<std::uint8_t>(type);
      error.code = static_cast<std::uint8_t>(code);
      if (classify(error) == kind) found.insert({type, code});
    }
  }
  return found;
}

using Codes = std::set<std::pair<int, int>>;

TEST(rejection, every_icmp_type_and_code) {
  auto v4 = [](Rejection kind) { return classified(IpFamily::ipv4, kind); };
  EXPECT_EQ(v4(Rejection::policy),
            (Codes{{3, 2}, {3, 3}, {3, 9}, {3, 10}, {3, 13}, {3, 14}, {3, 15}}));
  EXPECT_EQ(v4(Rejection::host_unreachable), (Codes{{3, 1}, {3, 7}}));
  EXPECT_EQ(v4(Rejection::network_unreachable), (Codes{{3, 0}, {3, 6}, {3, 8}, {3, 11}, {3, 12}}));
  EXPECT_EQ(v4(Rejection::routing_loop), (Codes{{11, 0}}));
  EXPECT_EQ(v4(Rejection::other).size(), 256U * 256U - 15U);
}

TEST(rejection, every_icmpv6_type_and_code) {
  auto v6 = [](Rejection kind) { return classified(IpFamily::ipv6, kind); };
  EXPECT_EQ(v6(Rejection::policy), (Codes{{1, 1}, {1, 4}, {1, 5}, {1, 6}}));
  EXPECT_EQ(v6(Rejection::host_unreachable), (Codes{{1, 3}}));
  EXPECT_EQ(v6(Rejection::network_unreachable), (Codes{{1, 0}, {1, 2}}));
  EXPECT_EQ(v6(Rejection::routing_loop), (Codes{{3, 0}}));
  EXPECT_EQ(v6(Rejection::other).size(), 256U * 256U - 8U);
}

TEST(rejection, role_of_the_sender) {
  EXPECT_EQ(role("192.0.2.10"), ResponderRole::target);
  EXPECT_EQ(role("198.51.100.5"), ResponderRole::self);
  EXPECT_EQ(role("127.0.0.1"), ResponderRole::self);
  EXPECT_EQ(role("::1"), ResponderRole::self);
  EXPECT_EQ(role("203.0.113.1"), ResponderRole::path);
  EXPECT_EQ(role("0.0.0.0"), ResponderRole::unknown);
  EXPECT_EQ(role("::"), ResponderRole::unknown);
}

TEST(rejection, the_target_comes_before_this_machine) {
  EXPECT_EQ(role_of(ip(kLocal), ip(kLocal), ip(kLocal)), ResponderRole::target);
  EXPECT_EQ(role_of(ip("127.0.0.1"), ip("127.0.0.1"), std::nullopt), ResponderRole::target);
  EXPECT_EQ(role_of(ip(kLocal), ip(kTarget), std::nullopt), ResponderRole::path);
}

TEST(rejection, addresses_are_compared_as_on_the_wire) {
  EXPECT_TRUE(same_address(ip("::ffff:192.0.2.10"), ip("192.0.2.10")));
  EXPECT_TRUE(same_address(ip("fe80::1%1"), ip("fe80::1")));
  EXPECT_FALSE(same_address(ip("::c000:20a"), ip("192.0.2.10")));
  EXPECT_FALSE(same_address(ip("192.0.2.10"), ip("192.0.2.11")));
  EXPECT_EQ(unmapped(ip("2001:db8::1")), ip("2001:db8::1"));
}

TEST(rejection, private_addresses) {
  for (auto text : {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
                    "fd00::1", "fe80::1", "169.254.1.1", "127.0.0.1", "::ffff:10.0.0.1"}) {
    EXPECT_TRUE(is_private(ip(text))) << text;
  }
  for (auto text : {"172.32.0.1", "11.0.0.1", "100.128.0.1", "192.0.2.1", "2001:db8::1"}) {
    EXPECT_FALSE(is_private(ip(text))) << text;
  }
}

}  // namespace
}  // namespace diagnose
