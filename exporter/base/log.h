// Structured log lines on standard error, as logfmt or JSON. Hides spdlog. Callable from any
// thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace base::log {

enum class Level : std::uint8_t { debug, info, warn, error };
enum class Format : std::uint8_t { logfmt, json };

// Keys are identifiers; values may hold anything and are quoted as needed.
using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

void configure(Level level, Format format);
bool enabled(Level level);

void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warn(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

}  // namespace base::log
