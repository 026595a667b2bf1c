#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::Layer;
using model::LogEvent;

constexpr ExpectedHost kBroken{Cause::sshd_binary_broken, Layer::service, Confidence::certain};
constexpr ExpectedHost kLikely{Cause::sshd_binary_broken, Layer::service, Confidence::likely};
constexpr auto* kLoader =
    "/usr/sbin/sshd: error while loading shared libraries: libwrap.so.0: cannot open shared object "
    "file";

TEST(sshd_binary_broken, systemd_could_not_execute_it) {
  expect(Host::debian_12().failed("exit-code", 203), kBroken, {"203"});
  auto again = Host::debian_12().auto_restart();
  again.service().service->exit_code = 1;
  again.service().service->exit_status = 203;
  expect(again, kBroken);
}

TEST(sshd_binary_broken, it_does_not_get_as_far_as_its_configuration) {
  for (const auto& host : {Host::debian_12().failed(), Host::debian_12().auto_restart(),
                           Host::debian_12().socket_activated()}) {
    expect(Host(host).check(ConfigProblem::program, kLoader), kBroken, {"libwrap.so.0"});
  }
}

TEST(sshd_binary_broken, the_unit_is_there_and_the_program_gone) {
  expect(Host::debian_12().failed("exit-code", 0).program_gone(), kLikely, {"usual places"});
  expect(Host::debian_12().auto_restart().program_gone(), kLikely);
  expect(Host::debian_12().socket_activated().program_gone(), kLikely, {"next connection"});
}

TEST(sshd_binary_broken, its_own_words) {
  const std::string words = "fatal: /usr/lib/openssh/sshd-auth does not exist or is not executable";
  auto host = Host::debian_13().failed().check(ConfigProblem::none);
  expect(Host(host).log(LogEvent::exec_missing, words), kBroken, {"sshd-auth does not exist"});
  expect(Host(host).log(LogEvent::exec_missing, words, 5s, false), kLikely, {"from a file"});
  expect_not(Host(host).log(LogEvent::exec_missing, words, 1h), Cause::sshd_binary_broken);
  expect(Host(host).log(LogEvent::privsep_user, "Privilege separation user sshd does not exist"),
         kBroken);
  expect(Host(host).log(LogEvent::libcrypto_mismatch, "OpenSSL version mismatch."), kBroken);
  // Another unit's.
  auto other = Host(host).log(LogEvent::exec_missing, words);
  other.events.events.at(static_cast<std::size_t>(LogEvent::exec_missing)).newest->unit =
      "sshd-admin.service";
  expect_not(other, Cause::sshd_binary_broken);
}

TEST(sshd_binary_broken, the_helper_is_gone_while_it_runs) {
  auto host = Host::debian_13();
  host.server().can_start_children = false;
  host.server().missing_helper = "/usr/lib/openssh/sshd-session";
  expect(host, kBroken, {"'/usr/lib/openssh/sshd-session', which serves each connection"});
  EXPECT_TRUE(advises(host, "reinstall"));
}

TEST(sshd_binary_broken, what_it_starts_lacks_a_library) {
  for (auto host : {Host::debian_12(), Host::debian_13()}) {
    host.server().can_start_children = false;
    expect(host, kLikely, {"lacks a library"});
    host.server().can_start_children.reset();
    expect_not(host, Cause::sshd_binary_broken);
  }
}

TEST(sshd_binary_broken, its_user_is_gone_while_it_runs) {
  const std::string words = "fatal: Privilege separation user sshd does not exist";
  expect(Host::debian_12().log(LogEvent::privsep_user, words), kLikely);
  expect_not(Host::debian_12().log(LogEvent::privsep_user, words, 2min), Cause::sshd_binary_broken);
}

TEST(sshd_binary_broken, the_loaders_words_about_what_it_starts) {
  const std::string words =
      "/usr/lib/openssh/sshd-session: error while loading shared libraries: libwrap.so.0";
  expect(Host::debian_13().log(LogEvent::loader_failed, words), kLikely, {"sshd-session: error"});
  expect_not(Host::debian_13().log(LogEvent::loader_failed, words, 2min),
             Cause::sshd_binary_broken);
  // A restart is a cure.
  auto restarted = Host::debian_13().log(LogEvent::loader_failed, words, 30s);
  restarted.server().started = evidence::host_now() - 10s;
  expect_not(restarted, Cause::sshd_binary_broken);
  expect(Host::debian_12().failed().check(ConfigProblem::none).log(LogEvent::loader_failed, words),
         kBroken);
}

// Measured with OpenSSH 9.2 and 10.0: a running sshd serves connections without its file.
TEST(sshd_binary_broken, refuted_by_an_sshd_that_runs_without_its_file) {
  for (auto host : {Host::debian_12(), Host::debian_13()}) {
    host.server().executable_deleted = true;
    host.check(ConfigProblem::program, "it cannot be executed: Exec format error")
        .log(LogEvent::rexec_failed,
             "error: rexec of /usr/sbin/sshd failed: No such file or directory", 1h - 1s);
    expect(host, {Cause::none, Layer::none, Confidence::likely});
  }
}

TEST(sshd_binary_broken, refuted_by_a_stop) {
  auto host = Host::debian_12().stopped().check(ConfigProblem::program, kLoader);
  expect(host, {Cause::sshd_not_running, Layer::service, Confidence::certain});
}

}  // namespace
