#include "base/ip.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace base {
namespace {

IpAddress ip(std::string_view text) {
  auto address = IpAddress::parse(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(IpAddress());
}

IpNetwork network(std::string_view text) {
  auto parsed = IpNetwork::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(IpNetwork());
}

TEST(IpAddress, ReadsAndPrintsBothFamilies) {
  for (const auto& [text, printed] :
       std::vector<std::pair<const char*, const char*>>{{"0.0.0.0", "0.0.0.0"},
                                                        {"192.0.2.1", "192.0.2.1"},
                                                        {"255.255.255.255", "255.255.255.255"},
                                                        {"::", "::"},
                                                        {"::1", "::1"},
                                                        {"2001:DB8:0:0::1", "2001:db8::1"},
                                                        {"::ffff:192.0.2.1", "192.0.2.1"},
                                                        {"fe80::1%1", "fe80::1%lo"},
                                                        {"fe80::1%lo", "fe80::1%lo"},
                                                        {"fe80::1%4000000", "fe80::1%4000000"}}) {
    EXPECT_EQ(ip(text).to_string(), printed);
    EXPECT_EQ(ip(printed), ip(text));
  }
  EXPECT_TRUE(ip("192.0.2.1").is_v4());
}

TEST(IpAddress, RefusesOtherForms) {
  for (const auto* text : {"",
                           " ",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "256.1.1.1",
                           "01.2.3.4",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "0x1.2.3.4",
                           "1.2.3.4:22",
                           "[::1]",
                           "::1 ",
                           ":::",
                           "1::2::3",
                           "12345::",
                           "::1%",
                           "::1%0",
                           "::1%no-such-interface",
                           "1.2.3.4%1",
                           "host",
                           "1.2.3.4/8"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0x", 9)));
  EXPECT_FALSE(IpAddress::parse(std::string_view("::1%lo\0x", 8)));
}

TEST(IpAddress, KnowsItsKind) {
  EXPECT_TRUE(ip("127.0.0.1").is_loopback());
  EXPECT_TRUE(ip("127.255.0.1").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("128.0.0.1").is_loopback());
  EXPECT_FALSE(ip("::2").is_loopback());
  EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
  EXPECT_TRUE(ip("::").is_unspecified());
  EXPECT_FALSE(ip("0.0.0.1").is_unspecified());
  EXPECT_TRUE(ip("169.254.7.7").is_link_local());
  EXPECT_TRUE(ip("fe80::1").is_link_local());
  EXPECT_TRUE(ip("febf::1").is_link_local());
  EXPECT_FALSE(ip("fec0::1").is_link_local());
  EXPECT_FALSE(ip("169.253.7.7").is_link_local());
  EXPECT_TRUE(ip("224.0.0.1").is_multicast());
  EXPECT_TRUE(ip("239.255.255.255").is_multicast());
  EXPECT_FALSE(ip("240.0.0.1").is_multicast());
  EXPECT_TRUE(ip("ff02::1").is_multicast());
  EXPECT_FALSE(ip("fe80::1").is_multicast());
}

TEST(IpAddress, GoesThroughSockaddr) {
  for (const auto* text : {"192.0.2.1", "2001:db8::1", "fe80::1%lo"}) {
    sockaddr_storage storage{};
    auto length = ip(text).to_sockaddr(2222, storage);
    const auto* address = reinterpret_cast<const sockaddr*>(&storage);
    EXPECT_EQ(length, ip(text).is_v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    EXPECT_EQ(IpAddress::from_sockaddr(address), ip(text));
    const auto port = ip(text).is_v4() ? reinterpret_cast<const sockaddr_in*>(address)->sin_port
                                       : reinterpret_cast<const sockaddr_in6*>(address)->sin6_port;
    EXPECT_EQ(ntohs(port), 2222);
  }
  sockaddr_storage other{};
  other.ss_family = AF_UNIX;
  EXPECT_EQ(IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&other)), std::nullopt);
}

TEST(IpAddress, OrdersAndHashes) {
  EXPECT_NE(ip("fe80::1%1"), ip("fe80::1"));
  EXPECT_NE(ip("0.0.0.0"), ip("::"));
  EXPECT_LT(ip("10.0.0.1"), ip("10.0.0.2"));
  std::set<IpAddress> all{ip("10.0.0.1"), ip("::1"), ip("10.0.0.1")};
  EXPECT_EQ(all.size(), 2U);
  EXPECT_EQ(IpAddressHash{}(ip("::1")), IpAddressHash{}(ip("0::1")));
}

TEST(IpNetwork, ContainsByPrefix) {
  EXPECT_TRUE(network("10.0.0.0/8").contains(ip("10.255.0.1")));
  EXPECT_FALSE(network("10.0.0.0/8").contains(ip("11.0.0.0")));
  EXPECT_TRUE(network("192.0.2.64/26").contains(ip("192.0.2.127")));
  EXPECT_FALSE(network("192.0.2.64/26").contains(ip("192.0.2.128")));
  EXPECT_FALSE(network("192.0.2.64/26").contains(ip("192.0.2.63")));
  EXPECT_TRUE(network("192.0.2.99/26").contains(ip("192.0.2.64"))) << "host bits do not matter";
  EXPECT_TRUE(network("0.0.0.0/0").contains(ip("255.255.255.255")));
  EXPECT_FALSE(network("0.0.0.0/0").contains(ip("::1")));
  EXPECT_FALSE(network("::/0").contains(ip("1.2.3.4")));
  EXPECT_TRUE(network("::/0").contains(ip("2001:db8::1")));
  EXPECT_TRUE(network("2001:db8::/33").contains(ip("2001:db8:7fff::1")));
  EXPECT_FALSE(network("2001:db8::/33").contains(ip("2001:db8:8000::1")));
  EXPECT_TRUE(network("192.0.2.1").contains(ip("192.0.2.1")));
  EXPECT_FALSE(network("192.0.2.1").contains(ip("192.0.2.2")));
  EXPECT_TRUE(network("::1/128").contains(ip("::1")));
}

TEST(IpNetwork, PrintsAndRefuses) {
  for (const auto* text : {"10.0.0.0/8", "::/0", "192.0.2.1/32", "2001:db8::/32"}) {
    EXPECT_EQ(network(text).to_string(), text);
  }
  EXPECT_EQ(network("192.0.2.1").to_string(), "192.0.2.1/32");
  for (const auto* text :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
        "10.0.0.0/8 ", "::/129", "10/8", "any", "::1/ 8", "10.0.0.0/255.0.0.0"}) {
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  }
}

struct HostPortCase {
  const char* text;
  const char* host;
  int port;
  const char* name;
};

TEST(HostPort, ReadsWhatUsersWrite) {
  for (const auto& good : std::vector<HostPortCase>{
           {"host", "host", 22, "host:22"},
           {"host:2222", "host", 2222, "host:2222"},
           {"host:65535", "host", 65535, "host:65535"},
           {"Host.Example.NET.", "Host.Example.NET.", 22, "Host.Example.NET.:22"},
           {"192.0.2.1:1", "192.0.2.1", 1, "192.0.2.1:1"},
           {"::1", "::1", 22, "[::1]:22"},
           {"[::1]", "::1", 22, "[::1]:22"},
           {"[2001:db8::1]:2222", "2001:db8::1", 2222, "[2001:db8::1]:2222"},
           {"[fe80::1%lo]:22", "fe80::1%lo", 22, "[fe80::1%lo]:22"},
           {"_srv-1.x", "_srv-1.x", 22, "_srv-1.x:22"}}) {
    auto parsed = parse_host_port(good.text, 22);
    ASSERT_TRUE(parsed.ok()) << parsed.error();
    EXPECT_EQ(parsed->host, good.host);
    EXPECT_EQ(parsed->port, good.port);
    EXPECT_EQ(format_host_port(parsed->host, parsed->port), good.name);
    auto again = parse_host_port(good.name, 7);
    ASSERT_TRUE(again.ok()) << again.error();
    EXPECT_EQ(*again, *parsed);
  }
}

TEST(HostPort, RefusesTheRestInWords) {
  const std::string forms = "; write host, host:port or [ipv6]:port";
  for (const auto& [text, error] : std::vector<std::pair<std::string, std::string>>{
           {"", "'' has no host" + forms},
           {":22", "':22' has no host" + forms},
           {"[]", "'[]' has no IPv6 address in its brackets" + forms},
           {"[::1", "'[::1' has no closing bracket" + forms},
           {"[::1]22", "'[::1]22' has text after the bracket" + forms},
           {"[1.2.3.4]:22", "'[1.2.3.4]:22' has no IPv6 address in its brackets" + forms},
           {"[host]:22", "'[host]:22' has no IPv6 address in its brackets" + forms},
           {"a:b:c", "'a:b:c' is neither an IPv6 address nor host:port" + forms},
           {"1::2::3", "'1::2::3' is neither an IPv6 address nor host:port" + forms},
           {"host:", "'host:' has no port between 1 and 65535 after the colon"},
           {"host:0", "'host:0' has no port between 1 and 65535 after the colon"},
           {"host:65536", "'host:65536' has no port between 1 and 65535 after the colon"},
           {"host:-1", "'host:-1' has no port between 1 and 65535 after the colon"},
           {"host:ssh", "'host:ssh' has no port between 1 and 65535 after the colon"},
           {"host: 22", "'host: 22' has no port between 1 and 65535 after the colon"},
           {"[::1]:", "'[::1]:' has no port between 1 and 65535 after the colon"},
           {"root@host", "'root@host' has a character that no host name can have" + forms},
           {"a b", "'a b' has a character that no host name can have" + forms},
           {"ssh://host", "'ssh://host' has no port between 1 and 65535 after the colon"},
           {"host/22", "'host/22' has a character that no host name can have" + forms},
           {"a\nb", "'a?b' has a character that no host name can have" + forms},
           {"h\xc3\xb6st", "'höst' has a character that no host name can have" + forms}}) {
    auto parsed = parse_host_port(text, 22);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error(), error);
  }
  EXPECT_FALSE(parse_host_port(std::string_view("a\0b", 3), 22).ok());
  EXPECT_FALSE(parse_host_port(std::string_view("::1\0", 4), 22).ok());
}

TEST(HostPort, LongNamesEndAtTheLimitOfDns) {
  EXPECT_TRUE(parse_host_port(std::string(253, 'a') + ":22", 22).ok());
  auto parsed = parse_host_port(std::string(254, 'a'), 22);
  ASSERT_FALSE(parsed.ok());
  EXPECT_LT(parsed.error().size(), 200U);
}

TEST(IpAddress, MappedAddressesAreTheIpv4AddressOnTheWire) {
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1"), IpAddress::parse("192.0.2.1"));
  EXPECT_FALSE(IpNetwork::parse("::/0")->contains(*IpAddress::parse("::ffff:192.0.2.1")));
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr);
  EXPECT_EQ(IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&mapped)),
            IpAddress::parse("192.0.2.1"));
}

TEST(ParseHostPort, RefusesAddressesThatNoHostHas) {
  for (const char* text :
       {"224.0.0.1", "239.1.2.3:22", "255.255.255.255", "0.0.0.0", "[ff02::1]", "[::]:22", "::"}) {
    const auto parsed = parse_host_port(text, 22);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().find("no host has it"), std::string::npos) << parsed.error();
  }
}

}  // namespace
}  // namespace base
