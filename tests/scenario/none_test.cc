#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

constexpr Expected kFine{Cause::none, Layer::none, Confidence::certain, Stage::done, Outcome::ok};

TEST(none, every_address_was_reached) {
  expect(Probe().saw(Address("192.0.2.10").reached()), kFine);
  auto both = Probe().saw(Address("192.0.2.10").reached()).saw(Address("2001:db8::10").reached());
  expect(both, kFine);
  EXPECT_EQ(scenario::diagnose(both).decided_by, 0U);
  EXPECT_EQ(responder(both), "");
  EXPECT_TRUE(says(both, "192.0.2.10 and 1 more reached depth kexinit."));
}

TEST(none, skipped_addresses_do_not_spoil_success) {
  auto probe = Probe()
                   .saw(Address("192.0.2.10").reached())
                   .skipped("2001:db8::10", model::SkipReason::no_route)
                   .skipped("192.0.2.99", model::SkipReason::over_limit);
  expect(probe, kFine);
  EXPECT_TRUE(says(probe, "no route for the address family: 2001:db8::10"));
  EXPECT_TRUE(says(probe, "too many addresses: 1 more"));
}

TEST(none, a_bogus_address_that_works_is_only_noted) {
  auto probe = Probe().saw(Address("127.0.0.1").reached());
  expect(probe, kFine);
  EXPECT_TRUE(says(probe, "cannot be a remote host's"));
  EXPECT_TRUE(never_says(Probe().saw(Address("127.0.0.1").reached()).local_name(), "cannot be"));
  EXPECT_TRUE(never_says(Probe("127.0.0.1").saw(Address("127.0.0.1").reached()), "cannot be"));
}

TEST(none, refuted_by_a_single_failing_address) {
  expect_not(Probe().saw(Address("192.0.2.10").reached()).saw(Address("192.0.2.11").silent()),
             Cause::none);
}

TEST(none, refuted_by_an_early_stage) {
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::ok)), Cause::none);
  expect_not(Probe(), Cause::none);
}

}  // namespace
