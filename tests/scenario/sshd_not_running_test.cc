#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::Layer;

constexpr ExpectedHost kNotRunning{Cause::sshd_not_running, Layer::service, Confidence::certain};

TEST(sshd_not_running, stopped) {
  for (auto host : {Host::debian_12().stopped(), Host::debian_13().stopped()}) {
    expect(host, kNotRunning,
           {"ssh.service is inactive (dead), enabled", "No process", "Nothing listens for SSH."});
    EXPECT_TRUE(advises(host, "systemctl start ssh.service"));
    // systemd takes the directory away with the service.
    EXPECT_TRUE(never_says(host, "/run/sshd"));
  }
}

TEST(sshd_not_running, says_what_would_keep_it_from_starting) {
  auto host = Host::debian_12().stopped().check(ConfigProblem::configuration, "Bad option",
                                                "/etc/ssh/sshd_config", 7);
  expect(host, kNotRunning, {"`sshd -t` fails in '/etc/ssh/sshd_config', line 7"});
}

TEST(sshd_not_running, without_systemd_a_start_may_have_failed) {
  auto host = Host::debian_12().down().without_systemd();
  expect(host, kNotRunning, {"There is no systemd on this host.", "/run/sshd"});
}

TEST(sshd_not_running, less_certain_without_systemds_or_the_processes_word) {
  const ExpectedHost likely{Cause::sshd_not_running, Layer::service, Confidence::likely};
  expect(Host::debian_12().stopped().missing("systemd"), likely, {"systemd could not be asked."});
  expect(Host::debian_12().stopped().stale("processes"), likely);
  expect(Host::debian_12().down().unit_state("deactivating", "stop-sigterm", "success"), likely);
}

TEST(sshd_not_running, a_wrapper_that_exited) {
  auto host = Host::debian_12().down().unit_state("active", "exited", "success");
  expect(host, kNotRunning);
}

TEST(sshd_not_running, a_server_of_a_container_is_not_the_hosts) {
  auto host = Host::debian_12();
  auto container = host.server();
  container.pid = 9000;
  container.unit = "docker-0123.scope";
  host.stopped().processes.servers = {container};
  expect(host, kNotRunning);
}

TEST(sshd_not_running, a_server_of_a_user_is_not_the_hosts) {
  auto host = Host::debian_12();
  auto own = host.server();
  own.pid = 9000;
  own.unit = "session-3.scope";
  host.stopped().processes.servers = {own};
  host.processes.runtime_directory->present = true;
  host.bound_by("sshd", "0.0.0.0", 2222, 9000);
  host.listeners.listeners.back().uid = 1000;
  expect(host, kNotRunning);
  // Root's own may be the host's; but not where nobody asks for it.
  host.listeners.listeners.back().uid = 0;
  expect(host, {Cause::sshd_not_running, Layer::service, Confidence::likely},
         {"another server, elsewhere", "0.0.0.0:2222 by sshd"});
  // By hand, where the unit would have listened.
  host.asks_for({endpoint("0.0.0.0", 2222), endpoint("::", 2222)})
      .bound_by("sshd", "::", 2222, 9000);
  expect_not(host, Cause::sshd_not_running);
}

TEST(sshd_not_running, refuted_by_systemd_that_says_otherwise) {
  auto host = Host::debian_12();
  host.processes.servers.clear();
  expect(host.not_bound(), {Cause::unknown, Layer::unknown, Confidence::possible},
         {"another network namespace"});
}

TEST(sshd_not_running, not_concluded_from_sockets_whose_owners_are_hidden) {
  auto host = Host::debian_12().hidden_owners();
  host.processes.servers.clear();
  for (auto collector : {"configuration", "processes", "systemd"}) {
    expect_not(Host(host).missing(collector).stale("configuration"), Cause::sshd_not_running);
  }
  // systemd's socket, though it cannot say that it is.
  for (auto host_of : {Host::debian_12, Host::debian_13}) {
    auto idle = host_of().socket_activated();
    expect_not(Host(idle).missing("systemd"), Cause::sshd_not_running);
    expect_not(Host(idle).missing("systemd").missing("configuration"), Cause::sshd_not_running);
  }
}

TEST(sshd_not_running, not_concluded_where_processes_hide) {
  auto host = Host::debian_12().stopped();
  host.processes.complete = false;
  expect_not(host, Cause::sshd_not_running);
  expect_not(Host::debian_12().stale("processes").stale("configuration"), Cause::sshd_not_running);
}

}  // namespace
