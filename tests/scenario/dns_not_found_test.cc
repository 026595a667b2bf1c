#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

TEST(dns_not_found, the_resolver_says_so) {
  auto probe = Probe("nowhere.example.net").resolve_failure(Outcome::dns_not_found, "NXDOMAIN");
  expect(probe, {Cause::dns_not_found, Layer::dns, Confidence::certain, Stage::resolve,
                 Outcome::dns_not_found});
  EXPECT_TRUE(says(probe, "nowhere.example.net has no address: NXDOMAIN"));
  EXPECT_TRUE(advises(probe, "nowhere.example.net"));
  EXPECT_EQ(responder(probe), "");
}

TEST(dns_not_found, hostile_words_are_made_printable) {
  auto probe = Probe().resolve_failure(Outcome::dns_not_found, "\x1b[31mred\xff\n");
  EXPECT_TRUE(says(probe, "?[31mred??"));
}

TEST(dns_not_found, refuted_by_an_address) {
  auto probe = Probe()
                   .resolve_failure(Outcome::dns_not_found, "no AAAA record")
                   .saw(Address("192.0.2.10").refused());
  expect_not(probe, Cause::dns_not_found);
  EXPECT_TRUE(says(probe, "The resolver also reported a failure: no AAAA record."));
}

}  // namespace
