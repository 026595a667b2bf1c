#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

constexpr Expected kTurnedAway{Cause::turned_away, Layer::access_policy, Confidence::possible,
                               Stage::banner, Outcome::turned_away};

Address turned_away_with(const char* line) {
  return Address("192.0.2.10").ended(Stage::banner, Outcome::turned_away).said(line);
}

TEST(turned_away, max_startups_or_penalty_since_9_8) {
  auto probe = Probe().saw(turned_away_with("Not allowed at this time"));
  expect(probe, kTurnedAway);
  EXPECT_TRUE(says(probe, "It said 'Not allowed at this time'."));
  EXPECT_TRUE(advises(probe, "PerSourcePenaltyExemptList"));
}

TEST(turned_away, any_other_text_and_the_end) {
  auto probe = Probe().saw(turned_away_with("go away").said("two").said("three").said("four"));
  expect(probe, kTurnedAway);
  EXPECT_TRUE(says(probe, "It said 'go away'."));
  EXPECT_TRUE(says(probe, "More lines followed."));
  EXPECT_TRUE(never_says(probe, "'four'"));
}

TEST(turned_away, text_without_its_newline_is_text_too) {
  auto address = Address("192.0.2.10").ended(Stage::banner, Outcome::closed).unfinished("busy");
  expect(Probe().saw(address), {Cause::turned_away, Layer::access_policy, Confidence::possible,
                                Stage::banner, Outcome::closed});
}

TEST(turned_away, quotations_are_bounded) {
  std::string line(5000, 'x');
  EXPECT_TRUE(never_says(Probe().saw(turned_away_with(line.c_str())), std::string(121, 'x')));
}

TEST(turned_away, refuted_without_text) {
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::closed)),
             Cause::turned_away);
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::turned_away)),
             Cause::turned_away);
}

}  // namespace
