#include "app/exporter.h"

#include <malloc.h>

#include <filesystem>
#include <future>
#include <utility>

#include "app/own_host.h"
#include "base/log.h"
#include "base/text.h"
#include "diagnose/diagnose.h"
#include "diagnose/host_diagnosis.h"

namespace app {

namespace {

// How long a web request waits for the main thread to reload: reading 100,000 targets takes about a
// second.
constexpr auto kReloadPatience = std::chrono::seconds(30);
// Beyond a probe's own deadline, for the way to the prober's thread and back.
constexpr auto kHandover = std::chrono::seconds(2);

web::ProbeReply refuse(web::ProbeRefusal refusal, std::string message) {
  return {refusal, std::move(message), nullptr};
}

web::ProbeReply reply_to(probe::Prober::Once once) {
  switch (once.end) {
    case probe::ProbeRun::End::completed:
      return {std::nullopt, {}, std::move(once.state)};
    case probe::ProbeRun::End::forbidden:
      return refuse(web::ProbeRefusal::forbidden_address,
                    once.culprit->to_string() + " is outside probe_endpoint.allowed_networks");
    case probe::ProbeRun::End::postponed:
      if (!once.culprit) return refuse(web::ProbeRefusal::busy, "the target is being probed now");
      return refuse(web::ProbeRefusal::busy,
                    once.culprit->to_string() +
                        " is already probed once per second, the most an sshd tolerates");
  }
  return refuse(web::ProbeRefusal::busy, "");
}

bool permitted(const config::Configuration& configuration, const base::IpAddress& address) {
  for (const auto& network : configuration.probe_endpoint.allowed_networks) {
    if (network.contains(address)) return true;
  }
  return false;
}

}  // namespace

base::Result<config::Configuration> load_configuration(const std::optional<std::string>& file) {
  if (file) return config::load(*file);
  if (std::filesystem::exists(kDefaultConfigFile)) return config::load(kDefaultConfigFile);
  return config::built_in();
}

Exporter::Exporter(base::EventLoop& loop, ServeOptions options, config::Configuration configuration)
    : loop_(loop),
      options_(std::move(options)),
      discovery_(loop, [this] { update_targets(); }),
      prober_(
          loop.clock(),
          [](const model::Target& target, const model::ProbeResult& result) {
            return diagnose::diagnose(target, result);
          },
          [this](probe::Prober::Targets targets, const model::FleetState& fleet) {
            store_.publish(std::move(targets), fleet);
          },
          [this](const model::Target& target, const model::ProbeResult& result,
                 const model::Diagnosis& diagnosis, probe::Prober::Answer answer) {
            return consult(target, result, diagnosis, std::move(answer));
          }) {
  set_configuration(std::move(configuration));
}

std::shared_ptr<const config::Configuration> Exporter::configuration() {
  std::lock_guard lock(mutex_);
  return configuration_;
}

void Exporter::set_configuration(config::Configuration configuration) {
  auto next = std::make_shared<const config::Configuration>(std::move(configuration));
  {
    std::lock_guard lock(mutex_);
    configuration_ = std::move(next);
  }
  store_.set_reload({true, loop_.clock().wall()});
  update_watch(this->configuration()->local);
  update_targets();
}

void Exporter::update_watch(const config::LocalSettings& settings) {
  std::shared_ptr<local::HostWatch> before;
  {
    std::lock_guard lock(mutex_);
    const bool same = watch_ && settings.enabled && watch_->settings() == watch_settings(settings);
    if (same) return;
    before = std::exchange(watch_, nullptr);
  }
  before.reset();  // two must not write the same state
  if (!settings.enabled) {
    store_.set_host(nullptr);
    return;
  }
  auto watch = watch_host(watch_settings(settings), [this](local::HostWatch::Report report) {
    store_.set_host(std::move(report));
  });
  std::lock_guard lock(mutex_);
  watch_ = std::move(watch);
}

// A target that is this host itself: its own facts say more than any probe.
bool Exporter::consult(const model::Target& target, const model::ProbeResult& result,
                       const model::Diagnosis& diagnosis, probe::Prober::Answer answer) {
  std::shared_ptr<local::HostWatch> watch;
  {
    std::lock_guard lock(mutex_);
    watch = watch_;
  }
  if (!watch || !diagnose::is_own_host(result, store_.snapshot()->host.get())) return false;
  consult_host(*watch, target, result, diagnosis, std::move(answer));
  return true;
}

web::EvidenceReply Exporter::evidence(const model::HostQuestion& question) {
  web::EvidenceReply reply;
  reply.watched = configuration()->local.enabled;
  reply.report = reply.watched ? store_.snapshot()->host : nullptr;
  if (reply.report) reply.diagnosis = diagnose::diagnose_host(*reply.report, question);
  return reply;
}

void Exporter::update_targets() {
  auto targets = discovery_.targets(*configuration());
  if (std::exchange(target_count_, targets.size()) != targets.size()) {
    base::log::info("targets in force", {{"count", std::to_string(targets.size())}});
  }
  prober_.set_targets(std::move(targets));
  // Reading large files leaves twice as much free memory behind as the targets need.
  malloc_trim(0);
}

base::Result<void> Exporter::apply_reload() {
  auto loaded = load_configuration(options_.config_file);
  if (!loaded) {
    base::log::error("reload failed; the old configuration stays", {{"error", loaded.error()}});
    auto state = store_.snapshot()->reload;
    state.successful = false;
    store_.set_reload(state);
    return base::Error{loaded.error()};
  }
  set_configuration(std::move(loaded).value());
  base::log::info("configuration reloaded");
  return {};
}

base::Result<void> Exporter::reload() {
  auto done = std::make_shared<std::promise<base::Result<void>>>();
  auto result = done->get_future();
  {
    // What is posted before stop() is still run.
    std::lock_guard lock(mutex_);
    if (stopping_) return base::Error{"the exporter is ending"};
    loop_.post([this, done] { done->set_value(apply_reload()); });
  }
  if (result.wait_for(kReloadPatience) != std::future_status::ready) {
    return base::Error{"the reload takes too long; see the log"};
  }
  return result.get();
}

void Exporter::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  prober_.stop();
}

