#include "scenario/expect.h"

namespace {

using namespace scenario;              // NOLINT: the vocabulary of scenarios
using namespace std::chrono_literals;  // NOLINT
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

Expected failed(Outcome outcome) {
  return {Cause::kex_failed, Layer::protocol, Confidence::likely, Stage::kexinit, outcome};
}

TEST(kex_failed, the_exchange_did_not_come_whole) {
  for (auto outcome : {Outcome::closed, Outcome::reset, Outcome::timeout, Outcome::malformed}) {
    auto address =
        Address("192.0.2.10").ended(Stage::kexinit, outcome, 2s).identified("OpenSSH_9.2p1");
    auto probe = Probe().saw(address);
    expect(probe, failed(outcome));
    EXPECT_EQ(responder(probe), "");
    EXPECT_TRUE(says(probe, "It identifies itself as 'SSH-2.0-OpenSSH_9.2p1'."));
  }
}

TEST(kex_failed, silence_hints_at_the_packet_size) {
  auto ended = [](Outcome outcome) {
    return Probe().saw(Address("192.0.2.10").ended(Stage::kexinit, outcome, 9s));
  };
  EXPECT_TRUE(says(ended(Outcome::timeout), "MTU black hole"));
  EXPECT_TRUE(never_says(ended(Outcome::closed), "MTU black hole"));
}

TEST(kex_failed, the_reason_of_a_malformed_exchange_is_quoted) {
  auto address = Address("192.0.2.10").ended(Stage::kexinit, Outcome::malformed);
  address.result().seen.detail = "a packet of 4294967295 bytes";
  EXPECT_TRUE(says(Probe().saw(address), "malformed: a packet of 4294967295 bytes."));
}

TEST(kex_failed, refuted_before_the_identification) {
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::closed)),
             Cause::kex_failed);
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::malformed)),
             Cause::kex_failed);
}

}  // namespace
