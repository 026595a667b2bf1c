// The running exporter: wires configuration, prober and web server together, and reloads.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "app/command_line.h"
#include "app/discovery.h"
#include "app/snapshot_store.h"
#include "base/clock.h"
#include "base/event_loop.h"
#include "config/configuration.h"
#include "local/host_watch.h"
#include "probe/prober.h"
#include "web/backend.h"

namespace app {

// The file that `serve` and `diagnose` read: the one named, else the default one if it exists, else
// what is built in.
base::Result<config::Configuration> load_configuration(const std::optional<std::string>& file);

class Exporter final : public web::Backend {
 public:
  Exporter(base::EventLoop& loop, ServeOptions options, config::Configuration configuration);

  // On the loop's thread: reads everything again and puts it in force, or says why not.
  base::Result<void> apply_reload();
  // On the loop's thread, before the web server ends: probes are dropped, and requests that wait
  // for one or for a reload are answered at once.
  void stop();

  std::shared_ptr<const model::Snapshot> snapshot() override { return store_.snapshot(); }
  web::ProbeReply probe(const std::string& target, const std::string& module,
                        std::optional<base::Duration> timeout) override;
  web::EvidenceReply evidence(const model::HostQuestion& question) override;
  base::Result<void> reload() override;

 private:
  std::shared_ptr<const config::Configuration> configuration();
  void set_configuration(config::Configuration configuration);
  void update_targets();
  void update_watch(const config::LocalSettings& settings);
  bool consult(const model::Target& target, const model::ProbeResult& result,
               const model::Diagnosis& diagnosis, probe::Prober::Answer answer);

  base::EventLoop& loop_;
  std::size_t target_count_ = 0;  // at the last update, to tell of changes
  ServeOptions options_;
  std::mutex mutex_;
  bool stopping_ = false;                                       // guarded by mutex_
  std::shared_ptr<const config::Configuration> configuration_;  // guarded by mutex_
  SnapshotStore store_;
  Discovery discovery_;
  probe::Prober prober_;
  // Null if this host is not watched; guarded by mutex_. After the prober, which it answers.
  std::shared_ptr<local::HostWatch> watch_;
};

}  // namespace app
