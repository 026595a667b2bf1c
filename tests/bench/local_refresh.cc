// What a look at this host costs: every collector of the table in turn, again and again, with
// nothing changed in between. Programs that the collectors run are not counted.
//
//   bench_local_refresh [ROUNDS [ROOT]]

#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "diagnose/host_diagnosis.h"
#include "local/collector.h"

namespace {

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_megabytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  file >> size >> resident;
  constexpr double kPage = 4096;
  return static_cast<double>(resident) * kPage / 1e6;
}

struct Part {
  std::string name;
  std::unique_ptr<local::Collector> collector;
  double first = 0;
  double later = 0;
  std::string reason;
};

void look(std::vector<Part>& parts, model::HostFacts& facts, bool first) {
  for (auto& part : parts) {
    model::HostFacts mine;
    const auto begin = cpu_seconds();
    part.reason = part.collector->collect(facts, mine);
    (first ? part.first : part.later) += cpu_seconds() - begin;
    merge(mine, facts);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::stoi(argv[1]) : 100;
  const local::Host host(argc > 2 ? argv[2] : "/");
  const base::SystemClock clock;
  std::vector<Part> parts;
  for (const auto& row : local::collectors()) {
    parts.push_back({std::string(row.name), row.make({host, clock, ""}), 0, 0, {}});
  }
  model::HostFacts facts;
  look(parts, facts, true);
  for (int i = 0; i < rounds; ++i) look(parts, facts, false);

  double total = 0;
  std::printf("%-14s %12s %12s\n", "collector", "first, ms", "later, ms");
  for (const auto& part : parts) {
    const auto later = part.later / rounds;
    total += later;
    std::printf("%-14s %12.2f %12.3f  %s\n", part.name.c_str(), part.first * 1e3, later * 1e3,
                part.reason.c_str());
  }
  model::HostReport report;
  report.facts = facts;
  for (const auto& part : parts) {
    model::CollectorStatus status;
    status.name = part.name;
    status.success = status.fresh = true;
    report.collectors.push_back(status);
  }
  const auto begin = cpu_seconds();
  for (int i = 0; i < rounds; ++i) diagnose::conclude(report);
  const auto conclusion = (cpu_seconds() - begin) / rounds;
  std::printf("%-14s %12s %12.3f\n", "conclusion", "", conclusion * 1e3);
  std::printf("a refresh: %.2f ms CPU, %.1f MB resident; cause %s\n", (total + conclusion) * 1e3,
              resident_megabytes(), std::string(model::info(report.diagnosis.cause).name).c_str());
  return 0;
}
