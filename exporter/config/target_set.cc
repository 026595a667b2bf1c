#include "config/target_set.h"

#include <utility>

namespace config {

std::optional<Mark> TargetSet::add(const base::HostPort& endpoint, const Labels& labels,
                                   std::shared_ptr<const model::ProbeSettings> settings,
                                   Mark mark) {
  auto name = base::format_host_port(endpoint.host, endpoint.port);
  if (auto place = places_.find(name); place != places_.end()) return place->second;
  auto target = std::make_shared<const model::Target>(
      model::Target{std::move(name), endpoint.host, endpoint.port, labels, std::move(settings)});
  places_.emplace(target->name, mark);
  targets_.push_back(std::move(target));
  return std::nullopt;
}

}  // namespace config
