#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::Layer;
using model::LogEvent;

Host replaced(Host host) {
  host.server().executable_deleted = true;
  host.server().executable_replaced = true;
  host.server().can_start_children = false;
  return host;
}

const std::string kState = "recv_rexec_state: ssh_msg_recv failed";

TEST(sshd_upgrade_skew, what_is_in_its_place_cannot_go_on) {
  expect(replaced(Host::debian_12()),
         {Cause::sshd_upgrade_skew, Layer::service, Confidence::likely},
         {"'/usr/sbin/sshd' was replaced after it had been started"});
  EXPECT_TRUE(advises(replaced(Host::debian_12()), "systemctl restart ssh.service"));
}

TEST(sshd_upgrade_skew, certain_by_its_own_words) {
  auto host = replaced(Host::debian_12()).log(LogEvent::rexec_state, kState);
  expect(host, {Cause::sshd_upgrade_skew, Layer::service, Confidence::certain}, {kState});
  expect(replaced(Host::debian_12()).log(LogEvent::rexec_state, kState, 5s, false),
         {Cause::sshd_upgrade_skew, Layer::service, Confidence::likely});
}

TEST(sshd_upgrade_skew, a_program_of_9_8_or_later_in_the_place_of_an_older_one) {
  expect(replaced(Host::debian_12()).log(LogEvent::rexec_unsupported, "-R not supported here"),
         {Cause::sshd_upgrade_skew, Layer::service, Confidence::certain},
         {"-R not supported here"});
}

TEST(sshd_upgrade_skew, words_alone_where_the_programs_cannot_be_compared) {
  auto host = replaced(Host::debian_12()).log(LogEvent::rexec_state, kState);
  host.server().can_start_children.reset();
  expect(host, {Cause::sshd_upgrade_skew, Layer::service, Confidence::likely}, {kState});
  host.log(LogEvent::rexec_state, kState, 2h);
  expect_not(host, Cause::sshd_upgrade_skew);
}

TEST(sshd_upgrade_skew, refuted_by_a_program_that_can_go_on) {
  for (auto host : {replaced(Host::debian_12()), replaced(Host::debian_13())}) {
    host.server().can_start_children = true;
    expect(host, {Cause::none, Layer::none, Confidence::likely});
  }
}

// Measured: 9.2 says so for each connection and serves it all the same.
TEST(sshd_upgrade_skew, refuted_by_a_failed_rexec_of_one_binary) {
  auto host =
      replaced(Host::debian_12())
          .log(LogEvent::rexec_failed, "error: rexec of /usr/sbin/sshd failed: Exec format error");
  host.server().can_start_children.reset();
  expect_not(host, Cause::sshd_upgrade_skew);
  auto helper =
      replaced(Host::debian_13())
          .log(LogEvent::rexec_failed, "fatal: rexec of /usr/lib/openssh/sshd-session failed: …");
  helper.server().can_start_children.reset();
  expect(helper, {Cause::sshd_upgrade_skew, Layer::service, Confidence::likely});
}

TEST(sshd_upgrade_skew, without_a_replacement_it_is_a_broken_program) {
  auto host = Host::debian_12();
  host.server().can_start_children = false;
  expect(host, {Cause::sshd_binary_broken, Layer::service, Confidence::likely});
}

}  // namespace
