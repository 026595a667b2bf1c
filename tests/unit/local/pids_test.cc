// The real /proc, and folders that stand for one.

#include "local/pids.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/fake_host.h"
#include "support/host_folder.h"

namespace {

using test_support::FakeHost;
using test_support::HostFolder;

TEST(Pids, OfThisMachine) {
  const local::Host host;
  const auto seen = local::pids(host);
  EXPECT_TRUE(std::binary_search(seen.all.begin(), seen.all.end(), ::getpid()));
  EXPECT_EQ(local::process_name(host, ::getpid()), "unit_local");
}

TEST(Pids, InOrderOfNumberAndNothingElse) {
  const HostFolder folder;
  for (const auto* name : {"9", "10", "123456", "0", "-3", "1x", "self", "99999999999", "+4"}) {
    folder.write(std::string("proc/") + name + "/comm", "x\n");
  }
  const FakeHost host(folder.path());
  const auto seen = local::pids(host);
  EXPECT_EQ(seen.all, (std::vector<pid_t>{1, 9, 10, 123456}));
  EXPECT_FALSE(seen.hidden);
  folder.remove("proc/1");
  EXPECT_TRUE(local::pids(host).hidden);
  folder.remove("proc");
  EXPECT_TRUE(local::pids(host).hidden);
}

TEST(ProcessName, WhateverItsBytes) {
  const HostFolder folder;
  const FakeHost host(folder.path());
  const auto name = [&](const std::string& comm) {
    folder.write("proc/7/comm", comm);
    return local::process_name(host, 7);
  };
  EXPECT_EQ(local::process_name(host, 7), "");
  EXPECT_EQ(name(""), "");
  EXPECT_EQ(name("\n"), "");
  EXPECT_EQ(name("sshd\n"), "sshd");
  EXPECT_EQ(name("fail2ban-server\n"), "fail2ban-server");
  EXPECT_EQ(name("a b\n"), "a b");
  EXPECT_EQ(name("a\nb\n"), "a?b");
  EXPECT_EQ(name(std::string(15, '\xff') + "\n"), std::string(15, '?'));
  EXPECT_EQ(name(std::string(100000, 'x')).size(), 15U);
}

}  // namespace
