#include "diagnose/rules.h"

#include <gtest/gtest.h>

#include <set>

#include "diagnose/host_rules.h"
#include "support/evidence.h"

namespace diagnose {
namespace {

using evidence::Address;
using evidence::Probe;
using model::Cause;
using model::Confidence;

TEST(rules, every_cause_has_one) {
  std::set<Cause> ruled;
  for (const Rule& rule : rules()) ruled.insert(rule.cause);
  for (const HostRule& rule : host_rules()) ruled.insert(rule.cause);
  // These are proved by the resolver alone, before there is an address.
  ruled.insert(Cause::dns_not_found);
  ruled.insert(Cause::dns_failed);
  EXPECT_EQ(ruled.size(), model::all_causes().size());
}

TEST(rules, every_rule_gives_its_reason) {
  for (const Rule& rule : rules()) {
    EXPECT_NE(rule.needs, nullptr);
    EXPECT_NE(rule.fix, nullptr);
    EXPECT_TRUE(rule.because.ends_with(".")) << rule.because;
    EXPECT_LE(rule.because.size(), 250U) << rule.because;
  }
}

TEST(rules, the_last_holds_for_anything) {
  const Rule& last = rules().back();
  EXPECT_EQ(last.cause, Cause::unknown);
  EXPECT_EQ(last.refuted_by, nullptr);
  Probe probe = Probe().saw(Address("192.0.2.10"));
  EXPECT_TRUE(last.needs(Case(probe.target(), probe.result(), probe.result().addresses[0])));
}

// A certain answer that is wrong is the worst defect: who adds a cause here must know a fact that
// nothing else can produce.
TEST(rules, only_these_are_ever_certain) {
  const std::set<Cause> certain{
      Cause::none,         Cause::client_resource, Cause::client_no_route,  Cause::client_blocked,
      Cause::max_startups, Cause::not_ssh,         Cause::protocol_version, Cause::kex_mismatch};
  for (const Rule& rule : rules()) {
    if (rule.confidence == Confidence::certain) {
      EXPECT_TRUE(certain.contains(rule.cause)) << model::info(rule.cause).name;
    }
  }
}

TEST(rules, umbrellas_are_only_possible) {
  const std::set<Cause> umbrellas{Cause::no_answer,   Cause::port_filtered,
                                  Cause::port_closed, Cause::closed_before_banner,
                                  Cause::turned_away, Cause::unknown};
  for (const Rule& rule : rules()) {
    if (umbrellas.contains(rule.cause)) {
      EXPECT_EQ(rule.confidence, Confidence::possible) << model::info(rule.cause).name;
    }
  }
}

}  // namespace
}  // namespace diagnose
