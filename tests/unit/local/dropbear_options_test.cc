// As dropbear 2022.83 was seen to listen.

#include "local/dropbear_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/ip.h"

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Words = std::vector<std::string>;

local::DropbearOptions options_of(const Words& words) {
  return local::dropbear_options(words, [](const std::string& name) {
    return name == "ssh" ? std::optional<std::uint16_t>(22) : std::nullopt;
  });
}

Words listen_of(const Words& words) {
  Words endpoints;
  for (const auto& endpoint : options_of(words).listen) {
    endpoints.push_back(base::format_host_port(endpoint.address.to_string(), endpoint.port));
  }
  return endpoints;
}

TEST(DropbearOptions, PortsAndAddresses) {
  EXPECT_THAT(listen_of({}), ElementsAre("0.0.0.0:22", "[::]:22"));
  EXPECT_THAT(listen_of({"-p", "2222"}), ElementsAre("0.0.0.0:2222", "[::]:2222"));
  EXPECT_THAT(listen_of({"-p2222"}), ElementsAre("0.0.0.0:2222", "[::]:2222"));
  EXPECT_THAT(listen_of({"-FEp", "2222"}), ElementsAre("0.0.0.0:2222", "[::]:2222"));
  EXPECT_THAT(listen_of({"-p", "127.0.0.1:1", "-p", "[::1]:2", "-p", "::1:3"}),
              ElementsAre("127.0.0.1:1", "[::1]:2", "[::1]:3"));
  EXPECT_THAT(listen_of({"-p", ":4", "-p", "ssh"}),
              ElementsAre("0.0.0.0:4", "[::]:4", "0.0.0.0:22", "[::]:22"));
  EXPECT_THAT(listen_of({"-p", "*:5"}), ElementsAre("0.0.0.0:5", "[::]:5"));
  EXPECT_THAT(listen_of({"-p", "[::]:6", "-p", "0.0.0.0:7"}), ElementsAre("[::]:6", "0.0.0.0:7"));
  EXPECT_THAT(listen_of({"-b", "-p", "-p", "8"}), ElementsAre("0.0.0.0:8", "[::]:8"))
      << "the first -p is the banner's name";
}

TEST(DropbearOptions, WhatCannotBeToldIsLeftOut) {
  for (const auto* value : {"0", "", "127.0.0.1", "127.0.0.1:", "localhost:22", "2222:127.0.0.1"}) {
    EXPECT_THAT(listen_of({"-p", value}), IsEmpty()) << value;
    EXPECT_EQ(options_of({"-p", value}).unknown.size(), 1U) << value;
  }
}

TEST(DropbearOptions, AtMostTenPorts) {
  Words words;
  for (int i = 1; i <= 11; ++i) words.insert(words.end(), {"-p", std::to_string(i)});
  EXPECT_EQ(options_of(words).ports.size(), local::kDropbearPortLimit);
}

TEST(DropbearOptions, HostKeys) {
  EXPECT_EQ(options_of({}).host_keys.front(), "/etc/dropbear/dropbear_rsa_host_key");
  const auto options = options_of({"-R", "-r", "/etc/k1", "-r/etc/k2"});
  EXPECT_THAT(options.host_keys, ElementsAre("/etc/k1", "/etc/k2"));
  EXPECT_TRUE(options.creates_host_keys);
}

}  // namespace
