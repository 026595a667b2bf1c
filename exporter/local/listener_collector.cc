// All listening TCP sockets of the network namespace that the exporter is in, and who owns them.
#include "local/collector.h"
#include "local/network_namespace.h"
#include "local/sock_diag.h"
#include "local/socket_owners.h"

namespace local {

namespace {

// So many ports there are on one address; real hosts have tens.
constexpr std::size_t kListenerLimit = 65536;

class ListenerCollector : public Collector {
 public:
  explicit ListenerCollector(const CollectorContext& context)
      : host_(context.host), owners_(context.host, context.clock) {}

  std::string collect(const model::HostFacts& /*known*/, model::HostFacts& mine) override {
    if (auto problem = foreign_network(host_); !problem.empty()) return problem;
    auto sockets = listening_sockets(kListenerLimit);
    if (!sockets) return sockets.error();
    auto facts = std::make_shared<model::ListenerFacts>();
    facts->listeners = std::move(sockets->listeners);
    auto problem = owners_.assign(facts->listeners);
    facts->owners_known = problem.empty();
    if (sockets->truncated) {
      problem = "there are more than " + std::to_string(kListenerLimit) + " listening sockets";
    }
    mine.listeners = std::move(facts);
    return problem;
  }

 private:
  const Host& host_;
  SocketOwners owners_;
};

}  // namespace

std::unique_ptr<Collector> make_listener_collector(const CollectorContext& context) {
  return std::make_unique<ListenerCollector>(context);
}

}  // namespace local
