#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

TEST(protocol_version, protocol_1_only) {
  auto address = Address("192.0.2.10").ended(Stage::banner, Outcome::unsupported_version);
  address.result().seen.server = model::ServerInfo{"1.5", "OpenSSH_3.9", ""};
  auto probe = Probe().saw(address);
  expect(probe, {Cause::protocol_version, Layer::protocol, Confidence::certain, Stage::banner,
                 Outcome::unsupported_version});
  EXPECT_TRUE(says(probe, "It identifies itself as 'SSH-1.5-OpenSSH_3.9'."));
  EXPECT_TRUE(advises(probe, "upgrade"));
}

TEST(protocol_version, refuted_by_a_later_stage) {
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::kexinit, Outcome::unsupported_version)),
             Cause::protocol_version);
}

}  // namespace
