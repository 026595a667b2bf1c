#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;
using model::LogEvent;
using model::Outcome;
using model::Stage;

TEST(max_startups, the_words_of_openssh_8_2_to_9_7) {
  for (auto outcome : {Outcome::turned_away, Outcome::closed, Outcome::reset}) {
    auto address = Address("192.0.2.10").ended(Stage::banner, outcome).said("Exceeded MaxStartups");
    auto probe = Probe().saw(address);
    expect(probe,
           {Cause::max_startups, Layer::overload, Confidence::certain, Stage::banner, outcome});
    EXPECT_EQ(responder(probe), "");
    EXPECT_TRUE(says(probe, "It said 'Exceeded MaxStartups'."));
    EXPECT_TRUE(advises(probe, "MaxStartups"));
  }
}

TEST(max_startups, refuted_by_the_shared_words_of_9_8) {
  expect_not(Probe().saw(Address("192.0.2.10")
                             .ended(Stage::banner, Outcome::turned_away)
                             .said("Not allowed at this time")),
             Cause::max_startups);
}

TEST(max_startups, refuted_by_a_quotation) {
  expect_not(Probe().saw(Address("192.0.2.10")
                             .ended(Stage::banner, Outcome::turned_away)
                             .said("see FAQ: Exceeded MaxStartups")),
             Cause::max_startups);
}

TEST(max_startups, refuted_by_a_connection_that_stays) {
  expect_not(Probe().saw(Address("192.0.2.10")
                             .ended(Stage::banner, Outcome::timeout)
                             .said("Exceeded MaxStartups")),
             Cause::max_startups);
}

TEST(max_startups, the_hosts_own_count_is_at_the_limit) {
  expect(Host::debian_12().startups(2, 2, 2),
         {Cause::max_startups, Layer::overload, Confidence::certain},
         {"2 connections are open that have not logged in", "from 2 on all"});
  expect(Host::debian_13().startups(99),
         {Cause::max_startups, Layer::overload, Confidence::possible}, {"from 10 on some"});
  expect(Host::debian_13().startups(100),
         {Cause::max_startups, Layer::overload, Confidence::certain});
  expect_not(Host::debian_12().startups(9), Cause::max_startups);
  expect_not(Host::debian_12().startups(100).stale("processes"), Cause::max_startups);
}

// PerSourceMaxStartups writes the same lines.
TEST(max_startups, lines_of_the_log_prove_nothing_for_everybody) {
  auto host = Host::debian_12()
                  .startups(1)
                  .log(LogEvent::maxstartups_drop, "drop connection #1 past MaxStartups")
                  .log(LogEvent::maxstartups_state, "error: beginning MaxStartups throttling");
  expect(host, {Cause::none, Layer::none, Confidence::likely});
}

}  // namespace
