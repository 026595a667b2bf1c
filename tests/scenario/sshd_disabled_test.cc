#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;

constexpr ExpectedHost kDisabled{Cause::sshd_disabled, Layer::service, Confidence::certain};

TEST(sshd_disabled, masked) {
  expect(Host::debian_12().masked(), {Cause::sshd_disabled, Layer::service, Confidence::certain},
         {"ssh.service is masked", "nothing starts it at boot"});
  auto both = Host::debian_13().masked();
  both.socket().load_state = "masked";
  expect(both, kDisabled, {"ssh.socket is masked", "whatever asks for it"});
  EXPECT_TRUE(advises(both, "systemctl unmask"));
}

TEST(sshd_disabled, disabled_and_stopped) {
  expect(Host::debian_12().stopped().enabled("disabled"), kDisabled,
         {"ssh.service is inactive (dead), disabled"});
}

TEST(sshd_disabled, a_condition_that_was_not_met) {
  auto host = Host::debian_13().condition("ConditionPathExists=!/etc/ssh/sshd_not_to_be_run");
  expect(host, kDisabled, {"ConditionPathExists=!/etc/ssh/sshd_not_to_be_run"});
  auto socket = Host::debian_12().socket_activated().socket_lost();
  socket.socket().active_state = "inactive";
  socket.socket().failed_condition = "ConditionPathExists=!/etc/ssh/sshd_not_to_be_run";
  expect(socket, kDisabled, {"sshd_not_to_be_run"});
  // That of a socket that nobody uses says nothing.
  auto stopped = Host::debian_12().stopped();
  stopped.socket().failed_condition = "ConditionPathExists=!/etc/ssh/sshd_not_to_be_run";
  expect_not(stopped, Cause::sshd_disabled);
}

TEST(sshd_disabled, a_condition_that_the_next_start_would_not_meet) {
  constexpr auto kUnmet = "ConditionPathExists=!/etc/ssh/sshd_not_to_be_run";
  auto host = Host::debian_12().stopped();
  host.service().unmet_condition = kUnmet;
  expect(host, {Cause::sshd_disabled, Layer::service, Confidence::likely}, {kUnmet});
  auto socket = Host::debian_12().socket_activated();
  socket.service().unmet_condition = kUnmet;
  expect(socket, kDisabled, {kUnmet});
  // After some connections systemd leaves the socket alone.
  auto given_up = Host::debian_12().socket_activated().socket_failed();
  given_up.service().unmet_condition = kUnmet;
  expect(given_up, {Cause::sshd_disabled, Layer::service, Confidence::likely}, {kUnmet});
  auto running = Host::debian_12();
  running.service().unmet_condition = kUnmet;
  expect_not(running, Cause::sshd_disabled);
}

TEST(sshd_disabled, a_socket_in_front_of_a_masked_service) {
  auto host = Host::debian_12().socket_activated();
  host.service().load_state = "masked";
  expect(host, kDisabled, {"may not start"});
  // One that starts a service for each connection needs another unit.
  host.socket().socket->accept = true;
  host.socket().socket->service.clear();
  expect_not(host, Cause::sshd_disabled);
}

TEST(sshd_disabled, while_it_runs_it_is_none) {
  expect_not(Host::debian_12().enabled("disabled"), Cause::sshd_disabled);
  auto masked = Host::debian_12().enabled("masked");
  masked.service().load_state = "masked";
  expect_not(masked, Cause::sshd_disabled);
  expect_not(Host::debian_12().socket_activated(), Cause::sshd_disabled);
}

TEST(sshd_disabled, refuted_by_a_failure_and_by_a_socket_that_may_start_it) {
  expect_not(Host::debian_12().failed().enabled("disabled"), Cause::sshd_disabled);
  auto host = Host::debian_12().socket_activated().socket_lost();
  host.socket().active_state = "inactive";
  expect(host, {Cause::sshd_not_running, Layer::service, Confidence::certain});
  EXPECT_TRUE(advises(host, "systemctl start ssh.socket"));
}

TEST(sshd_disabled, not_claimed_without_systemds_word) {
  expect_not(Host::debian_12().masked().partial("systemd"), Cause::sshd_disabled);
  expect_not(Host::debian_12().masked().stale("systemd"), Cause::sshd_disabled);
}

}  // namespace
