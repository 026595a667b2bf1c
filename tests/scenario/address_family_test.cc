#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

constexpr Expected kFamily{Cause::address_family, Layer::binding, Confidence::likely,
                           Stage::connect, Outcome::refused_rst};

TEST(address_family, one_family_works_and_the_other_is_refused) {
  auto v6 = Probe().saw(Address("2001:db8::10").refused()).saw(Address("192.0.2.10").reached());
  expect(v6, kFamily);
  EXPECT_TRUE(advises(v6, "ListenAddress ::"));
  auto v4 = Probe().saw(Address("192.0.2.10").refused()).saw(Address("2001:db8::10").reached());
  expect(v4, kFamily);
  EXPECT_TRUE(advises(v4, "ListenAddress 0.0.0.0"));
}

TEST(address_family, surer_than_a_wrong_address_beside_it) {
  auto probe = Probe()
                   .saw(Address("192.0.2.10").reached())
                   .saw(Address("192.0.2.11").refused())
                   .saw(Address("2001:db8::10").refused());
  expect(probe, kFamily);
  auto diagnosis = scenario::diagnose(probe);
  EXPECT_EQ(diagnosis.addresses[1].cause, Cause::wrong_address);
  EXPECT_EQ(diagnosis.addresses[2].cause, Cause::address_family);
}

TEST(address_family, refuted_by_an_address_of_the_same_family) {
  expect_not(Probe()
                 .saw(Address("2001:db8::10").refused())
                 .saw(Address("2001:db8::11").reached())
                 .saw(Address("192.0.2.10").reached()),
             Cause::address_family);
}

TEST(address_family, refuted_by_silence) {
  expect_not(Probe().saw(Address("2001:db8::10").silent()).saw(Address("192.0.2.10").reached()),
             Cause::address_family);
}

TEST(address_family, the_host_has_one_that_sshd_has_not) {
  auto host = Host::debian_12().asks_for({endpoint("0.0.0.0")});
  host.not_bound().bound("0.0.0.0");
  expect(host, {Cause::address_family, Layer::binding, Confidence::certain},
         {"The host's addresses: 192.0.2.10, 2001:db8::10."});
  expect(host, {Cause::address_family, Layer::binding, Confidence::certain}, {},
         asking("2001:db8::10", "2001:db8::10", 22));
  expect_not(host, Cause::address_family, asking("192.0.2.10", "192.0.2.10", 22));
  expect_not(Host(host).stale("kernel"), Cause::address_family);
  host.addresses({"127.0.0.1", "::1", "192.0.2.10", "fe80::10"});
  expect(host, {Cause::none, Layer::none, Confidence::likely});
}

TEST(address_family, one_socket_may_take_both) {
  expect_not(Host::debian_12().socket_activated(), Cause::address_family);
  auto host = Host::debian_12().socket_activated();
  host.listeners.listeners.back().dual_stack = false;
  expect(host, {Cause::address_family, Layer::binding, Confidence::certain});
}

}  // namespace
