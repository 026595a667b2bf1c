#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::Layer;

TEST(sshd_starting, systemd_is_at_it) {
  expect(Host::debian_12().starting(), {Cause::sshd_starting, Layer::service, Confidence::certain},
         {"ssh.service is activating (start-pre)"});
}

TEST(sshd_starting, the_host_came_up_just_now) {
  auto host = Host::debian_13().stopped().booted(119s);
  host.service().last_attempt.reset();
  expect(host, {Cause::sshd_starting, Layer::service, Confidence::likely}, {"two minutes ago"});
  expect_not(host.booted(120s), Cause::sshd_starting);
  auto tried = Host::debian_13().stopped().booted(60s);
  expect_not(tried, Cause::sshd_starting);
  host.booted(60s).enabled("disabled");
  expect_not(host, Cause::sshd_starting);
}

TEST(sshd_starting, a_reload_begins_anew) {
  expect(Host::debian_12().down().unit_state("reloading", "reload", "success"),
         {Cause::sshd_starting, Layer::service, Confidence::likely});
}

TEST(sshd_starting, it_listens_but_is_not_ready) {
  auto host = Host::debian_13();
  host.service().active_state = "activating";
  host.service().sub_state = "start";
  expect(host, {Cause::sshd_starting, Layer::service, Confidence::possible}, {"is ready"});
}

TEST(sshd_starting, a_crash_loop_does_not_read_so) {
  for (const auto& host : {Host::debian_12().auto_restart(), Host::debian_12().starting(1)}) {
    expect_not(host, Cause::sshd_starting);
  }
  auto queued = Host::debian_13().auto_restart(0);
  queued.service().sub_state = "auto-restart-queued";
  expect_not(queued, Cause::sshd_starting);
}

}  // namespace
