#include "scenario/expect.h"

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "diagnose/diagnose.h"
#include "metrics/page.h"

namespace scenario {

namespace {

using model::Cause;
using model::Diagnosis;

std::string all_words(const Diagnosis& diagnosis) {
  std::string text;
  for (const auto& line : diagnosis.evidence) text += line + "\n";
  return text + "Fix: " + diagnosis.fix + "\n";
}

bool contains(const std::string& text, std::string_view words) {
  return text.find(words) != std::string::npos;
}

void expect_readable(const Diagnosis& diagnosis) {
  EXPECT_FALSE(diagnosis.evidence.empty());
  for (const auto& line : diagnosis.evidence) {
    EXPECT_EQ(line, base::printable(line, line.size())) << "not printable";
    EXPECT_FALSE(line.empty());
  }
  EXPECT_EQ(diagnosis.fix.empty(), diagnosis.cause == Cause::none) << diagnosis.fix;
  EXPECT_EQ(diagnosis.success, diagnosis.cause == Cause::none);
}

void expect_series(const Probe& probe, const Diagnosis& diagnosis) {
  model::TargetState state;
  state.target = std::make_shared<const model::Target>(probe.target());
  state.last =
      std::make_shared<const model::ProbeReport>(model::ProbeReport{probe.result(), diagnosis});
  state.probes = 1;
  std::string page = metrics::render_probe(state);
  const auto& info = model::info(diagnosis.cause);
  std::string cause = "ssh_probe_cause{cause=\"" + std::string(info.name) + "\",layer=\"" +
                      model::name_of(info.layer) + "\",confidence=\"" +
                      model::name_of(diagnosis.confidence) + "\"} 1\n";
  EXPECT_TRUE(contains(page, cause)) << cause << page;
  std::string success = diagnosis.success ? "1" : "0";
  EXPECT_TRUE(contains(page, "ssh_probe_success " + success + "\n")) << page;
}

}  // namespace

Diagnosis diagnose(const Probe& probe) {
  Diagnosis diagnosis = diagnose::diagnose(probe.target(), probe.result());
  Diagnosis again = diagnose::diagnose(probe.target(), probe.result());
  EXPECT_EQ(all_words(diagnosis), all_words(again));
  EXPECT_EQ(diagnosis.cause, again.cause);
  EXPECT_EQ(diagnosis.decided_by, again.decided_by);
  EXPECT_EQ(diagnosis.addresses.size(), probe.result().addresses.size());
  return diagnosis;
}

void expect(const Probe& probe, const Expected& expected) {
  Diagnosis diagnosis = diagnose(probe);
  SCOPED_TRACE(all_words(diagnosis));
  EXPECT_EQ(model::info(diagnosis.cause).name, model::info(expected.cause).name);
  EXPECT_STREQ(model::name_of(model::info(diagnosis.cause).layer), model::name_of(expected.layer));
  EXPECT_STREQ(model::name_of(diagnosis.confidence), model::name_of(expected.confidence));
  EXPECT_STREQ(model::name_of(diagnosis.stage), model::name_of(expected.stage));
  EXPECT_STREQ(model::name_of(diagnosis.outcome), model::name_of(expected.outcome));
  EXPECT_EQ(diagnosis.decided_by.has_value(), !probe.result().addresses.empty());
  expect_readable(diagnosis);
  expect_series(probe, diagnosis);
}

void expect_not(const Probe& probe, Cause cause) {
  Diagnosis diagnosis = diagnose(probe);
  SCOPED_TRACE(all_words(diagnosis));
  EXPECT_NE(model::info(diagnosis.cause).name, model::info(cause).name);
  expect_readable(diagnosis);
}

testing::AssertionResult says(const Probe& probe, std::string_view words) {
  std::string text = all_words(diagnose(probe));
  if (contains(text, words)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << words << "' is not in\n" << text;
}

testing::AssertionResult never_says(const Probe& probe, std::string_view words) {
  std::string text = all_words(diagnose(probe));
  if (!contains(text, words)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << words << "' is in\n" << text;
}

testing::AssertionResult advises(const Probe& probe, std::string_view words) {
  std::string fix = diagnose(probe).fix;
  if (contains(fix, words)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << words << "' is not in the fix\n" << fix;
}

std::string responder(const Probe& probe) {
  auto responder = diagnose(probe).responder;
  if (!responder) return "";
  return std::string(model::name_of(responder->role)) + " " + responder->address.to_string() + " " +
         responder->signal;
}

}  // namespace scenario
