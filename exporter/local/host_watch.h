// Watches this host: every collector on a thread of its own, a report after each round. Hides
// threads, deadlines and rounds. A collector that hangs delays nobody: its last result is kept and
// marked, and the round goes on without it.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "local/collector.h"
#include "model/host_report.h"

namespace local {

struct WatchSettings {
  base::Duration interval = std::chrono::seconds(15);
  std::string root = "/";
  std::string state_directory;  // empty: nothing is kept across a restart
  bool operator==(const WatchSettings&) const = default;
};

class HostWatch {
 public:
  using Report = std::shared_ptr<const model::HostReport>;
  // Fills in what follows from the facts. Pure; on the watch's thread, as `publish` is.
  using Conclude = std::function<void(model::HostReport&)>;
  using Publish = std::function<void(Report)>;

  // What was asked for out of turn is looked at no sooner than this after the last round.
  static constexpr base::Duration kAskGap = std::chrono::milliseconds(250);
  // How long a collector waits for those whose results it would like to have.
  static constexpr base::Duration kNeedPatience = std::chrono::milliseconds(500);
  // A cause that is not the last one is looked at again before it is published: facts are read one
  // after the other, and a restart in between would make a picture that never was.
  static constexpr int kConfirmations = 3;
  static constexpr base::Duration kConfirmGap = std::chrono::milliseconds(100);

  HostWatch(WatchSettings settings, Conclude conclude, Publish publish,
            std::span<const CollectorRow> rows = collectors());
  // Waits for the round under way, but not for collectors that hang: their threads end by
  // themselves.
  ~HostWatch();
  HostWatch(const HostWatch&) = delete;
  HostWatch& operator=(const HostWatch&) = delete;

  // A report of facts that were all read after this call. `done` is called once, on the watch's
  // thread; if the watch ends before, it is destroyed uncalled. From any thread.
  void ask(std::function<void(const Report&)> done);

  [[nodiscard]] const WatchSettings& settings() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;  // shared with the collectors' threads, which may outlive the watch
};

}  // namespace local
