#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::CheckOutcome;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

TEST(wrong_port, refused_here_and_ssh_elsewhere) {
  auto address = Address("192.0.2.10")
                     .refused()
                     .alternative(222, CheckOutcome::refused_rst)
                     .alternative(2222, CheckOutcome::accepted, true);
  auto probe = Probe().saw(address);
  expect(probe, {Cause::wrong_port, Layer::binding, Confidence::likely, Stage::connect,
                 Outcome::refused_rst});
  EXPECT_EQ(scenario::diagnose(probe).alternative_port, 2222);
  EXPECT_TRUE(says(probe, "222 refuses with a reset, 2222 is an SSH server."));
  EXPECT_TRUE(advises(probe, "bastion.example.net:2222"));
}

TEST(wrong_port, refuted_without_a_reset_though_the_port_is_named) {
  for (auto address :
       {Address("192.0.2.10").silent(), Address("192.0.2.10").rejected(3, 3, "192.0.2.10"),
        Address("192.0.2.10").ended(Stage::banner, Outcome::closed)}) {
    auto probe = Probe().saw(address.alternative(2222, CheckOutcome::accepted, true));
    expect_not(probe, Cause::wrong_port);
    EXPECT_EQ(scenario::diagnose(probe).alternative_port, 2222);
  }
}

TEST(wrong_port, refuted_by_another_service_there) {
  expect_not(Probe().saw(Address("192.0.2.10").refused().alternative(2222, CheckOutcome::accepted)),
             Cause::wrong_port);
}

}  // namespace
