#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::CheckOutcome;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

constexpr Expected kNothing{Cause::no_answer, Layer::network, Confidence::possible, Stage::connect,
                            Outcome::timeout};

TEST(no_answer, silence_everywhere) {
  auto address = Address("192.0.2.10")
                     .silent(9s)
                     .control(443, CheckOutcome::timeout)
                     .control(80, CheckOutcome::skipped);
  auto probe = Probe().saw(address);
  expect(probe, kNothing);
  EXPECT_EQ(responder(probe), "");
  EXPECT_TRUE(says(probe, "No answer to the SYN to 192.0.2.10:22 within 9.00 s."));
  EXPECT_TRUE(says(probe, "443 is silent, 80 was not tried (no time left)."));
  EXPECT_TRUE(advises(probe, "192.0.2.10"));
}

TEST(no_answer, a_wait_too_short_for_a_second_syn_is_said) {
  EXPECT_TRUE(says(Probe().saw(Address("192.0.2.10").silent(900ms)), "one lost packet"));
  EXPECT_TRUE(never_says(Probe().saw(Address("192.0.2.10").silent(1s)), "one lost packet"));
}

TEST(no_answer, another_address_that_works_is_mentioned_only) {
  auto probe = Probe().saw(Address("192.0.2.10").silent()).saw(Address("192.0.2.11").reached());
  expect(probe, kNothing);
  EXPECT_TRUE(says(probe, "The others: 192.0.2.11 is fine."));
}

TEST(no_answer, an_old_or_meaningless_rejection_is_no_evidence) {
  expect(Probe().saw(Address("192.0.2.10").silent().earlier(icmp(3, 13, "203.0.113.1"), 11min)),
         kNothing);
  expect(Probe().saw(Address("192.0.2.10").silent().earlier(icmp(3, 4, "203.0.113.1"), 1min)),
         kNothing);
  expect(Probe().saw(Address("192.0.2.10").silent().earlier(icmp(1, 1, "2001:db8::1"), 1min)),
         kNothing);
}

TEST(no_answer, refuted_by_any_port_that_answers) {
  expect_not(Probe().saw(Address("192.0.2.10").silent().control(80, CheckOutcome::refused_rst)),
             Cause::no_answer);
}

TEST(no_answer, refuted_by_a_recent_rejection) {
  expect_not(Probe().saw(Address("192.0.2.10").silent().earlier(icmp(3, 3, "192.0.2.10"), 9min)),
             Cause::no_answer);
}

}  // namespace
