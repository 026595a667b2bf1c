// What every scenario asserts: the diagnosis whole, its words fit for people, and the series that
// Prometheus gets of it.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "model/diagnosis.h"
#include "support/evidence.h"
#include "support/host_evidence.h"

namespace scenario {

using evidence::Address;
using evidence::endpoint;
using evidence::Host;
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
// The same for what the agent concludes from its own host's facts, for anybody unless asked.
struct ExpectedHost {
  model::Cause cause;
  model::Layer layer;
  model::Confidence confidence;
};
model::HostDiagnosis diagnose(const Host& host, const model::HostQuestion& question = {});
// Also that the words prove it: each of `words` is in the evidence.
void expect(const Host& host, const ExpectedHost& expected,
            const std::vector<std::string_view>& words = {},
            const model::HostQuestion& question = {});
void expect_not(const Host& host, model::Cause cause, const model::HostQuestion& question = {});
testing::AssertionResult says(const Host& host, std::string_view words,
                              const model::HostQuestion& question = {});
testing::AssertionResult never_says(const Host& host, std::string_view words,
                                    const model::HostQuestion& question = {});
testing::AssertionResult advises(const Host& host, std::string_view words,
                                 const model::HostQuestion& question = {});
model::HostQuestion asking(std::string_view source, std::string_view address = "",
                           std::uint16_t port = 0);

// "target 192.0.2.10 rst", or empty if nobody answered.
std::string responder(const Probe& probe);

}  // namespace scenario
