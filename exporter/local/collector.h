// A part of the host's state: one class for each, one row in the table of collectors.cc.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "local/host.h"
#include "model/host_facts.h"

namespace local {

struct CollectorContext {
  const Host& host;  // outlives the collector
  const base::Clock& clock;
  std::string state_directory;  // on this machine, not below the root; empty: nothing is kept
};

class Collector {
 public:
  virtual ~Collector() = default;
  // Looks once, on a thread of the collector's own; may block. Sets its part of `mine`, all other
  // parts of which are null; leaves it null if there is no such thing on this host, which is no
  // failure. `known` is what all collectors said last. Returns empty for success; else why the part
  // is missing or incomplete, for an administrator, the same text as long as the reason is the
  // same.
  virtual std::string collect(const model::HostFacts& known, model::HostFacts& mine) = 0;
};

struct CollectorRow {
  std::string_view name;    // the `collector` label
  base::Duration deadline;  // then its last result counts as failed until it returns
  // Collectors whose results of the same round it waits for, as far as they come in time.
  std::vector<std::string_view> after;
  std::function<std::unique_ptr<Collector>(const CollectorContext& context)> make;
};

std::span<const CollectorRow> collectors();

// Each in its own file.
std::unique_ptr<Collector> make_systemd_collector(const CollectorContext& context);
std::unique_ptr<Collector> make_listener_collector(const CollectorContext& context);
std::unique_ptr<Collector> make_configuration_collector(const CollectorContext& context);
std::unique_ptr<Collector> make_process_collector(const CollectorContext& context);
std::unique_ptr<Collector> make_log_collector(const CollectorContext& context);
std::unique_ptr<Collector> make_kernel_collector(const CollectorContext& context);
std::unique_ptr<Collector> make_guard_collector(const CollectorContext& context);

}  // namespace local
