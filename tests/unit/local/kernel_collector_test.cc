// Counters and settings from folders that stand for /proc, and from the real kernel.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/fd.h"
#include "local/collector.h"
#include "local/proc.h"
#include "support/child.h"
#include "support/fake_host.h"
#include "support/host_folder.h"
#include "support/own_network.h"
#include "support/stepped_clock.h"

namespace {

using base::Fd;
using local::Host;
using std::chrono::seconds;
using test_support::FakeHost;
using test_support::HostFolder;
using test_support::SteppedClock;
using test_support::succeeds_in_child;
using Names = std::vector<std::string>;

constexpr const char* kNetstat =
    "TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPBacklogDrop\n"
    "TcpExt: 1 23 18446744073709551615 4\n"
    "IpExt: InNoRoutes ListenDrops\n"
    "IpExt: 7 8\n";

// A healthy /proc, to be spoiled.
class Kernel : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write("proc/self/net/netstat", kNetstat);
    folder_.write("proc/sys/net/netfilter/nf_conntrack_count", "262143\n");
    folder_.write("proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
    folder_.write("proc/sys/net/ipv4/ip_nonlocal_bind", "1\n");
    filter("all", 0);
    filter("default", 1);
    filter("lo", 0);
  }
  void filter(const std::string& interface, int mode) const {
    folder_.write("proc/sys/net/ipv4/conf/" + interface + "/rp_filter",
                  std::to_string(mode) + "\n");
  }
  std::shared_ptr<const model::KernelFacts> look() {
    const FakeHost host(folder_.path());
    model::HostFacts facts;
    problem_ = local::make_kernel_collector({host, clock_, ""})->collect({}, facts);
    EXPECT_TRUE(facts.kernel);
    return facts.kernel;
  }
  HostFolder folder_;
  SteppedClock clock_;
  std::string problem_;
};

TEST_F(Kernel, ReadsItAll) {
  const auto facts = look();
  EXPECT_EQ(problem_, "");
  EXPECT_EQ(facts->listen_overflows, 23U);
  EXPECT_EQ(facts->listen_drops, 18446744073709551615U);
  EXPECT_EQ(facts->conntrack_entries, 262143U);
  EXPECT_EQ(facts->conntrack_limit, 262144U);
  EXPECT_EQ(facts->nonlocal_bind, true);
  EXPECT_EQ(facts->strict_rp_filter, Names{});
  EXPECT_LT(std::chrono::abs(facts->booted - local::boot_time(clock_)), seconds(1));
  EXPECT_TRUE(facts->addresses_known);
}

TEST_F(Kernel, WithoutConnectionTracking) {
  folder_.remove("proc/sys/net/netfilter");
  const auto facts = look();
  EXPECT_EQ(problem_, "");
  EXPECT_FALSE(facts->conntrack_entries);
  EXPECT_FALSE(facts->conntrack_limit);
}

TEST_F(Kernel, SpoiledNumbers) {
  for (const std::string text :
       {"", "\n", "x\n", "-1\n", "1 2\n", " 1\n", "1\n2\n", "18446744073709551616\n", "0x10\n"}) {
    folder_.write("proc/sys/net/netfilter/nf_conntrack_count", text);
    folder_.write("proc/sys/net/ipv4/ip_nonlocal_bind", text);
    const auto facts = look();
    EXPECT_FALSE(facts->conntrack_entries) << text;
    EXPECT_FALSE(facts->nonlocal_bind) << text;
    EXPECT_EQ(facts->conntrack_limit, 262144U);
    EXPECT_EQ(problem_,
              "/proc/sys/net/netfilter/nf_conntrack_count: not a number; "
              "/proc/sys/net/ipv4/ip_nonlocal_bind: not a number");
  }
  folder_.write("proc/sys/net/ipv4/ip_nonlocal_bind", std::string(5'000'000, '1'));
  EXPECT_FALSE(look()->nonlocal_bind);
}

TEST_F(Kernel, SpoiledCounters) {
  for (const std::string text : {"", "TcpExt:", "TcpExt: ListenOverflows ListenDrops\n",
                                 "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1\n",
                                 "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 2 3\n",
                                 "TcpExt: ListenOverflows ListenDrops\nIpExt: 1 2\n",
                                 "TcpExt: ListenOverflows ListenDrops\nTcpExt: -1 2x\n",
                                 "IpExt: ListenOverflows ListenDrops\nIpExt: 1 2\n"}) {
    folder_.write("proc/self/net/netstat", text);
    const auto facts = look();
    EXPECT_FALSE(facts->listen_overflows) << text;
    EXPECT_EQ(problem_, "/proc/self/net/netstat: no ListenOverflows or ListenDrops") << text;
  }
  folder_.write("proc/self/net/netstat", std::string(5'000'000, '\0') + kNetstat);
  EXPECT_FALSE(look()->listen_overflows);
  folder_.remove("proc/self/net/netstat");
  EXPECT_FALSE(look()->listen_overflows);
  EXPECT_EQ(problem_, "/proc/self/net/netstat: No such file or directory");
  // One of them alone, as no kernel has it.
  folder_.write("proc/self/net/netstat", "TcpExt: ListenDrops\nTcpExt: 5\n");
  EXPECT_EQ(look()->listen_drops, 5U);
  EXPECT_NE(problem_, "");
}

