#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;

Host tracking(std::uint64_t entries, std::uint64_t limit) {
  auto host = Host::debian_12();
  host.kernel.conntrack_entries = entries;
  host.kernel.conntrack_limit = limit;
  return host;
}

TEST(conntrack_full, at_the_limit) {
  expect(tracking(65536, 65536), {Cause::conntrack_full, Layer::overload, Confidence::likely},
         {"65536 connections are tracked, of at most 65536."});
}

TEST(conntrack_full, refuted_by_room_and_by_old_facts) {
  expect_not(tracking(65535, 65536), Cause::conntrack_full);
  expect_not(tracking(0, 0), Cause::conntrack_full);
  expect_not(tracking(65536, 65536).stale("kernel"), Cause::conntrack_full);
}

TEST(conntrack_full, what_keeps_sshd_itself_from_serving_comes_first) {
  auto stopped = tracking(65536, 65536);
  stopped.stopped();
  expect_not(stopped, Cause::conntrack_full);
  auto hung = tracking(65536, 65536);
  hung.server().state = 'T';
  expect_not(hung, Cause::conntrack_full);
}

}  // namespace
