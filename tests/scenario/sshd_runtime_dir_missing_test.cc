#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::Layer;
using model::LogEvent;

constexpr ExpectedHost kMissing{Cause::sshd_runtime_dir_missing, Layer::service,
                                Confidence::certain};

TEST(sshd_runtime_dir_missing, it_vanished_while_sshd_runs) {
  for (auto host : {Host::debian_12(), Host::debian_13()}) {
    host.processes.runtime_directory->present = false;
    host.check(ConfigProblem::runtime_directory,
               "Missing privilege separation directory: /run/sshd");
    expect(host, kMissing, {"The directory '/run/sshd' is absent."});
    EXPECT_TRUE(advises(host, "systemctl restart ssh.service"));
  }
}

// Measured: 10.0 does not look at its mode when a connection comes.
TEST(sshd_runtime_dir_missing, others_may_write_to_it) {
  auto old = Host::debian_12();
  old.processes.runtime_directory->safe = false;
  expect(old, kMissing, {"not root's own"});
  auto recent = Host::debian_13();
  recent.processes.runtime_directory->safe = false;
  expect(recent, {Cause::none, Layer::none, Confidence::likely});
}

TEST(sshd_runtime_dir_missing, its_own_words_at_a_start_that_failed) {
  const std::string words = "fatal: Missing privilege separation directory: /run/sshd";
  expect(Host::debian_12().failed().log(LogEvent::privsep_missing, words), kMissing,
         {"says at 2026-01-02T03:04:00Z: 'fatal: Missing"});
  expect(Host::debian_12().failed().log(LogEvent::privsep_missing, words, 5s, false),
         {Cause::sshd_runtime_dir_missing, Layer::service, Confidence::likely});
  expect_not(Host::debian_12().failed().log(LogEvent::privsep_missing, words, 2min),
             Cause::sshd_runtime_dir_missing);
}

TEST(sshd_runtime_dir_missing, its_absence_is_normal_where_nothing_runs) {
  for (const auto& host : {Host::debian_12().stopped(), Host::debian_12().failed(),
                           Host::debian_12().socket_activated()}) {
    expect_not(host, Cause::sshd_runtime_dir_missing);
    EXPECT_TRUE(never_says(host, "'/run/sshd'"));
  }
  expect(Host::debian_12().socket_activated(), {Cause::none, Layer::none, Confidence::likely});
}

TEST(sshd_runtime_dir_missing, refuted_by_another_server) {
  auto host = Host::debian_12().dropbear();
  host.processes.runtime_directory->present = false;
  expect(host, {Cause::none, Layer::none, Confidence::likely});
}

}  // namespace
