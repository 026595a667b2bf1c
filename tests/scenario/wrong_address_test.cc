#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::CheckOutcome;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

constexpr Expected kWrong{Cause::wrong_address, Layer::binding, Confidence::possible,
                          Stage::connect, Outcome::refused_rst};

TEST(wrong_address, another_address_of_the_same_family_accepts) {
  auto probe = Probe().saw(Address("192.0.2.10").reached()).saw(Address("192.0.2.11").refused());
  expect(probe, kWrong);
  auto diagnosis = scenario::diagnose(probe);
  EXPECT_EQ(diagnosis.decided_by, 1U);
  EXPECT_EQ(diagnosis.addresses[0].cause, Cause::none);
  EXPECT_EQ(diagnosis.addresses[0].confidence, Confidence::certain);
  EXPECT_EQ(diagnosis.addresses[1].cause, Cause::wrong_address);
  EXPECT_TRUE(says(probe, "192.0.2.10 accepts on the same port."));
  EXPECT_TRUE(says(probe, "of the 2 addresses probed, it fails and no other does."));
  EXPECT_TRUE(advises(probe, "192.0.2.11"));
}

TEST(wrong_address, the_same_family_comes_before_the_other) {
  expect(Probe()
             .saw(Address("2001:db8::10").reached())
             .saw(Address("192.0.2.10").refused())
             .saw(Address("192.0.2.11").reached()),
         kWrong);
}

TEST(wrong_address, refuted_by_ssh_on_another_port) {
  expect_not(
      Probe()
          .saw(Address("192.0.2.10").reached())
          .saw(Address("192.0.2.11").refused().alternative(2222, CheckOutcome::accepted, true)),
      Cause::wrong_address);
}

TEST(wrong_address, refuted_by_silence_and_by_rejection) {
  for (const auto& address :
       {Address("192.0.2.11").silent(), Address("192.0.2.11").rejected(3, 3, "192.0.2.11")}) {
    expect_not(Probe().saw(Address("192.0.2.10").reached()).saw(address), Cause::wrong_address);
  }
}

TEST(wrong_address, refuted_if_no_address_works) {
  expect_not(Probe().saw(Address("192.0.2.10").refused()).saw(Address("192.0.2.11").refused()),
             Cause::wrong_address);
}

TEST(wrong_address, the_host_itself_says_where) {
  auto host = Host::debian_12().asks_for({endpoint("192.0.2.10"), endpoint("::")});
  host.not_bound()
      .bound("192.0.2.10")
      .bound("::")
      .addresses({"127.0.0.1", "192.0.2.10", "192.0.2.11", "2001:db8::10"});
  expect(host, {Cause::none, Layer::none, Confidence::likely});
  expect(host, {Cause::wrong_address, Layer::binding, Confidence::certain},
         {"SSH listens on 192.0.2.10:22"}, asking("192.0.2.11", "192.0.2.11", 22));
  expect_not(host, Cause::wrong_address, asking("192.0.2.10", "192.0.2.10", 22));
}

TEST(wrong_address, an_address_that_waits_for_a_restart) {
  auto host = Host::debian_12().asks_for({endpoint("192.0.2.11"), endpoint("::")});
  host.not_bound()
      .bound("192.0.2.10")
      .bound("::")
      .addresses({"127.0.0.1", "192.0.2.10", "192.0.2.11", "2001:db8::10"});
  expect(host, {Cause::wrong_address, Layer::binding, Confidence::likely},
         {"Asked for, but not listened on: 192.0.2.11:22."});
}

}  // namespace
