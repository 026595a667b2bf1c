#include "model/target.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace model {
namespace {

TEST(target, enumerators_are_configuration_words) {
  EXPECT_STREQ(name_of(Depth::connect), "connect");
  EXPECT_STREQ(name_of(Depth::banner), "banner");
  EXPECT_STREQ(name_of(Depth::kexinit), "kexinit");
  EXPECT_STREQ(name_of(IpProtocol::any), "any");
  EXPECT_STREQ(name_of(IpProtocol::ipv4), "ipv4");
  EXPECT_STREQ(name_of(IpProtocol::ipv6), "ipv6");
  EXPECT_STREQ(name_of(AddressSelection::all), "all");
  EXPECT_STREQ(name_of(AddressSelection::first), "first");
}

TEST(target, the_client_profile_has_no_empty_or_repeated_entry) {
  const auto& client = openssh_client_profile();
  for (const auto* list :
       {&client.kex_algorithms, &client.host_key_algorithms, &client.ciphers, &client.macs}) {
    EXPECT_FALSE(list->empty());
    EXPECT_EQ(std::set<std::string>(list->begin(), list->end()).size(), list->size());
    EXPECT_EQ(std::count(list->begin(), list->end(), ""), 0);
  }
}

TEST(target, defaults_fit_each_other) {
  ProbeSettings settings;
  EXPECT_LE(settings.timeout, settings.interval);
  EXPECT_EQ(settings.depth, Depth::kexinit);
  EXPECT_EQ(settings.control_ports, (std::vector<std::uint16_t>{443, 80}));
  EXPECT_TRUE(settings.alternative_ports.empty());
}

}  // namespace
}  // namespace model