web::ProbeReply Exporter::probe(const std::string& target, const std::string& module,
                                std::optional<base::Duration> timeout) {
  const auto configuration = this->configuration();
  if (!configuration->probe_endpoint.enabled) {
    return refuse(web::ProbeRefusal::disabled, "probe_endpoint.enabled is false");
  }
  auto settings = configuration->modules.find(module);
  if (settings == configuration->modules.end()) {
    return refuse(web::ProbeRefusal::unknown_module,
                  "no module '" + base::printable(module, 64) + "' in the configuration");
  }
  auto where = base::parse_host_port(target, model::kSshPort);
  if (!where) return refuse(web::ProbeRefusal::malformed_target, where.error());

  auto wanted = std::make_shared<model::Target>();
  wanted->host = where->host;
  wanted->port = where->port;
  wanted->name = base::format_host_port(where->host, where->port);
  wanted->settings = settings->second;
  auto whole = settings->second->timeout;
  if (timeout) whole = std::min(whole, *timeout);

  auto done = std::make_shared<std::promise<probe::Prober::Once>>();
  auto once = done->get_future();
  prober_.probe_once(
      std::move(wanted), {.timeout = whole, .patience = whole / 2, .extend = false},
      [configuration](const base::IpAddress& address) {
        return permitted(*configuration, address);
      },
      [done](probe::Prober::Once result) { done->set_value(std::move(result)); });
  done.reset();
  if (once.wait_for(whole + kHandover) != std::future_status::ready) {
    return refuse(web::ProbeRefusal::busy, "the prober is overloaded");
  }
  try {
    return reply_to(once.get());
  } catch (const std::future_error&) {
    // The prober dropped the callback, and with it the promise.
    return refuse(web::ProbeRefusal::busy, "the exporter is ending");
  }
}

}  // namespace app
