// Counts events and keeps the newest line of each. What a line names is looked up only when facts
// are asked for: a flood costs one automaton's run for each line. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "local/log_events.h"
#include "model/host_facts.h"

namespace local {

struct SeenLine {
  base::WallTime time;
  std::string_view message;
  std::string_view unit;
  bool trusted = false;
};

class LogTally {
 public:
  [[nodiscard]] std::optional<model::LogEvent> find(LogWriter writer, std::string_view message) {
    return events_.find(writer, message);
  }
  // A line that no earlier round saw; newer than all before it.
  void count(model::LogEvent event, const SeenLine& line);
  // A line of the past: evidence, but not counted. It replaces the kept line of its event.
  void recall(model::LogEvent event, const SeenLine& line);
  [[nodiscard]] bool has_line(model::LogEvent event) const;

  // The same pointer until something is counted or recalled.
  std::shared_ptr<const model::LogFacts> facts(const std::string& source);

 private:
  static constexpr std::size_t kEvents = static_cast<std::size_t>(model::LogEvent::sd_failed) + 1;
  static constexpr std::size_t kUnitLimit = 256;  // systemd's own limit for a unit's name

  struct Kept {
    std::uint64_t count = 0;
    bool has_line = false;
    bool unread = false;  // newer than the published line
    base::WallTime time;
    std::string message;
    std::string unit;
    bool trusted = false;
  };
  Kept& keep(model::LogEvent event, const SeenLine& line);

  LogEvents events_;
  std::array<Kept, kEvents> kept_;
  bool changed_ = true;
  std::shared_ptr<const model::LogFacts> facts_;
};

}  // namespace local
