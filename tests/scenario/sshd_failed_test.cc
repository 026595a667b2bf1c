#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::Layer;

TEST(sshd_failed, nothing_finer_explains_it) {
  auto host = Host::debian_12().failed("signal").check(ConfigProblem::none);
  host.service().service->exit_code = 2;
  host.service().service->exit_status = 11;
  expect(host, {Cause::sshd_failed, Layer::service, Confidence::certain},
         {"ssh.service is failed, result signal (killed by SIGSEGV)", "nothing wrong"});
  EXPECT_TRUE(advises(host, "journalctl -u ssh"));
}

TEST(sshd_failed, a_crash_loop) {
  expect(Host::debian_13().auto_restart(8),
         {Cause::sshd_failed, Layer::service, Confidence::certain}, {"restarted 8 times"});
  expect(Host::debian_13().starting(8), {Cause::sshd_failed, Layer::service, Confidence::likely},
         {"again and again"});
}

TEST(sshd_failed, another_server_elsewhere_does_not_stand_in) {
  auto host = Host::debian_12();
  auto other = host.server();
  other.pid = 9000;
  other.unit = "session-3.scope";
  host.failed().processes.servers = {other};
  host.processes.runtime_directory->present = true;
  host.bound_by("sshd", "0.0.0.0", 2222, 9000);
  expect(host, {Cause::sshd_failed, Layer::service, Confidence::likely});
}

TEST(sshd_failed, refuted_by_one_that_listens) {
  auto host = Host::debian_12();
  host.service().active_state = "failed";
  expect_not(host, Cause::sshd_failed);
  auto with_dropbear = Host::debian_12().failed().dropbear();
  with_dropbear.service().active_state = "failed";
  expect_not(with_dropbear, Cause::sshd_failed);
}

TEST(sshd_failed, not_concluded_from_old_facts) {
  for (auto collector : {"systemd", "listeners"}) {
    expect_not(Host::debian_12().failed().stale(collector), Cause::sshd_failed);
  }
}

}  // namespace
