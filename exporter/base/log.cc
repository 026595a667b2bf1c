#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

#include "base/text.h"

namespace base::log {

namespace {

std::atomic<Format> current_format{Format::logfmt};

spdlog::level::level_enum native(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

const char* name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "info";
}

spdlog::logger& logger() {
  // Never destroyed: threads may log while the process ends.
  static auto* instance = [] {
    auto* made = new std::shared_ptr<spdlog::logger>(std::make_shared<spdlog::logger>(  // NOLINT
        "ssh_refusal_exporter", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
    (*made)->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc));
    return made;
  }();
  return **instance;
}

void append_quoted(std::string& line, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (!is_valid_utf8(text)) {  // one such byte, and no JSON parser takes the line
    append_quoted(line, printable(text, text.size()));
    return;
  }
  line += '"';
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      line += "\\u00";
      line += kHex[byte >> 4];
      line += kHex[byte & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || c == '"' || c == '=' || c == '\\') return true;
  }
  return !is_valid_utf8(text);
}

void append(std::string& line, Format format, std::string_view key, std::string_view value) {
  if (format == Format::json) {
    line += line.empty() ? "{" : ",";
    append_quoted(line, key);
    line += ':';
    append_quoted(line, value);
    return;
  }
  if (!line.empty()) line += ' ';
  line += key;
  line += '=';
  if (needs_quotes(value)) {
    append_quoted(line, value);
  } else {
    line += value;
  }
}

std::string timestamp() {
  auto now = std::chrono::system_clock::now();
  auto time = std::chrono::system_clock::to_time_t(now);
  auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  gmtime_r(&time, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     milliseconds);
}

void write(Level level, std::string_view message, Fields fields) {
  if (!enabled(level)) return;
  const auto format = current_format.load();
  std::string line;
  append(line, format, "ts", timestamp());
  append(line, format, "level", name(level));
  append(line, format, "msg", message);
  for (const auto& [key, value] : fields) append(line, format, key, value);
  if (format == Format::json) line += '}';
  logger().log(native(level), "{}", line);
}

}  // namespace

void configure(Level level, Format format) {
  current_format = format;
  logger().set_level(native(level));
}

bool enabled(Level level) { return logger().should_log(native(level)); }

void debug(std::string_view message, Fields fields) { write(Level::debug, message, fields); }
void info(std::string_view message, Fields fields) { write(Level::info, message, fields); }
void warn(std::string_view message, Fields fields) { write(Level::warn, message, fields); }
void error(std::string_view message, Fields fields) { write(Level::error, message, fields); }

}  // namespace base::log
