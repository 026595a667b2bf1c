#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

TEST(dns_failed, the_resolver_gave_no_answer) {
  auto probe = Probe().resolve_failure(Outcome::dns_failed, "SERVFAIL from 192.0.2.53");
  expect(probe,
         {Cause::dns_failed, Layer::dns, Confidence::certain, Stage::resolve, Outcome::dns_failed});
  EXPECT_TRUE(says(probe, "SERVFAIL from 192.0.2.53"));
  EXPECT_TRUE(advises(probe, "getent ahosts bastion.example.net"));
}

TEST(dns_failed, refuted_by_a_resolver_that_reported_nothing) {
  expect_not(Probe(), Cause::dns_failed);
  expect_not(Probe().resolve_failure(Outcome::ok, ""), Cause::dns_failed);
  expect_not(Probe().resolve_failure(Outcome::dns_not_found, ""), Cause::dns_failed);
}

}  // namespace
