// Whole pages, byte for byte. After a wanted change: UPDATE_GOLDEN=1, run, and read the difference.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "metrics/host_metrics.h"
#include "metrics/own_metrics.h"
#include "metrics/page.h"
#include "metrics/target_metrics.h"
#include "support/program.h"
#include "support/snapshots.h"
#include "web/host_json.h"
#include "web/json.h"

namespace {

std::string golden_path(const std::string& name) {
  return std::string(SOURCE_DIR) + "/tests/golden/" + name;
}

void expect_golden(const std::string& name, const std::string& text) {
  const auto path = golden_path(name);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << path << " is missing; run with UPDATE_GOLDEN=1";
  EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(file), {}))
      << "if this is wanted: UPDATE_GOLDEN=1, run again, and read the difference";
}

// promtool's opinion of a page that is golden already.
void expect_lint_free(const std::string& name) {
  const auto result =
      test_support::run_program({"promtool", "check", "metrics"}, golden_path(name));
  if (!result) GTEST_SKIP() << "promtool is missing";
  EXPECT_EQ(result->exit_code, 0) << result->output;
  EXPECT_EQ(result->output, "");
}

std::string metrics_page() {
  const auto snapshot = test_support::small_snapshot();
  const metrics::BuildInfo build{"1.2.3", "0123456789ab", "gcc-12.2.0"};
  const metrics::ProcessFacts process{.cpu_seconds = 12.34,
                                      .open_fds = 56,
                                      .max_fds = 1024,
                                      .virtual_memory_bytes = 123'456'789,
                                      .resident_memory_bytes = 23'456'768,
                                      .threads = 37,
                                      .start_time_seconds = 1767000000.25};
  metrics::Exposition page;
  metrics::write_targets(snapshot, page);
  metrics::write_host(snapshot, page);
  metrics::write_own({snapshot, build, 0.0125, process}, page);
  return page.take();
}

TEST(Golden, MetricsPage) {
  expect_golden("metrics.txt", metrics_page());
  expect_lint_free("metrics.txt");
}

TEST(Golden, ProbePages) {
  const auto check = [](const std::string& name, const model::TargetState& state) {
    expect_golden(name, metrics::render_probe(state));
    expect_lint_free(name);
  };
  check("probe_reachable.txt", *test_support::reachable("a.example.net:22"));
  check("probe_rejected.txt", *test_support::rejected("192.0.2.20:22"));
  check("probe_several_addresses.txt", *test_support::half_reachable("both.example.net:22"));
  check("probe_unresolved.txt", *test_support::unresolved("gone.example.net:22"));
  check("probe_hostile.txt", *test_support::hostile("a.example.net:22"));
}

TEST(Golden, TargetsAsJson) {
  std::string lines;
  for (const auto& state : test_support::small_snapshot().targets) {
    lines += web::to_json(*state) + "\n";
  }
  expect_golden("targets.jsonl", lines);
}

TEST(Golden, HostAsJson) {
  const auto host = test_support::busy_host();
  model::HostQuestion question;
  question.source = base::IpAddress::parse("198.51.100.7");
  question.port = 22;
  expect_golden("host.json", web::to_json(*host, question, host->diagnosis) + "\n");
}

}  // namespace
