#include "app/snapshot_store.h"

#include <utility>

namespace app {

void SnapshotStore::publish(std::vector<std::shared_ptr<const model::TargetState>> targets,
                            const model::FleetState& fleet) {
  auto next = std::make_shared<model::Snapshot>();
  next->targets = std::move(targets);
  next->fleet = fleet;
  std::shared_ptr<const model::Snapshot> previous = next;  // freed after the lock is
  std::lock_guard lock(mutex_);
  next->reload = current_->reload;
  next->host = current_->host;
  std::swap(current_, previous);
}

void SnapshotStore::set_host(std::shared_ptr<const model::HostReport> host) {
  std::lock_guard lock(mutex_);
  auto next = std::make_shared<model::Snapshot>(*current_);
  next->host = std::move(host);
  current_ = std::move(next);
}

void SnapshotStore::set_reload(const model::ReloadState& reload) {
  std::lock_guard lock(mutex_);
  auto next = std::make_shared<model::Snapshot>(*current_);
  next->reload = reload;
  current_ = std::move(next);
}

std::shared_ptr<const model::Snapshot> SnapshotStore::snapshot() const {
  std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace app
