#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::Layer;
using model::LogEvent;

const std::string kInUse = "Bind to port 22 on 0.0.0.0 failed: Address already in use.";

TEST(port_conflict, sshd_could_not_have_its_port) {
  auto host = Host::debian_12().failed().check(ConfigProblem::none);
  host.bound_by("nginx", "0.0.0.0").bound_by("nginx", "::");
  expect(Host(host).log(LogEvent::bind_failed, kInUse),
         {Cause::port_conflict, Layer::binding, Confidence::certain},
         {"0.0.0.0:22 belongs to the program 'nginx'.", kInUse});
  expect(Host(host).log(LogEvent::bind_failed, kInUse, 5s, false),
         {Cause::port_conflict, Layer::binding, Confidence::likely});
  expect(host, {Cause::port_conflict, Layer::binding, Confidence::likely});
  EXPECT_TRUE(says(host.hidden_owners(), "belongs to another program."));
}

TEST(port_conflict, the_other_has_gone) {
  auto host =
      Host::debian_12().failed().check(ConfigProblem::none).log(LogEvent::listen_failed, kInUse);
  expect(host, {Cause::port_conflict, Layer::binding, Confidence::likely}, {"may have gone"});
}

TEST(port_conflict, the_socket_unit_could_not_have_it) {
  auto host = Host::debian_13().socket_activated().socket_failed("resources");
  host.bound_by("nc", "0.0.0.0");
  expect(host, {Cause::port_conflict, Layer::binding, Confidence::likely},
         {"0.0.0.0:22 belongs to the program 'nc'."});
}

TEST(port_conflict, of_one_family_while_sshd_has_the_other) {
  auto host = Host::debian_12();
  host.not_bound().bound("::").bound_by("nc", "0.0.0.0");
  expect(host, {Cause::port_conflict, Layer::binding, Confidence::certain},
         {"0.0.0.0:22 belongs to the program 'nc'."});
  expect(host, {Cause::port_conflict, Layer::binding, Confidence::certain}, {},
         asking("192.0.2.10", "192.0.2.10", 22));
  expect_not(host, Cause::port_conflict, asking("192.0.2.10", "192.0.2.10", 2222));
  host.listeners.listeners.back().owner.reset();
  expect(host, {Cause::port_conflict, Layer::binding, Confidence::likely}, {"cannot be seen"});
}

TEST(port_conflict, one_that_has_gone_left_a_port_unbound) {
  auto host =
      Host::debian_12()
          .asks_for({endpoint("0.0.0.0", 22), endpoint("::", 22), endpoint("::", 2222)})
          .log(LogEvent::bind_failed, "Bind to port 2222 on :: failed: Address already in use.")
          .log_address(LogEvent::bind_failed, "::", 2222);
  expect(host, {Cause::port_conflict, Layer::binding, Confidence::likely}, {"gone since"});
}

TEST(port_conflict, refuted_by_a_stop_and_by_old_facts) {
  // It may be one that starts sshd for each connection.
  auto host = Host::debian_12().stopped().bound_by("xinetd", "0.0.0.0");
  expect(host, {Cause::sshd_not_running, Layer::service, Confidence::likely});
  auto failed = Host::debian_12().failed().bound_by("nginx", "0.0.0.0");
  expect_not(Host(failed).stale("listeners"), Cause::port_conflict);
  expect_not(Host(failed).stale("configuration"), Cause::port_conflict);
}

TEST(port_conflict, what_a_session_forwards_is_not_in_sshds_way) {
  auto host = Host::debian_12().bound_by("sshd", "127.0.0.1", 6010, 5000);
  expect(host, {Cause::none, Layer::none, Confidence::likely});
}

TEST(port_conflict, another_port_that_another_program_has_was_asked_for) {
  auto host = Host::debian_12().bound_by("nginx", "0.0.0.0", 80);
  expect(host, {Cause::none, Layer::none, Confidence::likely});
  expect_not(host, Cause::port_conflict, asking("192.0.2.10", "192.0.2.10", 80));
}

}  // namespace
