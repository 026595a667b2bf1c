#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::Layer;

constexpr ExpectedHost kInvalid{Cause::sshd_config_invalid, Layer::service, Confidence::certain};

Host broken(Host host) {
  return host.check(ConfigProblem::configuration, "Bad configuration option: Frobnicate",
                    "/etc/ssh/sshd_config.d/50-own.conf", 2);
}

TEST(sshd_config_invalid, it_failed_and_cannot_start) {
  for (const auto& host :
       {Host::debian_12().failed("exit-code", 0), Host::debian_13().failed("exit-code", 255),
        Host::debian_12().auto_restart(), Host::debian_13().starting(3)}) {
    expect(broken(host), kInvalid,
           {"'/etc/ssh/sshd_config.d/50-own.conf', line 2", "Bad configuration option"});
    EXPECT_TRUE(advises(broken(host), "/etc/ssh/sshd_config.d/50-own.conf, line 2"));
  }
}

TEST(sshd_config_invalid, the_file_is_gone) {
  auto host = Host::debian_12().failed().check(ConfigProblem::configuration,
                                               "No such file or directory", "/etc/ssh/sshd_config");
  expect(host, kInvalid, {"'/etc/ssh/sshd_config': 'No such file or directory'"});
  EXPECT_TRUE(advises(host, "Correct /etc/ssh/sshd_config;"));
}

TEST(sshd_config_invalid, the_next_connection_would_start_it) {
  expect(broken(Host::debian_12().socket_activated()), kInvalid, {"The next connection"});
  // After that systemd gives up on both units.
  auto tried =
      Host::debian_13().socket_activated().failed().socket_failed("service-start-limit-hit");
  tried.service().service->restarts = 5;
  expect(broken(tried.enabled("disabled")), kInvalid, {"ssh.socket is failed"});
}

TEST(sshd_config_invalid, accept_yes_starts_one_for_each) {
  auto host = Host::debian_12().socket_activated();
  host.socket().socket->accept = true;
  host.socket().socket->service.clear();
  expect(broken(host), kInvalid);
}

TEST(sshd_config_invalid, without_systemd_it_may_have_been_stopped) {
  expect(broken(Host::debian_12().down().without_systemd()),
         {Cause::sshd_config_invalid, Layer::service, Confidence::likely});
}

TEST(sshd_config_invalid, refuted_by_an_sshd_that_runs_with_the_old_one) {
  expect(broken(Host::debian_12()), {Cause::none, Layer::none, Confidence::likely});
  expect(broken(Host::debian_13().socket_activated().connected()),
         {Cause::none, Layer::none, Confidence::likely});
  // Whether one runs behind the socket could not be seen.
  auto unseen = broken(Host::debian_12().socket_activated().connected()).missing("processes");
  expect_not(unseen, Cause::sshd_config_invalid);
}

TEST(sshd_config_invalid, refuted_by_a_check_that_passes_or_is_old) {
  auto fine = Host::debian_12().failed().check(ConfigProblem::none);
  expect(fine, {Cause::sshd_failed, Layer::service, Confidence::certain}, {"finds nothing wrong"});
  for (auto collector : {"configuration", "listeners", "systemd"}) {
    expect_not(broken(Host::debian_12().failed()).stale(collector), Cause::sshd_config_invalid);
  }
  expect(broken(Host::debian_12().stopped()),
         {Cause::sshd_not_running, Layer::service, Confidence::certain});
}

}  // namespace
