#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;
using model::Outcome;
using model::Stage;

constexpr Expected kMismatch{Cause::kex_mismatch, Layer::protocol, Confidence::certain,
                             Stage::kexinit, Outcome::no_common_algorithm};

Address without_common(const char* kind, const char* offered) {
  return Address("192.0.2.10")
      .ended(Stage::kexinit, Outcome::no_common_algorithm)
      .identified("OpenSSH_5.3")
      .mismatch(kind, offered);
}

TEST(kex_mismatch, the_kind_and_both_lists_are_named) {
  model::ProbeSettings settings;
  settings.client.kex_algorithms = {"curve25519-sha256", "ecdh-sha2-nistp256"};
  auto probe =
      Probe().settings(settings).saw(without_common("key exchange", "diffie-hellman-group1-sha1"));
  expect(probe, kMismatch);
  EXPECT_TRUE(says(probe,
                   "No common key exchange algorithm: the server offers "
                   "diffie-hellman-group1-sha1; the client knows "
                   "curve25519-sha256,ecdh-sha2-nistp256."));
  EXPECT_TRUE(says(probe, "It identifies itself as 'SSH-2.0-OpenSSH_5.3'."));
  EXPECT_TRUE(advises(probe, "KexAlgorithms"));
}

TEST(kex_mismatch, every_kind_has_its_keyword) {
  EXPECT_TRUE(advises(Probe().saw(without_common("host key", "ssh-dss")), "HostKeyAlgorithms"));
  EXPECT_TRUE(
      advises(Probe().saw(without_common("cipher client to server", "3des-cbc")), "Ciphers"));
  EXPECT_TRUE(advises(Probe().saw(without_common("MAC server to client", "hmac-md5")), "MACs"));
  EXPECT_TRUE(
      advises(Probe().saw(without_common("compression client to server", "zlib")), "Compression"));
  expect(Probe().saw(without_common("something new", "")), kMismatch);
}

TEST(kex_mismatch, refuted_if_the_kind_is_not_known) {
  auto probe =
      Probe().saw(Address("192.0.2.10").ended(Stage::kexinit, Outcome::no_common_algorithm));
  expect(probe, {Cause::unknown, Layer::unknown, Confidence::possible, Stage::kexinit,
                 Outcome::no_common_algorithm});
  EXPECT_TRUE(says(probe, "lacks what its outcome implies"));
}

TEST(kex_mismatch, refuted_by_an_exchange_that_broke) {
  expect_not(Probe().saw(Address("192.0.2.10").ended(Stage::kexinit, Outcome::malformed)),
             Cause::kex_mismatch);
}

}  // namespace
