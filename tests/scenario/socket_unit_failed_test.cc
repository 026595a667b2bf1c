#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::Layer;

constexpr ExpectedHost kFailed{Cause::socket_unit_failed, Layer::service, Confidence::certain};

TEST(socket_unit_failed, the_trigger_limit) {
  auto host = Host::debian_12().socket_activated().socket_failed();
  expect(host, kFailed, {"ssh.socket is failed, result trigger-limit-hit"});
  EXPECT_TRUE(advises(host, "systemctl restart ssh.socket"));
}

TEST(socket_unit_failed, active_and_yet_nothing_is_bound) {
  expect(Host::debian_12().socket_activated().socket_lost(),
         {Cause::socket_unit_failed, Layer::service, Confidence::likely},
         {"ssh.socket is active (listening)"});
}

TEST(socket_unit_failed, refuted_by_a_service_that_explains_it) {
  auto host =
      Host::debian_12().socket_activated().failed().socket_failed("service-start-limit-hit");
  host.enabled("disabled").check(ConfigProblem::none);
  expect(host, {Cause::sshd_failed, Layer::service, Confidence::certain});
}

TEST(socket_unit_failed, a_service_of_its_own_does_not_need_it) {
  auto host = Host::debian_12();
  host.socket().active_state = "failed";
  expect_not(host, Cause::socket_unit_failed);
  auto stopped = Host::debian_12().stopped();
  stopped.socket().active_state = "failed";
  expect_not(stopped, Cause::socket_unit_failed);
}

// systemd-ssh-generator makes sockets that nobody reaches over TCP.
TEST(socket_unit_failed, refuted_by_a_socket_without_tcp) {
  auto host = Host::debian_13().stopped();
  auto& local = host.unit("sshd-unix-local.socket");
  local.active_state = "active";
  local.sub_state = "listening";
  local.unit_file_state = "enabled";
  expect(host, {Cause::sshd_not_running, Layer::service, Confidence::certain});
}

TEST(socket_unit_failed, not_concluded_from_old_facts) {
  for (auto collector : {"systemd", "listeners"}) {
    expect_not(Host::debian_12().socket_activated().socket_failed().stale(collector),
               Cause::socket_unit_failed);
  }
}

}  // namespace
