#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

Expected closed(Outcome outcome) {
  return {Cause::closed_before_banner, Layer::service, Confidence::possible, Stage::banner,
          outcome};
}

TEST(closed_before_banner, an_end_without_a_byte) {
  for (auto outcome : {Outcome::closed, Outcome::reset}) {
    auto probe = Probe().saw(Address("192.0.2.10").ended(Stage::banner, outcome));
    expect(probe, closed(outcome));
    EXPECT_EQ(responder(probe), "");
    EXPECT_TRUE(says(probe, "192.0.2.10:22 accepted the connection after 1 ms."));
    EXPECT_TRUE(says(probe, "An end without a byte does not tell"));
    EXPECT_TRUE(advises(probe, "/run/sshd"));
  }
}

TEST(closed_before_banner, an_end_in_the_middle_of_the_identification) {
  auto address = Address("192.0.2.10").ended(Stage::banner, Outcome::closed);
  expect(Probe().saw(Address(address).unfinished("SSH-2.0-Open")), closed(Outcome::closed));
  expect(Probe().saw(Address(address).identified("OpenSSH_9.2p1")), closed(Outcome::closed));
}

TEST(closed_before_banner, an_end_after_bytes_that_are_no_text) {
  auto address = Address("192.0.2.10").ended(Stage::banner, Outcome::reset).bytes(3);
  expect(Probe().saw(address), closed(Outcome::reset));
  EXPECT_TRUE(says(Probe().saw(address), "after 3 bytes"));
}

TEST(closed_before_banner, refuted_by_text_and_by_later_stages) {
  auto banner = Address("192.0.2.10").ended(Stage::banner, Outcome::closed).said("busy");
  expect_not(Probe().saw(banner), Cause::closed_before_banner);
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::kexinit, Outcome::closed)),
             Cause::closed_before_banner);
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::banner, Outcome::timeout)),
             Cause::closed_before_banner);
}

}  // namespace
