#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

constexpr Expected kHung{Cause::sshd_hung, Layer::overload, Confidence::possible, Stage::banner,
                         Outcome::timeout};

TEST(sshd_hung, accepted_and_then_silence) {
  auto probe = Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::timeout, 9s));
  expect(probe, kHung);
  EXPECT_TRUE(says(probe, "It said nothing more within 9.00 s, without a byte in all."));
  EXPECT_TRUE(says(probe, "a proxy with a dead backend"));
  EXPECT_TRUE(never_says(probe, "TCP wrappers"));
  EXPECT_TRUE(advises(probe, "state T or D"));
}

TEST(sshd_hung, a_short_wait_does_not_exclude_tcp_wrappers) {
  auto probe = Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::timeout, 5599ms));
  expect(probe, kHung);
  EXPECT_TRUE(says(probe, "TCP wrappers"));
}

TEST(sshd_hung, stopped_in_the_middle_of_the_identification) {
  auto address =
      Address("192.0.2.10").ended(Stage::banner, Outcome::timeout, 9s).unfinished("SSH-2.0-Op");
  expect(Probe().saw(address), kHung);
  EXPECT_TRUE(says(Probe().saw(address), "An unfinished line: 'SSH-2.0-Op'."));
}

TEST(sshd_hung, refuted_by_other_text_and_by_an_end) {
  auto silent = Address("192.0.2.10").ended(Stage::banner, Outcome::timeout, 9s);
  expect_not(Probe().saw(Address(silent).said("welcome")), Cause::sshd_hung);
  expect_not(Probe().saw(Address(silent).bytes(9)), Cause::sshd_hung);
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::closed, 9s)),
             Cause::sshd_hung);
}

TEST(sshd_hung, stopped_by_a_signal) {
  for (auto host : {Host::debian_12(), Host::debian_13()}) {
    host.server().state = 'T';
    expect(host, {Cause::sshd_hung, Layer::overload, Confidence::certain},
           {"sshd runs as process 812, stopped by a signal (T)"});
    EXPECT_TRUE(advises(host, "kill -CONT 812"));
    expect_not(host.stale("processes"), Cause::sshd_hung);
  }
}

TEST(sshd_hung, blocked_while_connections_wait) {
  auto host = Host::debian_12();
  host.server().state = 'D';
  expect_not(host, Cause::sshd_hung);
  expect(host.queue("0.0.0.0", 3), {Cause::sshd_hung, Layer::overload, Confidence::likely},
         {"blocked in the kernel"});
  host.queue("0.0.0.0", 0).server().state = 't';
  expect(host, {Cause::sshd_hung, Layer::overload, Confidence::likely}, {"by a tracer"});
}

TEST(sshd_hung, another_server_that_is_stopped_does_not_matter) {
  auto host = Host::debian_12();
  auto other = host.server();
  other.pid = 700;
  other.state = 'T';
  other.unit = "session-3.scope";
  host.processes.servers.insert(host.processes.servers.begin(), other);
  host.bound_by("sshd", "0.0.0.0", 2222, 700);
  expect_not(host, Cause::sshd_hung);
}

TEST(sshd_hung, of_two_servers_the_one_that_has_the_asked_port) {
  auto host = Host::debian_12();
  auto other = host.server();
  other.pid = 5000;
  other.unit = "sshd-mgmt.service";
  host.bound_by("sshd", "0.0.0.0", 2222, 5000).bound_by("sshd", "::", 2222, 5000);
  host.server().state = 'T';
  host.processes.servers.push_back(other);
  const auto main = asking("192.0.2.10", "192.0.2.10", 22);
  const auto second = asking("192.0.2.10", "192.0.2.10", 2222);
  expect(host, {Cause::sshd_hung, Layer::overload, Confidence::likely}, {}, main);
  expect_not(host, Cause::sshd_hung, second);
  std::swap(host.processes.servers[0].state, host.processes.servers[1].state);
  expect_not(host, Cause::sshd_hung, main);
  expect(host, {Cause::sshd_hung, Layer::overload, Confidence::likely}, {"process 5000"}, second);
}

}  // namespace
