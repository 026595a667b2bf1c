#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::Layer;
using model::LogEvent;

const std::string kDenied = "Bind to port 2222 on 0.0.0.0 failed: Permission denied.";

TEST(port_bind_denied, it_failed_over_it) {
  auto host = Host::debian_12().failed().check(ConfigProblem::none);
  expect(Host(host).log(LogEvent::bind_failed, kDenied),
         {Cause::port_bind_denied, Layer::binding, Confidence::certain}, {kDenied});
  expect(Host(host).log(LogEvent::bind_failed, kDenied, 5s, false),
         {Cause::port_bind_denied, Layer::binding, Confidence::likely});
  EXPECT_TRUE(advises(Host(host).log(LogEvent::bind_failed, kDenied), "semanage"));
  // Before its last start.
  expect(Host(host).log(LogEvent::bind_failed, kDenied, 2min),
         {Cause::sshd_failed, Layer::service, Confidence::certain});
}

TEST(port_bind_denied, one_of_two_ports) {
  auto host =
      Host::debian_12()
          .asks_for({endpoint("0.0.0.0", 22), endpoint("::", 22), endpoint("0.0.0.0", 2222)})
          .log(LogEvent::bind_failed, kDenied, 30min)
          .log_address(LogEvent::bind_failed, "0.0.0.0", 2222);
  expect(host, {Cause::port_bind_denied, Layer::binding, Confidence::certain},
         {"Asked for, but not listened on: 0.0.0.0:2222."});
  expect(host, {Cause::port_bind_denied, Layer::binding, Confidence::certain}, {},
         asking("192.0.2.10", "192.0.2.10", 2222));
  host.log(LogEvent::bind_failed, kDenied, 2h).log_address(LogEvent::bind_failed, "0.0.0.0", 2222);
  expect(host, {Cause::wrong_port, Layer::binding, Confidence::likely});
}

TEST(port_bind_denied, refuted_by_a_port_that_is_bound) {
  auto host = Host::debian_12()
                  .log(LogEvent::bind_failed, kDenied, 30min)
                  .log_address(LogEvent::bind_failed, "0.0.0.0", 22);
  expect(host, {Cause::none, Layer::none, Confidence::likely});
}

}  // namespace
