// Strict parsing of small values, and text from strangers made fit for logs, labels and terminals.
#pragma once

#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace base {

// The whole text must be one decimal number of type T: no sign unless T is signed, no spaces.
template <typename T>
std::optional<T> parse_integer(std::string_view text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// Prometheus durations: 500ms, 15s, 1m30s, 1h, 2d, 1w, 1y; units descending, each at most once.
Result<Duration> parse_duration(std::string_view text);
// The shortest such text; parse_duration(format_duration(d)) == d for whole milliseconds.
std::string format_duration(Duration duration);
// For people: "1.21 s", "340 ms", "85 µs".
std::string human_duration(Duration duration);

// Valid, printable UTF-8 of at most `limit` bytes: control characters, DEL, C1 controls,
// bidirectional overrides and invalid sequences become '?'; what is cut ends in "...".
std::string printable(std::string_view bytes, std::size_t limit);
bool is_valid_utf8(std::string_view bytes);

// Takes the first line off `rest`, without its newline; the last one need not end in one.
std::string_view take_line(std::string_view& rest);

// The permission bits of a file's mode: 0644.
std::string octal(unsigned mode);

// For HTML text and double-quoted attributes.
std::string escape_html(std::string_view text);

// The candidate closest to `word` by edit distance, or empty if none is near enough to suggest.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace base
