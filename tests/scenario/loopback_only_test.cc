#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;

Host loopback(Host host) {
  host.asks_for({endpoint("127.0.0.1"), endpoint("::1")}).not_bound();
  return host.bound("127.0.0.1").bound("::1");
}

TEST(loopback_only, bound_to_loopback_though_the_host_has_addresses) {
  expect(loopback(Host::debian_12()), {Cause::loopback_only, Layer::binding, Confidence::certain},
         {"SSH listens on 127.0.0.1:22 by sshd, [::1]:22 by sshd."});
  EXPECT_TRUE(advises(loopback(Host::debian_12()), "ListenAddress"));
  expect(loopback(Host::debian_13()), {Cause::loopback_only, Layer::binding, Confidence::certain},
         {}, asking("192.0.2.10", "192.0.2.10", 22));
}

TEST(loopback_only, refuted_by_who_asks_there) {
  expect_not(loopback(Host::debian_12()), Cause::loopback_only,
             asking("127.0.0.1", "127.0.0.1", 22));
}

TEST(loopback_only, refuted_by_a_host_without_other_addresses) {
  auto host = loopback(Host::debian_12()).addresses({"127.0.0.1", "::1", "fe80::1"});
  expect(host, {Cause::none, Layer::none, Confidence::likely});
}

TEST(loopback_only, refuted_by_one_other_listener_and_not_concluded_without_addresses) {
  expect_not(loopback(Host::debian_12()).bound("192.0.2.10"), Cause::loopback_only);
  expect(loopback(Host::debian_12()).stale("kernel"),
         {Cause::none, Layer::none, Confidence::possible});
}

}  // namespace
