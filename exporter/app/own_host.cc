#include "app/own_host.h"

#include <cstdlib>
#include <utility>

#include "diagnose/host_diagnosis.h"

namespace app {

local::WatchSettings watch_settings(const config::LocalSettings& settings) {
  auto directory = settings.state_directory;
  if (directory.empty()) {
    // systemd separates several by colons; ours is the first.
    const char* given = std::getenv("STATE_DIRECTORY");
    if (given != nullptr) directory = std::string(given).substr(0, std::string(given).find(':'));
  }
  return {settings.interval, settings.root, directory};
}

local::WatchSettings once_settings(const config::LocalSettings& settings) {
  return {std::chrono::minutes(1), settings.root, ""};
}

std::shared_ptr<local::HostWatch> watch_host(local::WatchSettings settings,
                                             local::HostWatch::Publish publish) {
  return std::make_shared<local::HostWatch>(
      std::move(settings), [](model::HostReport& report) { diagnose::conclude(report); },
      std::move(publish));
}

void consult_host(local::HostWatch& watch, const model::Target& target,
                  const model::ProbeResult& result, const model::Diagnosis& diagnosis,
                  probe::Prober::Answer answer) {
  watch.ask([target, result, diagnosis,
             answer = std::move(answer)](const local::HostWatch::Report& report) {
    answer(diagnose::refine(diagnosis, target, result, *report));
  });
}

}  // namespace app
