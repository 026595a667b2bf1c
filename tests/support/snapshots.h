// Targets, probe results and snapshots to render: fixed, so that what they render to is fixed as
// well.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/snapshot.h"

namespace test_support {

using Labels = std::vector<std::pair<std::string, std::string>>;

// 2026-01-02 03:04:05.678 UTC
base::WallTime fixed_wall_time();

std::shared_ptr<const model::Target> make_target(const std::string& name, Labels labels = {});
std::shared_ptr<const model::TargetState> never_probed(const std::string& name, Labels labels = {});
// All is well at 192.0.2.10: OpenSSH on Debian.
std::shared_ptr<const model::TargetState> reachable(const std::string& name, Labels labels = {});
// ICMP administratively prohibited from the host's own address, after an earlier success.
std::shared_ptr<const model::TargetState> rejected(const std::string& name, Labels labels = {});
// Two addresses: IPv4 accepts, IPv6 is reset; SSH answers on port 2222 there.
std::shared_ptr<const model::TargetState> half_reachable(const std::string& name,
                                                         Labels labels = {});
// The name does not exist.
std::shared_ptr<const model::TargetState> unresolved(const std::string& name, Labels labels = {});
// Another protocol answers, with all the bytes that could break a page.
std::shared_ptr<const model::TargetState> hostile(const std::string& name, Labels labels = {});

// A host whose sshd listens on one of its two ports, the other being another program's; with
// something of every kind that a host may have.
std::shared_ptr<const model::HostReport> busy_host();

// One of each, and histograms that are not empty.
model::Snapshot small_snapshot();
// `count` targets, a tenth of them failing in various ways.
model::Snapshot large_snapshot(std::size_t count);

}  // namespace test_support
