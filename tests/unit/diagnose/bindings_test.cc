#include "diagnose/bindings.h"

#include <gtest/gtest.h>

#include "support/evidence.h"
#include "support/host_evidence.h"

namespace diagnose {
namespace {

using evidence::endpoint;
using evidence::Host;
using evidence::kSshdPid;
using model::Endpoint;

model::Bindings bindings(const Host& host) {
  const auto report = host.report();
  const model::HostQuestion anybody;
  return HostCase(report, anybody).bindings;
}

std::vector<Endpoint> bound(const Host& host) {
  std::vector<Endpoint> endpoints;
  for (const auto& row : bindings(host).listeners) endpoints.push_back(row.endpoint);
  return endpoints;
}

const std::vector<Endpoint> kBoth{endpoint("0.0.0.0"), endpoint("::")};

TEST(bindings, both_families_of_a_healthy_host) {
  const auto found = bindings(Host::debian_12());
  EXPECT_TRUE(found.up);
  EXPECT_EQ(found.wanted, kBoth);
  EXPECT_TRUE(found.missing.empty());
  EXPECT_TRUE(found.conflicts.empty());
  EXPECT_EQ(bound(Host::debian_12()), kBoth);
  EXPECT_EQ(found.listeners.front().process, "sshd");
}

TEST(bindings, one_dual_stack_socket_serves_both) {
  auto host = Host::debian_12().socket_activated();
  EXPECT_TRUE(bindings(host).missing.empty());
  EXPECT_EQ(bindings(host).listeners.front().process, "systemd");
  host.listeners.listeners.back().dual_stack = false;
  EXPECT_EQ(bindings(host).missing, std::vector{endpoint("0.0.0.0")});
}

TEST(bindings, covers_by_address_wildcard_and_family) {
  const model::SshListener any4{endpoint("0.0.0.0"), false, "", 0, 0};
  const model::SshListener any6{endpoint("::"), false, "", 0, 0};
  const model::SshListener dual{endpoint("::"), true, "", 0, 0};
  const model::SshListener one{endpoint("192.0.2.10"), false, "", 0, 0};
  EXPECT_TRUE(covers(any4, endpoint("192.0.2.10")));
  EXPECT_TRUE(covers(any4, endpoint("::ffff:192.0.2.10")));  // is IPv4 on the wire
  EXPECT_FALSE(covers(any4, endpoint("2001:db8::10")));
  EXPECT_FALSE(covers(any4, endpoint("192.0.2.10", 2222)));
  EXPECT_FALSE(covers(any6, endpoint("192.0.2.10")));
  EXPECT_TRUE(covers(dual, endpoint("192.0.2.10")));
  EXPECT_TRUE(covers(dual, endpoint("2001:db8::10")));
  EXPECT_TRUE(covers(one, endpoint("192.0.2.10")));
  EXPECT_FALSE(covers(one, endpoint("192.0.2.11")));
  EXPECT_FALSE(covers(one, endpoint("0.0.0.0")));
}

TEST(bindings, sockets_that_share_an_endpoint_are_one_the_fullest) {
  auto host = Host::debian_12().bound("0.0.0.0");
  host.listeners.listeners.back().queue_length = 7;
  EXPECT_EQ(bound(host), kBoth);
  EXPECT_EQ(bindings(host).listeners.front().queue_length, 7U);
}

TEST(bindings, what_sessions_forward_is_not_the_hosts) {
  auto host = Host::debian_12().bound_by("sshd", "127.0.0.1", 6010, 5000);
  EXPECT_EQ(bound(host), kBoth);
  // Nor where processes hide, and the name alone tells.
  host.processes.complete = false;
  EXPECT_EQ(bound(host), kBoth);
  host.listeners.listeners.back().uid = 1000;
  EXPECT_EQ(bound(host.missing("processes").missing("configuration")), kBoth);
}

TEST(bindings, owners_that_hide) {
  auto host = Host::debian_12().bound_by("nginx", "0.0.0.0", 80).hidden_owners();
  EXPECT_EQ(bound(host), kBoth);
  EXPECT_TRUE(bindings(host).listeners.front().process.empty());
  for (auto& listener : host.listeners.listeners) listener.uid = 33;
  EXPECT_FALSE(bindings(host).up);
  // Known to have none: the kernel's own, or another pid namespace's.
  auto known = Host::debian_12();
  for (auto& listener : known.listeners.listeners) listener.owner.reset();
  EXPECT_FALSE(bindings(known).up);
  EXPECT_EQ(bindings(known).conflicts.size(), 2U);
}

TEST(bindings, sockets_of_the_first_process) {
  EXPECT_TRUE(bindings(Host::debian_12().socket_activated()).up);
  EXPECT_FALSE(bindings(Host::debian_12().stopped().bound_by("systemd", "::", 9090, 1)).up);
  // Without systemd's word it is taken for sshd's on sshd's port, and on no other.
  auto idle = Host::debian_12().socket_activated();
  EXPECT_TRUE(bindings(Host(idle).missing("systemd")).up);
  EXPECT_FALSE(bindings(Host(idle).missing("systemd").asks_for({endpoint("::", 2222)})).up);
  // sshd itself, in a container.
  auto container = Host::debian_12().without_systemd();
  container.server().pid = 1;
  for (auto& listener : container.listeners.listeners) listener.owner->pid = 1;
  EXPECT_TRUE(bindings(container).up);
}

TEST(bindings, a_socket_of_each_connection_beside_a_service) {
  auto host = Host::debian_12();
  host.socket().active_state = "active";
  host.socket().socket->accept = true;
  host.socket_listens({endpoint("::", 2222)}).bound_by("systemd", "::", 2222, 1);
  EXPECT_EQ(bindings(host).wanted,
            (std::vector{endpoint("::", 2222), endpoint("0.0.0.0"), endpoint("::")}));
  EXPECT_EQ(bindings(host.stopped()).wanted, std::vector{endpoint("::", 2222)});
}

TEST(bindings, conflicts_by_wildcard_and_by_address) {
  const auto count = [](std::string_view wanted, std::string_view other) {
    return bindings(Host::debian_12()
                        .asks_for({endpoint(wanted)})
                        .failed()
                        .bound_by("nc", other)
                        .bound_by("nc", other, 2222))
        .conflicts.size();
  };
  EXPECT_EQ(count("0.0.0.0", "0.0.0.0"), 1U);
  EXPECT_EQ(count("0.0.0.0", "127.0.0.1"), 1U);
  EXPECT_EQ(count("192.0.2.10", "0.0.0.0"), 1U);
  EXPECT_EQ(count("192.0.2.10", "192.0.2.10"), 1U);
  EXPECT_EQ(count("192.0.2.10", "192.0.2.11"), 0U);
  // sshd's own IPv6 socket takes no IPv4.
  EXPECT_EQ(count("::", "0.0.0.0"), 0U);
  EXPECT_EQ(count("0.0.0.0", "::"), 0U);
  auto dual = Host::debian_12().asks_for({endpoint("0.0.0.0")}).failed().bound_by("nc", "::");
  dual.listeners.listeners.back().dual_stack = true;
  ASSERT_EQ(bindings(dual).conflicts.size(), 1U);
  EXPECT_EQ(bindings(dual).conflicts.front().process, "nc");
}

TEST(bindings, without_ipv6_in_the_kernel_nothing_of_it_is_missing) {
  auto host = Host::debian_12();
  host.not_bound().bound("0.0.0.0").addresses({"127.0.0.1", "192.0.2.10"});
  EXPECT_TRUE(bindings(host).missing.empty());
  host.kernel.addresses_known = false;
  EXPECT_EQ(bindings(host).missing, std::vector{endpoint("::")});
}

TEST(bindings, nothing_is_wanted_of_a_file_that_is_not_the_servers) {
  EXPECT_TRUE(bindings(Host::debian_12().dropbear()).wanted.empty());
  EXPECT_TRUE(bindings(Host::debian_12().purged()).wanted.empty());
  EXPECT_TRUE(bindings(Host::debian_12().stale("configuration")).wanted.empty());
}

TEST(bindings, without_listeners_nothing_is_missing) {
  const auto found = bindings(Host::debian_12().stale("listeners"));
  EXPECT_FALSE(found.up);
  EXPECT_TRUE(found.missing.empty());
}

}  // namespace
}  // namespace diagnose
