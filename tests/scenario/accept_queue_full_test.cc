#include "scenario/expect.h"

namespace {

using namespace scenario;  // NOLINT: the vocabulary of scenarios
using model::Cause;
using model::Confidence;
using model::Layer;

constexpr ExpectedHost kFull{Cause::accept_queue_full, Layer::overload, Confidence::certain};

TEST(accept_queue_full, one_more_than_the_limit) {
  auto host = Host::debian_12().queue("0.0.0.0", 129);
  host.server().state = 'T';
  expect(host, kFull, {"129 connections wait at 0.0.0.0:22, whose queue takes 128."});
  expect_not(Host::debian_12().queue("0.0.0.0", 128), Cause::accept_queue_full);
}

TEST(accept_queue_full, of_what_was_asked_for) {
  auto host = Host::debian_13().queue("0.0.0.0", 129);
  host.server().state = 'T';
  expect(host, kFull, {}, asking("192.0.2.10", "192.0.2.10", 22));
  // Each family has a queue of its own.
  expect(host, {Cause::sshd_hung, Layer::overload, Confidence::certain}, {},
         asking("2001:db8::10", "2001:db8::10", 22));
}

TEST(accept_queue_full, systemds_own) {
  expect(Host::debian_12().socket_activated().queue("::", 4097), kFull, {"4097 connections"});
}

TEST(accept_queue_full, not_concluded_from_old_facts_or_another_programs_queue) {
  expect_not(Host::debian_12().queue("0.0.0.0", 129).stale("listeners"), Cause::accept_queue_full);
  auto host = Host::debian_12().bound_by("nginx", "192.0.2.10", 80).queue("192.0.2.10", 999);
  expect_not(host, Cause::accept_queue_full);
}

}  // namespace