TEST_F(Kernel, ReversePathFilterInEffect) {
  filter("eth0", 1);
  filter("eth1", 2);
  filter("eth0.100", 0);
  EXPECT_EQ(look()->strict_rp_filter, Names{"eth0"});
  filter("all", 1);
  EXPECT_EQ(look()->strict_rp_filter, (Names{"eth0", "eth0.100", "lo"}));
  filter("all", 2);
  EXPECT_EQ(look()->strict_rp_filter, Names{});
  EXPECT_EQ(problem_, "");
}

TEST_F(Kernel, InterfacesThatComeAndGoOrAreOdd) {
  std::filesystem::create_directories(folder_.path() / "proc/sys/net/ipv4/conf/gone");
  filter("a\x1b[2J\xff", 1);
  EXPECT_EQ(look()->strict_rp_filter, Names{"a?[2J?"});
  EXPECT_EQ(problem_, "");
  folder_.remove("proc/sys/net/ipv4/conf/all");
  EXPECT_EQ(look()->strict_rp_filter, Names{});
  EXPECT_EQ(problem_, "/proc/sys/net/ipv4/conf/all/rp_filter: No such file or directory");
}

TEST_F(Kernel, AnotherNetworkThanTheHosts) {
  folder_.link("proc/1/ns/net", "net:[4026531840]");
  folder_.link("proc/self/ns/net", "net:[4026532000]");
  const auto facts = look();
  EXPECT_NE(problem_.find("another network namespace"), std::string::npos);
  EXPECT_FALSE(facts->listen_overflows);
  EXPECT_FALSE(facts->addresses_known);
  EXPECT_TRUE(facts->addresses.empty());
  EXPECT_LT(std::chrono::abs(facts->booted - local::boot_time(clock_)), seconds(1));
}

// --- the real kernel ----------------------------------------------------------------------------

class RealKernel : public test_support::OwnNetwork {};

model::KernelFacts look_really(std::string* problem = nullptr) {
  const Host host;
  const base::SystemClock clock;
  model::HostFacts facts;
  const auto text = local::make_kernel_collector({host, clock, ""})->collect({}, facts);
  if (problem != nullptr) *problem = text;
  return *facts.kernel;
}

TEST_F(RealKernel, NewNamespace) {
  inside([] {
    std::string problem;
    const auto facts = look_really(&problem);
    EXPECT_EQ(problem, "");
    EXPECT_EQ(facts.listen_overflows, 0U);
    EXPECT_EQ(facts.listen_drops, 0U);
    EXPECT_EQ(facts.nonlocal_bind, false);
    EXPECT_TRUE(facts.addresses_known);
    EXPECT_EQ(facts.addresses.size(), 2U);
  });
}

TEST_F(RealKernel, OverflowsOfThisNamespace) {
  inside([] {
    const Fd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::listen(server.get(), 0), 0);
    sockaddr_in name{};
    socklen_t size = sizeof name;
    ASSERT_EQ(::getsockname(server.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::vector<Fd> clients;
    for (int i = 0; i < 5; ++i) {
      clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      ::connect(clients.back().get(), reinterpret_cast<sockaddr*>(&name), sizeof name);
    }
    const auto facts = look_really();
    EXPECT_GE(facts.listen_overflows.value_or(0), 4U);
    EXPECT_GE(facts.listen_drops.value_or(0), 4U);
  });
}

TEST_F(RealKernel, ReversePathFilterAndNonlocalBind) {
  inside([] {
    const Host host;
    const auto set = [](const char* path, const char* value) { std::ofstream(path) << value; };
    set("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
    set("/proc/sys/net/ipv4/conf/lo/rp_filter", "1");
    set("/proc/sys/net/ipv4/ip_nonlocal_bind", "1");
    const auto facts = look_really();
    if (host.read("/proc/sys/net/ipv4/conf/lo/rp_filter").text != "1\n") {
      GTEST_SKIP() << "/proc/sys cannot be written";
    }
    EXPECT_EQ(facts.strict_rp_filter, Names{"lo"});
    EXPECT_EQ(facts.nonlocal_bind, true);
  });
}

TEST(KernelCollector, NobodyCanReadItAll) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root, to become nobody";
  EXPECT_TRUE(succeeds_in_child([] {
    ASSERT_TRUE(test_support::become_nobody());
    const auto facts = look_really();
    EXPECT_TRUE(facts.listen_overflows);
    EXPECT_TRUE(facts.nonlocal_bind);
    EXPECT_FALSE(facts.addresses.empty());
  }));
}

TEST(KernelCollector, NoDescriptorIsLost) {
  look_really();
  const auto before = test_support::open_descriptors();
  for (int i = 0; i < 1000; ++i) look_really();
  EXPECT_EQ(test_support::open_descriptors(), before);
}

}  // namespace
