#include "local/log_tally.h"

#include <utility>

#include "base/text.h"

namespace local {

LogTally::Kept& LogTally::keep(model::LogEvent event, const SeenLine& line) {
  auto& kept = kept_[static_cast<std::size_t>(event)];
  kept.has_line = true;
  kept.unread = true;
  kept.time = line.time;
  kept.message.assign(line.message);
  kept.unit.assign(line.unit.substr(0, kUnitLimit));
  kept.trusted = line.trusted;
  changed_ = true;
  return kept;
}

void LogTally::count(model::LogEvent event, const SeenLine& line) { ++keep(event, line).count; }

void LogTally::recall(model::LogEvent event, const SeenLine& line) { keep(event, line); }

bool LogTally::has_line(model::LogEvent event) const {
  return kept_[static_cast<std::size_t>(event)].has_line;
}

std::shared_ptr<const model::LogFacts> LogTally::facts(const std::string& source) {
  if (facts_ && !changed_ && facts_->source == source) return facts_;
  auto facts =
      facts_ ? std::make_shared<model::LogFacts>(*facts_) : std::make_shared<model::LogFacts>();
  facts->source = source;
  facts->events.resize(kEvents);
  for (std::size_t i = 0; i < kEvents; ++i) {
    auto& state = facts->events[i];
    auto& kept = kept_[i];
    state.count = kept.count;
    if (!std::exchange(kept.unread, false)) continue;
    model::LogLine line;
    line.time = kept.time;
    line.unit = base::printable(kept.unit, kUnitLimit);
    line.trusted = kept.trusted;
    events_.read(static_cast<model::LogEvent>(i), kept.message, line);
    state.newest = std::move(line);
  }
  changed_ = false;
  facts_ = std::move(facts);
  return facts_;
}

}  // namespace local
