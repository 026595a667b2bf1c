// What every scenario asserts: the diagnosis whole, its words fit for people, and the series that
// Prometheus gets of it.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "model/diagnosis.h"
#include "support/evidence.h"

namespace scenario {

using evidence::Address;
using evidence::icmp;
using evidence::ip;
using evidence::Probe;

struct Expected {
  model::Cause cause;
  model::Layer layer;
  model::Confidence confidence;
  model::Stage stage;
  model::Outcome outcome;
};

// Also that the same evidence gives the same diagnosis again.
model::Diagnosis diagnose(const Probe& probe);
void expect(const Probe& probe, const Expected& expected);
// The near misses: what must lead elsewhere.
void expect_not(const Probe& probe, model::Cause cause);

testing::AssertionResult says(const Probe& probe, std::string_view words);
testing::AssertionResult never_says(const Probe& probe, std::string_view words);
testing::AssertionResult advises(const Probe& probe, std::string_view words);
// "target 192.0.2.10 rst", or empty if nobody answered.
std::string responder(const Probe& probe);

}  // namespace scenario
