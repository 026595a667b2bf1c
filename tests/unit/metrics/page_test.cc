#include "metrics/page.h"

#include <gmock/gmock.h>

#include <map>
#include <set>
#include <sstream>

#include "metrics/target_metrics.h"
#include "model/labels.h"
#include "support/snapshots.h"

namespace metrics {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const BuildInfo kBuild{"1.2.3", "abcdef", "gcc"};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> lines_with(const std::string& text, const std::string& part) {
  auto lines = lines_of(text);
  std::erase_if(lines, [&](const std::string& line) {
    return line.starts_with('#') || line.find(part) == std::string::npos;
  });
  return lines;
}

std::set<std::string> label_names(std::string_view labels) {
  std::set<std::string> names;
  std::istringstream stream{std::string(labels)};
  for (std::string name; std::getline(stream, name, ',');) names.insert(name);
  return names;
}

TEST(Page, BeforeTheFirstProbeOnlyTheCountersExist) {
  EXPECT_THAT(lines_of(render_probe(*test_support::never_probed("a:22"))),
              testing::ElementsAre(StartsWith("# HELP ssh_probes_total "),
                                   "# TYPE ssh_probes_total counter", "ssh_probes_total 0"));
}

TEST(Page, EveryProbedTargetHasOneCauseAndOneOutcome) {
  const auto page = render(test_support::large_snapshot(400), kBuild, 0);
  EXPECT_EQ(lines_with(page, "ssh_probe_cause{").size(), 400U);
  EXPECT_EQ(lines_with(page, "ssh_probe_outcome{").size(), 400U);
  EXPECT_THAT(page, HasSubstr("\nssh_targets{layer=\"none\",cause=\"none\"} 360\n"));
  EXPECT_THAT(page, HasSubstr("\nssh_targets{layer=\"dns\",cause=\"dns_not_found\"} 10\n"));
}

TEST(Page, CausesWithoutTargetsAreZero) {
  const auto page = render({}, kBuild, 0);
  EXPECT_EQ(lines_with(page, "ssh_targets{").size(), model::all_causes().size());
  EXPECT_THAT(page, HasSubstr("\nssh_targets{layer=\"unknown\",cause=\"unknown\"} 0\n"));
}

TEST(Page, LabelsAreTheTargetsThenTheMetrics) {
  const auto page = render(test_support::small_snapshot(), kBuild, 0);
  EXPECT_THAT(page, HasSubstr("\nssh_probe_cause{target=\"bastion.example.net:22\",owner=\"ops\","
                              "site=\"ams\",cause=\"none\",layer=\"none\","
                              "confidence=\"certain\"} 1\n"));
}

TEST(Page, AddressesAppearOnlyIfThereAreSeveral) {
  const auto page = render(test_support::small_snapshot(), kBuild, 0);
  EXPECT_EQ(lines_with(page, "ssh_probe_address_success{").size(), 2U);
  EXPECT_THAT(lines_with(page, "ssh_probe_address_cause{"),
              testing::Each(HasSubstr("target=\"both.example.net:22\"")));
}

TEST(Page, HostileTextStaysInsideItsLabel) {
  const auto page = render_probe(*test_support::hostile("a:22"));
  EXPECT_THAT(page, HasSubstr(R"(software="evil\"}?# x\\ ?? <b>?</b>"} 1)"));
  for (const auto& line : lines_of(page)) {
    EXPECT_TRUE(line.starts_with("# ") || line.starts_with("ssh_probe")) << line;
  }
}

TEST(Page, EverySampleIsInTheTableWithItsLabels) {
  std::map<std::string, const MetricSpec*> table;
  for (const auto& spec : metric_table()) {
    EXPECT_TRUE(table.emplace(spec.name, &spec).second) << spec.name << " is there twice";
  }
  const auto page = render(test_support::small_snapshot(), kBuild, 0.5);
  std::set<std::string> seen;
  for (const auto& line : lines_of(page)) {
    if (line.starts_with("# TYPE ")) seen.insert(line.substr(7, line.find(' ', 7) - 7));
  }
  for (const auto& [name, spec] : table) EXPECT_TRUE(seen.contains(name)) << name;
  EXPECT_EQ(seen.size(), table.size());
}

TEST(Page, OwnLabelsOfMetricsAreReserved) {
  for (const auto& metric : target_metrics()) {
    for (const auto& name : label_names(metric.spec.labels))
      EXPECT_TRUE(model::is_reserved_label(name)) << name;
  }
}

TEST(Page, CountersEndInTotalAndOthersDoNot) {
  for (const auto& spec : metric_table()) {
    EXPECT_EQ(spec.name.ends_with("_total"), spec.type == MetricType::counter) << spec.name;
    EXPECT_TRUE(spec.help.ends_with('.')) << spec.name;
  }
}

TEST(Page, StreamedPagesAreTheSame) {
  const auto snapshot = test_support::large_snapshot(2000);
  std::string streamed;
  render(snapshot, kBuild, 0, [&](std::string_view piece) { streamed += piece; });
  const auto whole = render(snapshot, kBuild, 0);
  const auto process = whole.find("# HELP process_");
  EXPECT_EQ(streamed.substr(0, process), whole.substr(0, process));
}

TEST(Reference, HasARowForEveryMetric) {
  const auto text = reference();
  for (const auto& spec : metric_table()) {
    EXPECT_THAT(text, HasSubstr("| `" + std::string(spec.name) + "` | "));
  }
  EXPECT_THAT(text, HasSubstr("| `ssh_probe_cause` | gauge | target, cause, layer, confidence |"));
  EXPECT_THAT(text, HasSubstr("| `ssh_targets` | gauge | layer, cause |"));
}

}  // namespace
}  // namespace metrics
