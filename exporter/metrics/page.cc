#include "metrics/page.h"

#include <vector>

#include "metrics/exposition.h"
#include "metrics/host_metrics.h"
#include "metrics/own_metrics.h"
#include "metrics/process.h"
#include "metrics/target_metrics.h"

namespace metrics {

namespace {

void write_page(const model::Snapshot& snapshot, const BuildInfo& build, double previous_scrape,
                Exposition& page) {
  static const auto kBootTime = read_boot_time("/proc");
  write_targets(snapshot, page);
  write_host(snapshot, page);
  write_own({snapshot, build, previous_scrape, read_process("/proc", kBootTime)}, page);
  page.finish();
}

void append_reference_row(std::string& text, const MetricSpec& spec, bool of_target) {
  std::string labels = of_target ? "target" : "";
  if (!labels.empty() && !spec.labels.empty()) labels += ',';
  labels += spec.labels;
  for (std::size_t i = 0; (i = labels.find(',', i)) != std::string::npos; i += 2) {
    labels.replace(i, 1, ", ");
  }
  text += "| `" + std::string(spec.name) + "` | " + name_of(spec.type) + " | " + labels + " | " +
          std::string(spec.help) + " |\n";
}

}  // namespace

const char* name_of(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return "counter";
    case MetricType::gauge:
      return "gauge";
    case MetricType::histogram:
      return "histogram";
  }
  return "";
}

std::span<const MetricSpec> metric_table() {
  static const auto kTable = [] {
    std::vector<MetricSpec> table;
    for (const auto& metric : target_metrics()) table.push_back(metric.spec);
    for (const auto& metric : host_metrics()) table.push_back(metric.spec);
    for (const auto& metric : own_metrics()) table.push_back(metric.spec);
    return table;
  }();
  return kTable;
}

std::string reference() {
  std::string text = "| metric | type | labels | meaning |\n|---|---|---|---|\n";
  for (const auto& metric : target_metrics()) append_reference_row(text, metric.spec, true);
  for (const auto& metric : host_metrics()) append_reference_row(text, metric.spec, false);
  for (const auto& metric : own_metrics()) append_reference_row(text, metric.spec, false);
  return text;
}

std::string render(const model::Snapshot& snapshot, const BuildInfo& build,
                   double previous_scrape) {
  Exposition page;
  write_page(snapshot, build, previous_scrape, page);
  return page.take();
}

void render(const model::Snapshot& snapshot, const BuildInfo& build, double previous_scrape,
            const std::function<void(std::string_view)>& sink) {
  Exposition page(sink);
  write_page(snapshot, build, previous_scrape, page);
}

std::string render_probe(const model::TargetState& state) {
  Exposition page;
  write_probe(state, page);
  return page.take();
}

}  // namespace metrics
