// `diagnose`: one probe of each target, all at once, and the answer for a person or a program.

#include <algorithm>
#include <future>
#include <iostream>
#include <map>
#include <vector>

#include "app/commands.h"
#include "app/exporter.h"
#include "app/own_host.h"
#include "app/terminal.h"
#include "base/text.h"
#include "diagnose/diagnose.h"
#include "diagnose/host_diagnosis.h"
#include "web/json.h"

namespace app {

namespace {

constexpr int kBadInput = 2;

void print_for_people(const model::TargetState& state) {
  const auto& diagnosis = state.last->diagnosis;
  print_finding({state.target->name, "reachable", diagnosis.cause, diagnosis.confidence,
                 diagnosis.evidence, diagnosis.fix});
}

base::Result<std::vector<std::shared_ptr<const model::Target>>> wanted_targets(
    const DiagnoseOptions& options, const config::Configuration& configuration) {
  std::map<std::string, std::shared_ptr<const model::Target>> configured;
  for (const auto& target : configuration.targets) configured.emplace(target->name, target);
  std::vector<std::shared_ptr<const model::Target>> targets;
  for (const auto& text : options.targets) {
    auto where = base::parse_host_port(text, model::kSshPort);
    if (!where) return base::Error{where.error()};
    model::Target target;
    target.name = base::format_host_port(where->host, where->port);
    target.host = where->host;
    target.port = where->port;
    auto settings = configuration.probe;
    if (auto known = configured.find(target.name); known != configured.end()) {
      target.labels = known->second->labels;
      settings = *known->second->settings;
    }
    if (options.timeout) {
      auto timeout = base::parse_duration(*options.timeout);
      if (!timeout) return base::Error{"--timeout: " + timeout.error()};
      if (*timeout <= base::Duration::zero()) return base::Error{"--timeout: must be above 0"};
      settings.timeout = *timeout;
    }
    target.settings = std::make_shared<const model::ProbeSettings>(std::move(settings));
    targets.push_back(std::make_shared<const model::Target>(std::move(target)));
  }
  return targets;
}

}  // namespace

int diagnose(const DiagnoseOptions& options) {
  auto configuration = load_configuration(options.config_file);
  if (!configuration) {
    std::cerr << configuration.error() << "\n";
    return kBadInput;
  }
  auto targets = wanted_targets(options, *configuration);
  if (!targets) {
    std::cerr << targets.error() << "\n";
    return kBadInput;
  }

  base::SystemClock clock;
  std::shared_ptr<local::HostWatch> watch;  // made when a target turns out to be this host
  probe::Prober prober(
      clock,
      [](const model::Target& target, const model::ProbeResult& result) {
        return diagnose::diagnose(target, result);
      },
      [](const probe::Prober::Targets&, const model::FleetState&) {},
      [&](const model::Target& target, const model::ProbeResult& result,
          const model::Diagnosis& diagnosis, probe::Prober::Answer answer) {
        if (!configuration->local.enabled || !diagnose::is_own_host(result, nullptr)) return false;
        if (!watch) watch = watch_host(once_settings(configuration->local), [](const auto&) {});
        consult_host(*watch, target, result, diagnosis, std::move(answer));
        return true;
      });
  std::vector<std::future<probe::Prober::Once>> answers;
  // Targets that share an address take turns, so all of them may have to wait for each other.
  const auto patience = std::chrono::minutes(1) + probe::Pacer::kGap * targets->size();
  for (const auto& target : *targets) {
    auto done = std::make_shared<std::promise<probe::Prober::Once>>();
    answers.push_back(done->get_future());
    prober.probe_once(target, {.timeout = target->settings->timeout, .patience = patience}, {},
                      [done](probe::Prober::Once once) { done->set_value(std::move(once)); });
  }
  bool all_reachable = true;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto state = answers[i].get().state;
    if (!state) {
      std::cerr << (*targets)[i]->name << ": not probed: too many targets share its address\n";
      all_reachable = false;
      continue;
    }
    all_reachable = all_reachable && state->last->diagnosis.success;
    if (options.json) {
      std::cout << web::to_json(*state) << std::endl;
    } else {
      print_for_people(*state);
    }
  }
  prober.stop();
  watch.reset();  // while the prober, which it may still answer, is there
  return all_reachable ? 0 : 1;
}

}  // namespace app
