#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::ConfigProblem;
using model::Layer;
using model::LogEvent;

const std::string kAbsent = "Bind to port 22 on 192.0.2.7 failed: Cannot assign requested address.";

TEST(address_missing, it_failed_over_it) {
  auto host =
      Host::debian_12().asks_for({endpoint("192.0.2.7")}).failed().check(ConfigProblem::none);
  expect(Host(host).log(LogEvent::bind_failed, kAbsent),
         {Cause::address_missing, Layer::binding, Confidence::certain},
         {"No interface has the address 192.0.2.7.", kAbsent});
  // It is there now.
  auto later = Host(host).log(LogEvent::bind_failed, kAbsent);
  later.addresses({"127.0.0.1", "192.0.2.7"});
  expect(later, {Cause::address_missing, Layer::binding, Confidence::likely}, {"may be there now"});
  expect(Host(later).log(LogEvent::bind_failed, kAbsent, 5s, false),
         {Cause::address_missing, Layer::binding, Confidence::possible});
  expect(host, {Cause::sshd_failed, Layer::service, Confidence::certain});
}

TEST(address_missing, one_of_two_while_it_runs) {
  auto host = Host::debian_12().asks_for({endpoint("192.0.2.10"), endpoint("192.0.2.7")});
  host.not_bound().bound("192.0.2.10");
  expect(host, {Cause::address_missing, Layer::binding, Confidence::certain},
         {"No interface has the address 192.0.2.7."});
}

TEST(address_missing, the_socket_outlives_its_address) {
  auto host = Host::debian_12().asks_for({endpoint("192.0.2.7")});
  host.not_bound().bound("192.0.2.7").addresses({"127.0.0.1", "192.0.2.10"});
  expect(host, {Cause::address_missing, Layer::binding, Confidence::likely}, {"any more"});
}

TEST(address_missing, it_came_after_sshd) {
  auto host =
      Host::debian_12()
          .asks_for({endpoint("192.0.2.10"), endpoint("::")})
          .log(LogEvent::bind_failed,
               "Bind to port 22 on 192.0.2.10 failed: Cannot assign requested address.", 30min)
          .log_address(LogEvent::bind_failed, "192.0.2.10", 22);
  host.not_bound().bound("::");
  expect(host, {Cause::address_missing, Layer::binding, Confidence::likely},
         {"was not there when sshd started"});
  EXPECT_TRUE(advises(host, "restart"));
}

TEST(address_missing, refuted_by_loopback_and_by_addresses_that_come_and_go) {
  auto loopback = Host::debian_12().asks_for(
      {endpoint("127.0.0.53"), endpoint("0.0.0.0", 22), endpoint("::", 22)});
  expect(loopback.bound("127.0.0.53"), {Cause::none, Layer::none, Confidence::likely});
  auto floating = Host::debian_12().asks_for({endpoint("192.0.2.7"), endpoint("::")});
  floating.not_bound().bound("192.0.2.7").bound("::");
  floating.kernel.nonlocal_bind = true;
  expect_not(floating, Cause::address_missing);
}

TEST(address_missing, not_concluded_without_all_addresses) {
  auto host = Host::debian_12().asks_for({endpoint("192.0.2.7")});
  host.not_bound().bound("192.0.2.7");
  expect_not(Host(host).stale("kernel"), Cause::address_missing);
  host.kernel.addresses_known = false;
  expect_not(host, Cause::address_missing);
}

}  // namespace
