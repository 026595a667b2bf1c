// Folders whose /proc shows namespaces.

#include "local/network_namespace.h"

#include <gtest/gtest.h>

#include "support/fake_host.h"
#include "support/host_folder.h"

namespace {

using test_support::FakeHost;
using test_support::HostFolder;

TEST(ForeignNetwork, OnlyIfBothAreSeenAndDiffer) {
  const HostFolder folder;
  const FakeHost host(folder.path());
  EXPECT_EQ(local::foreign_network(host), "");
  folder.link("proc/1/ns/net", "net:[1]");
  EXPECT_EQ(local::foreign_network(host), "");
  folder.link("proc/self/ns/net", "net:[1]");
  EXPECT_EQ(local::foreign_network(host), "");
  folder.remove("proc/1/ns/net");
  folder.link("proc/1/ns/net", "net:[2]");
  EXPECT_NE(local::foreign_network(host).find("another network namespace"), std::string::npos);
  folder.remove("proc/1/ns/net");
  EXPECT_EQ(local::foreign_network(host), "");
}

TEST(ForeignNetwork, NotAtOnesOwnRoot) { EXPECT_EQ(local::foreign_network(local::Host()), ""); }

}  // namespace
