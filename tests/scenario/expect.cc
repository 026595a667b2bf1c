#include "scenario/expect.h"

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "diagnose/diagnose.h"
#include "diagnose/host_diagnosis.h"
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

std::string all_words(const model::HostDiagnosis& diagnosis) {
  std::string text;
  for (const auto& line : diagnosis.evidence) text += line + "\n";
  return text + "Fix: " + diagnosis.fix + "\n";
}

void expect_readable(const model::HostDiagnosis& diagnosis) {
  EXPECT_FALSE(diagnosis.evidence.empty());
  for (const auto& line : diagnosis.evidence) {
    EXPECT_EQ(line, base::printable(line, line.size())) << "not printable";
    EXPECT_FALSE(line.empty());
  }
  EXPECT_EQ(diagnosis.fix.empty(), diagnosis.cause == Cause::none) << diagnosis.fix;
}

void expect_series(const model::HostReport& report) {
  model::Snapshot snapshot;
  snapshot.host = std::make_shared<const model::HostReport>(report);
  const auto page = metrics::render(snapshot, {"1", "2", "3"}, 0);
  const auto& info = model::info(report.diagnosis.cause);
  const auto cause = "sshd_cause{cause=\"" + std::string(info.name) + "\",layer=\"" +
                     model::name_of(info.layer) + "\",confidence=\"" +
                     model::name_of(report.diagnosis.confidence) + "\"} 1\n";
  EXPECT_TRUE(contains(page, "\n" + cause)) << cause << page;
  const auto first = page.find("\nsshd_cause{");
  EXPECT_EQ(page.find("\nsshd_cause{", first + 1), std::string::npos) << "more than one";
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

model::HostDiagnosis diagnose(const Host& host, const model::HostQuestion& question) {
  const auto report = host.report();
  auto diagnosis = diagnose::diagnose_host(report, question);
  EXPECT_EQ(all_words(diagnosis), all_words(diagnose::diagnose_host(report, question)));
  // Nothing depends on the order in which things are found.
  auto turned = host;
  std::reverse(turned.systemd.units.begin(), turned.systemd.units.end());
  std::reverse(turned.listeners.listeners.begin(), turned.listeners.listeners.end());
  const auto again = diagnose::diagnose_host(turned.report(), question);
  EXPECT_EQ(model::info(diagnosis.cause).name, model::info(again.cause).name);
  EXPECT_EQ(diagnosis.confidence, again.confidence);
  return diagnosis;
}

void expect(const Host& host, const ExpectedHost& expected,
            const std::vector<std::string_view>& words, const model::HostQuestion& question) {
  const auto diagnosis = diagnose(host, question);
  const auto text = all_words(diagnosis);
  SCOPED_TRACE(text);
  EXPECT_EQ(model::info(diagnosis.cause).name, model::info(expected.cause).name);
  EXPECT_STREQ(model::name_of(model::info(diagnosis.cause).layer), model::name_of(expected.layer));
  EXPECT_STREQ(model::name_of(diagnosis.confidence), model::name_of(expected.confidence));
  for (auto one : words) EXPECT_TRUE(contains(text, one)) << "'" << one << "' is missing";
  expect_readable(diagnosis);
  auto report = host.report();
  diagnose::conclude(report);
  expect_series(report);
}

void expect_not(const Host& host, Cause cause, const model::HostQuestion& question) {
  const auto diagnosis = diagnose(host, question);
  SCOPED_TRACE(all_words(diagnosis));
  EXPECT_NE(model::info(diagnosis.cause).name, model::info(cause).name);
  expect_readable(diagnosis);
}

testing::AssertionResult says(const Host& host, std::string_view words,
                              const model::HostQuestion& question) {
  const auto text = all_words(diagnose(host, question));
  if (contains(text, words)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << words << "' is not in\n" << text;
}

testing::AssertionResult never_says(const Host& host, std::string_view words,
                                    const model::HostQuestion& question) {
  const auto text = all_words(diagnose(host, question));
  if (!contains(text, words)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << words << "' is in\n" << text;
}

testing::AssertionResult advises(const Host& host, std::string_view words,
                                 const model::HostQuestion& question) {
  const auto fix = diagnose(host, question).fix;
  if (contains(fix, words)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << words << "' is not in the fix\n" << fix;
}

model::HostQuestion asking(std::string_view source, std::string_view address, std::uint16_t port) {
  model::HostQuestion question;
  if (!source.empty()) question.source = ip(source);
  if (!address.empty()) question.address = ip(address);
  if (port != 0) question.port = port;
  return question;
}

}  // namespace scenario
