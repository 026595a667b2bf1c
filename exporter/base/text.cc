#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <numeric>
#include <vector>

namespace base {

namespace {

using std::chrono::milliseconds;

struct DurationUnit {
  std::string_view suffix;
  std::int64_t milliseconds;
};
// https://prometheus.io/docs/prometheus/latest/querying/basics/#time-durations
constexpr std::array<DurationUnit, 7> kDurationUnits{{{"y", 365LL * 86'400'000},
                                                      {"w", 7LL * 86'400'000},
                                                      {"d", 86'400'000},
                                                      {"h", 3'600'000},
                                                      {"m", 60'000},
                                                      {"s", 1'000},
                                                      {"ms", 1}}};
// A steady clock counts nanoseconds in 64 bits: 292 years. A century leaves room for sums.
constexpr std::int64_t kDurationLimitMilliseconds = 100LL * 365 * 86'400'000;

// Length of the valid UTF-8 sequence at the start of `bytes` (RFC 3629), 0 if there is none.
std::size_t utf8_sequence(std::string_view bytes, std::uint32_t& code_point) {
  auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  std::uint8_t first = at(0);
  if (first < 0x80) {
    code_point = first;
    return 1;
  }
  std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < length) return 0;
  code_point = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
    code_point = (code_point << 6) | (at(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  if (code_point < kSmallest[length] || code_point > 0x10ffff) return 0;
  if (code_point >= 0xd800 && code_point <= 0xdfff) return 0;
  return length;
}

// Controls move cursors, bidirectional overrides reorder what an operator reads.
bool deceptive(std::uint32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
         (code_point >= 0x200b && code_point <= 0x200f) ||
         (code_point >= 0x2028 && code_point <= 0x202e) ||
         (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0xfeff;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const Error malformed{"'" + printable(text, 40) +
                        "' is not a duration; write for example 500ms, 15s or 1m30s"};
  if (text == "0") return Duration::zero();
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  std::string_view rest = text;
  if (rest.empty()) return malformed;
  while (!rest.empty()) {
    std::int64_t count = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (error != std::errc{} || rest.front() == '-') return malformed;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    auto suffix = rest.substr(0, std::min(rest.find_first_of("0123456789"), rest.size()));
    auto unit = std::find_if(kDurationUnits.begin() + static_cast<std::ptrdiff_t>(next_unit),
                             kDurationUnits.end(),
                             [&](const DurationUnit& row) { return row.suffix == suffix; });
    if (unit == kDurationUnits.end()) return malformed;
    if (count > kDurationLimitMilliseconds / unit->milliseconds) {
      return Error{"'" + printable(text, 40) + "' is longer than a century"};
    }
    total += count * unit->milliseconds;
    if (total > kDurationLimitMilliseconds) {
      return Error{"'" + printable(text, 40) + "' is longer than a century"};
    }
    next_unit = static_cast<std::size_t>(unit - kDurationUnits.begin()) + 1;
    rest.remove_prefix(suffix.size());
  }
  return Duration(milliseconds(total));
}

std::string format_duration(Duration duration) {
  auto rest = std::chrono::duration_cast<milliseconds>(duration).count();
  if (rest <= 0) return "0s";
  std::string text;
  for (const auto& unit : kDurationUnits) {
    if (auto count = rest / unit.milliseconds; count > 0) {
      text += std::to_string(count);
      text += unit.suffix;
      rest %= unit.milliseconds;
    }
  }
  return text;
}

std::string human_duration(Duration duration) {
  double seconds = to_seconds(duration);
  std::array<char, 32> text{};
  if (seconds >= 0.9995) {
    std::snprintf(text.data(), text.size(), "%.*f s", seconds < 10 ? 2 : 1, seconds);
  } else if (seconds >= 0.0009995) {
    std::snprintf(text.data(), text.size(), "%.0f ms", seconds * 1e3);
  } else {
    std::snprintf(text.data(), text.size(), "%.0f µs", seconds * 1e6);
  }
  return text.data();
}

std::string printable(std::string_view bytes, std::size_t limit) {
  constexpr std::string_view kCut = "...";
  std::string text;
  text.reserve(std::min(bytes.size(), limit));
  std::size_t keep = 0;  // where to cut so that kCut still fits
  while (!bytes.empty()) {
    std::uint32_t code_point = 0;
    std::size_t length = utf8_sequence(bytes, code_point);
    bool replace = length == 0 || deceptive(code_point);
    std::size_t consumed = std::max<std::size_t>(length, 1);
    std::string_view piece = replace ? std::string_view("?") : bytes.substr(0, length);
    if (text.size() + piece.size() > limit) {
      text.resize(keep);
      if (limit >= kCut.size()) text += kCut;
      return text;
    }
    text += piece;
    if (text.size() + kCut.size() <= limit) keep = text.size();
    bytes.remove_prefix(consumed);
  }
  return text;
}

bool is_valid_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    std::uint32_t code_point = 0;
    std::size_t length = utf8_sequence(bytes, code_point);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string_view take_line(std::string_view& rest) {
  const auto line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  return line;
}

std::string octal(unsigned mode) {
  std::string text;
  for (unsigned shift = 12; shift > 0; shift -= 3) {
    text += static_cast<char>('0' + (mode >> (shift - 3) & 7U));
  }
  return text;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = std::numeric_limits<std::size_t>::max();
  for (auto candidate : candidates) {
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        std::size_t substituted = diagonal + (word[i] == candidate[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substituted});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best_distance <= std::max<std::size_t>(2, word.size() / 3) ? best : std::string_view{};
}

}  // namespace base
