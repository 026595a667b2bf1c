#include "diagnose/host_case.h"

#include <gtest/gtest.h>

#include "support/evidence.h"
#include "support/host_evidence.h"

namespace diagnose {
namespace {

using evidence::endpoint;
using evidence::Host;
using evidence::ip;
using model::LogEvent;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Owns what a HostCase refers to.
struct Held {
  explicit Held(const Host& host) : report(host.report()) {}
  model::HostReport report;
  model::HostQuestion question;
  HostCase c{report, question};
};

TEST(host_case, old_facts_are_left_out) {
  for (auto collector :
       {"systemd", "listeners", "configuration", "processes", "log", "kernel", "guards"}) {
    const Held held(Host::debian_12().stale(collector));
    const auto& facts = held.c.facts;
    EXPECT_EQ(!facts.systemd, collector == std::string("systemd"));
    EXPECT_EQ(!facts.listeners, collector == std::string("listeners"));
    EXPECT_EQ(!facts.configuration, collector == std::string("configuration"));
    EXPECT_EQ(!facts.processes, collector == std::string("processes"));
    EXPECT_EQ(!facts.log, collector == std::string("log"));
    EXPECT_EQ(!facts.kernel, collector == std::string("kernel"));
    EXPECT_EQ(!facts.guards, collector == std::string("guards"));
    EXPECT_EQ(held.c.systemd_known, collector != std::string("systemd"));
  }
  EXPECT_FALSE(Held(Host::debian_12().partial("systemd")).c.systemd_known);
}

TEST(host_case, of_several_units_the_one_that_serves) {
  auto host = Host::debian_12();
  host.unit("a-sshd.service").active_state = "active";
  EXPECT_EQ(Held(host).c.service->name, "ssh.service");
  host.service().active_state = "failed";
  EXPECT_EQ(Held(host).c.service->name, "a-sshd.service");
  host.unit("a-sshd.service").active_state = "inactive";
  host.unit("a-sshd.service").unit_file_state = "enabled";
  EXPECT_EQ(Held(host).c.service->name, "ssh.service");
  host.service().active_state = "inactive";
  host.service().unit_file_state = "disabled";
  EXPECT_EQ(Held(host).c.service->name, "a-sshd.service");
  host.unit("a-sshd.service").load_state = "not-found";
  EXPECT_EQ(Held(host).c.service->name, "ssh.service");
}

TEST(host_case, the_service_that_the_socket_starts) {
  auto host = Host::debian_12().socket_activated();
  host.unit("sshd-admin.service").unit_file_state = "enabled";
  const Held held(host);
  EXPECT_TRUE(held.c.socket_activated());
  EXPECT_EQ(held.c.service->name, "ssh.service");
  host.socket().socket->accept = true;
  host.socket().socket->service.clear();
  EXPECT_EQ(Held(host).c.service, nullptr);
  EXPECT_TRUE(Held(host).c.idle());
}

TEST(host_case, socket_activated_or_not) {
  EXPECT_FALSE(Held(Host::debian_12()).c.socket_activated());
  EXPECT_TRUE(Held(Host::debian_12().socket_activated().connected()).c.socket_activated());
  EXPECT_TRUE(Held(Host::debian_12().socket_activated().socket_failed()).c.socket_activated());
  auto beside = Host::debian_12();
  beside.socket().unit_file_state = "enabled";
  EXPECT_FALSE(Held(beside).c.socket_activated());
  auto local = Host::debian_13();
  local.unit("sshd-unix-local.socket").active_state = "active";
  EXPECT_FALSE(Held(local).c.socket_activated());
  EXPECT_EQ(Held(local).c.socket->name, "ssh.socket");
}

TEST(host_case, idle_only_if_nothing_can_be_running) {
  EXPECT_TRUE(Held(Host::debian_12().socket_activated()).c.idle());
  EXPECT_FALSE(Held(Host::debian_12().socket_activated().connected()).c.idle());
  auto unseen = Host::debian_12().socket_activated().connected().missing("processes");
  EXPECT_FALSE(Held(unseen).c.idle());
}

TEST(host_case, failed_between_attempts_too) {
  EXPECT_TRUE(Held(Host::debian_12().failed()).c.service_failed());
  for (const auto* sub : {"auto-restart", "auto-restart-queued"}) {
    auto host = Host::debian_12().auto_restart();
    host.service().sub_state = sub;
    EXPECT_TRUE(Held(host).c.service_failed()) << sub;
  }
  EXPECT_FALSE(Held(Host::debian_12().starting()).c.service_failed());
  EXPECT_FALSE(Held(Host::debian_12().stopped()).c.service_failed());
}

TEST(host_case, the_main_process_of_the_unit) {
  auto host = Host::debian_12();
  auto other = host.server();
  other.pid = 5;
  other.unit = "session-1.scope";
  host.processes.servers.insert(host.processes.servers.begin(), other);
  host.bound_by("sshd", "0.0.0.0", 2222, 5);
  EXPECT_EQ(Held(host).c.server->pid, evidence::kSshdPid);
  host.processes.servers = {other};
  EXPECT_EQ(Held(host).c.server->pid, 5);
  host.listeners.listeners.back().uid = 1000;
  EXPECT_EQ(Held(host).c.server, nullptr);
  host.listeners.listeners.pop_back();
  EXPECT_EQ(Held(host).c.server, nullptr) << "another network namespace";
  host.hidden_owners();
  EXPECT_EQ(Held(host).c.server->pid, 5);
}

TEST(host_case, lines_of_the_last_start_and_of_the_last_minute) {
  const auto since_start = [](base::Duration age) {
    return Held(Host::debian_12().log(LogEvent::bind_failed, "x", age))
               .c.said_since_start(LogEvent::bind_failed) != nullptr;
  };
  EXPECT_TRUE(since_start(hours(1)));
  EXPECT_TRUE(since_start(hours(1) + seconds(1)));
  EXPECT_FALSE(since_start(hours(1) + seconds(2)));
  const auto recently = [](base::Duration age) {
    return Held(Host::debian_12().log(LogEvent::fd_or_fork, "x", age))
               .c.said_recently(LogEvent::fd_or_fork) != nullptr;
  };
  EXPECT_TRUE(recently(kRecently));
  EXPECT_FALSE(recently(kRecently + seconds(1)));
  // Without a start to compare with.
  auto host = Host::debian_12().failed().log(LogEvent::bind_failed, "x");
  EXPECT_NE(Held(host).c.said_since_start({LogEvent::bind_none, LogEvent::bind_failed}), nullptr);
  host.service().last_attempt.reset();
  EXPECT_EQ(Held(host).c.said_since_start(LogEvent::bind_failed), nullptr);
  EXPECT_EQ(Held(host.missing("log")).c.said_recently(LogEvent::bind_failed), nullptr);
}

TEST(host_case, lines_of_other_servers_do_not_concern_it) {
  auto host = Host::debian_12().log(LogEvent::fd_or_fork, "x");
  auto& line = *host.events.events.at(static_cast<std::size_t>(LogEvent::fd_or_fork)).newest;
  for (const auto* unit : {"ssh.service", "sshd.service", "ssh.socket", ""}) {
    line.unit = unit;
    EXPECT_NE(Held(host).c.said_recently(LogEvent::fd_or_fork), nullptr) << unit;
  }
  line.unit = "sshd-admin.service";
  EXPECT_EQ(Held(host).c.said_recently(LogEvent::fd_or_fork), nullptr);
}

TEST(host_case, host_keys) {
  EXPECT_FALSE(Held(Host::debian_12()).c.without_usable_key());
  EXPECT_TRUE(Held(Host::debian_12()).c.with_key_file());
  const Held absent(Host::debian_12().keys(false, ""));
  EXPECT_TRUE(absent.c.without_key_file());
  EXPECT_FALSE(absent.c.with_key_file());
  const Held open(Host::debian_12().keys(true, ""));
  EXPECT_TRUE(open.c.without_usable_key());
  EXPECT_FALSE(open.c.without_key_file());
  auto unseen = Host::debian_12().keys(true, "");
  unseen.configuration.host_keys.front().usable.reset();
  EXPECT_FALSE(Held(unseen).c.without_usable_key());
  unseen.configuration.host_keys.clear();
  EXPECT_FALSE(Held(unseen).c.without_usable_key());
}

TEST(host_case, addresses_of_its_own) {
  const Held held(Host::debian_12());
  EXPECT_TRUE(held.c.owns(ip("192.0.2.10")));
  EXPECT_FALSE(held.c.owns(ip("192.0.2.11")));
  EXPECT_TRUE(held.c.owns(ip("127.0.0.53")));
  EXPECT_TRUE(held.c.has_global(base::IpFamily::ipv6));
  const Held local(Host::debian_12().addresses({"127.0.0.1", "::1", "fe80::1"}));
  EXPECT_FALSE(local.c.has_global(base::IpFamily::ipv6));
  auto down = Host::debian_12();
  for (auto& row : down.kernel.addresses) row.up = false;
  EXPECT_FALSE(Held(down).c.has_global(base::IpFamily::ipv4));
  EXPECT_TRUE(Held(down).c.owns(ip("192.0.2.10")));
  EXPECT_FALSE(Held(Host::debian_12().stale("kernel")).c.has_global(base::IpFamily::ipv4));
}

TEST(host_case, queues_beyond_the_limit) {
  EXPECT_EQ(Held(Host::debian_12().queue("::", 128)).c.overflowing(), nullptr);
  EXPECT_NE(Held(Host::debian_12().queue("::", 129)).c.overflowing(), nullptr);
}

}  // namespace
}  // namespace diagnose
