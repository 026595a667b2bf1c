// Where the parts of the published state meet: the prober's targets and the last reload. Whoever
// reads gets an immutable snapshot; the lock is held for a pointer's copy.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "model/snapshot.h"

namespace app {

class SnapshotStore {
 public:
  // From the prober's thread.
  void publish(std::vector<std::shared_ptr<const model::TargetState>> targets,
               const model::FleetState& fleet);
  // From the thread that watches this host; null when it is watched no more.
  void set_host(std::shared_ptr<const model::HostReport> host);
  // From the thread that reloads.
  void set_reload(const model::ReloadState& reload);
  // From any thread; never null.
  [[nodiscard]] std::shared_ptr<const model::Snapshot> snapshot() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const model::Snapshot> current_ = std::make_shared<model::Snapshot>();
};

}  // namespace app
