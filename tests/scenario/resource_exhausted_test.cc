#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::Layer;
using model::LogEvent;

constexpr ExpectedHost kLikely{Cause::resource_exhausted, Layer::overload, Confidence::likely};

// Measured: OpenSSH 9.2 serves with ten descriptors, five of which it has open, and not with nine.
TEST(resource_exhausted, no_descriptors_for_another_connection) {
  auto host = Host::debian_12();
  host.server().open_files_limit = 10;
  expect_not(host, Cause::resource_exhausted);
  host.server().open_files_limit = 9;
  expect(host, kLikely, {"sshd has 5 of 9 descriptors open."});
  host.server().open_files = 0;  // could not be counted
  expect_not(host, Cause::resource_exhausted);
}

TEST(resource_exhausted, its_own_words_of_the_last_minute) {
  const std::string words = "error: reexec socketpair: Too many open files";
  expect(Host::debian_13().log(LogEvent::fd_or_fork, words), kLikely, {words});
  expect(Host::debian_13().log(LogEvent::fd_or_fork, words, 60s), kLikely);
  expect_not(Host::debian_13().log(LogEvent::fd_or_fork, words, 61s), Cause::resource_exhausted);
  expect(Host::debian_13().log(LogEvent::fd_or_fork, words, 5s, false),
         {Cause::resource_exhausted, Layer::overload, Confidence::possible});
}

TEST(resource_exhausted, it_ended_over_it) {
  auto host = Host::debian_12().failed().check(ConfigProblem::none);
  expect(Host(host).log(LogEvent::fd_or_fork, "fork: Resource temporarily unavailable"), kLikely);
  expect_not(Host(host).log(LogEvent::fd_or_fork, "fork: Cannot allocate memory", 2min),
             Cause::resource_exhausted);
}

TEST(resource_exhausted, a_unit_that_hangs_in_its_start) {
  auto host = Host::debian_13();
  host.service().active_state = "activating";
  host.server().open_files_limit = 7;
  expect(host, kLikely);
}

}  // namespace
