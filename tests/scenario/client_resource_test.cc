#include <cerrno>

#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

TEST(client_resource, the_own_machine_lacks_something) {
  for (int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EADDRINUSE, EAGAIN}) {
    auto probe = Probe().saw(Address("192.0.2.10").local_error(error));
    expect(probe, {Cause::client_resource, Layer::client, Confidence::certain, Stage::connect,
                   Outcome::local_error});
    EXPECT_EQ(responder(probe), "");
  }
  EXPECT_TRUE(advises(Probe().saw(Address("192.0.2.10").local_error(EMFILE)), "LimitNOFILE"));
  EXPECT_TRUE(
      advises(Probe().saw(Address("192.0.2.10").local_error(EADDRNOTAVAIL)), "source_address"));
}

TEST(client_resource, refuted_by_another_error) {
  for (int error : {ENETUNREACH, EPERM, EIO, 0, -1, 9999}) {
    expect_not(Probe().saw(Address("192.0.2.10").local_error(error)), Cause::client_resource);
  }
}

}  // namespace
