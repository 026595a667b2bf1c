// Snapshot → the text of /metrics and /probe (Prometheus text format 0.0.4).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "model/snapshot.h"

namespace metrics {

enum class MetricType { counter, gauge, histogram };
const char* name_of(MetricType type);

// One row of the metric table: the exposition's HELP and TYPE, the reference and the tidy test.
struct MetricSpec {
  std::string_view name;
  MetricType type;
  std::string_view
      labels;  // comma-separated, beside `target` and the target's own; for the reference
  std::string_view help;
};
std::span<const MetricSpec> metric_table();
// Markdown: the metric table for people; first column the name in backticks.
std::string reference();

struct BuildInfo {
  std::string version;
  std::string revision;
  std::string compiler;
};

// The whole page. `previous_scrape` is how long the last page took, in seconds. Ten thousand
// targets make some 15 MB: with a sink the page is handed over in pieces and never held as a whole.
std::string render(const model::Snapshot& snapshot, const BuildInfo& build, double previous_scrape);
void render(const model::Snapshot& snapshot, const BuildInfo& build, double previous_scrape,
            const std::function<void(std::string_view)>& sink);
// The series of one target without its `target` label.
std::string render_probe(const model::TargetState& state);

}  // namespace metrics
