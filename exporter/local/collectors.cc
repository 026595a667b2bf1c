#include "local/collector.h"

namespace local {

std::span<const CollectorRow> collectors() {
  using std::chrono::seconds;
  // In the order in which their series stand on the page.
  static const std::vector<CollectorRow> kCollectors{
      {"systemd", seconds(3), {}, make_systemd_collector},
      {"listeners", seconds(2), {}, make_listener_collector},
      // Which file and options sshd is started with, its unit or its command line says.
      {"configuration", seconds(12), {"systemd", "processes"}, make_configuration_collector},
      {"processes", seconds(2), {}, make_process_collector},
      {"log", seconds(5), {}, make_log_collector},
      {"kernel", seconds(2), {}, make_kernel_collector},
      {"guards", seconds(2), {}, make_guard_collector},
  };
  return kCollectors;
}

}  // namespace local
