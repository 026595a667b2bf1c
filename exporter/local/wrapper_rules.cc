#include "local/wrapper_rules.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace local {

namespace {

// What sshd calls itself there; sshd-session of OpenSSH 9.8 and later does so too (measured on
// Debian's 10.0).
constexpr std::string_view kDaemon = "sshd";
// libwrap reads a line, with its continuations and newline, into a buffer of 2048 bytes.
constexpr std::size_t kLineLimit = 2046;
constexpr std::string_view kBlanks = ", \t\r\n";

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    if (text.empty()) return words;
    const auto end = std::min(text.find_first_of(kBlanks), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

// Cuts `text` before the separator and returns what is behind it. Colons inside brackets belong to
// an IPv6 address.
std::optional<std::string_view> split_at(std::string_view& text, char separator) {
  bool bracket = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[') bracket = true;
    if (text[i] == ']') bracket = false;
    if (text[i] != separator || bracket) continue;
    const auto rest = text.substr(i + 1);
    text = text.substr(0, i);
    return rest;
  }
  return std::nullopt;
}

bool wildcard_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // where to go on if the rest does not match
  std::size_t from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() &&
               (pattern[p] == '?' || same(pattern.substr(p, 1), text.substr(t, 1)))) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool daemon_word_matches(std::string_view word) {
  if (word.starts_with('.')) {
    return word.size() < kDaemon.size() && same(kDaemon.substr(kDaemon.size() - word.size()), word);
  }
  if (same(word, "ALL") || same(word, "KNOWN")) return true;
  if (word.ends_with('.')) return same(kDaemon.substr(0, word.size()), word);
  if (word.find_first_of("*?") != std::string_view::npos) return wildcard_match(word, kDaemon);
  return same(word, kDaemon);
}

enum class Match : std::uint8_t { no, yes, depends };

// DAEMON@HOST is about connections to that address of this host.
Match daemon_matches(std::string_view word) {
  const auto at = word.find('@', 1);
  if (!daemon_word_matches(word.substr(0, at))) return Match::no;
  return at == std::string_view::npos || same(word.substr(at + 1), "ALL") ? Match::yes
                                                                          : Match::depends;
}

// LIST EXCEPT LIST EXCEPT …: the right one is looked at once the left one matches.
Match list_matches(const std::vector<std::string_view>& words, std::size_t begin) {
  const auto is_except = [](std::string_view word) { return same(word, "EXCEPT"); };
  const auto first = words.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto except = std::find_if(first, words.end(), is_except);
  auto left = Match::no;
  for (auto word = first; word != except && left != Match::yes; ++word) {
    left = std::max(left, daemon_matches(*word), [](Match a, Match b) {
      return a == Match::no ? b != Match::no : a == Match::depends && b == Match::yes;
    });
  }
  if (left == Match::no || except == words.end()) return left;
  const auto right = list_matches(words, static_cast<std::size_t>(except - words.begin()) + 1);
  if (right == Match::no) return left;
  return right == Match::yes ? Match::no : Match::depends;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const auto end = text.find_last_not_of(" \t\r\n");
  return end == std::string_view::npos ? std::string_view() : text.substr(begin, end + 1 - begin);
}

enum class Argument : std::uint8_t { none, needed, optional };
struct Option {
  std::string_view name;
  Argument argument;
  bool last;  // libwrap takes it at the end of a line only
};
// Those of hosts_options(5) in Debian's libwrap.
constexpr std::array<Option, 15> kOptions{{
    {"user", Argument::needed, false},
    {"group", Argument::needed, false},
    {"umask", Argument::needed, false},
    {"linger", Argument::needed, false},
    {"keepalive", Argument::none, false},
    {"spawn", Argument::needed, false},
    {"twist", Argument::needed, true},
    {"rfc931", Argument::optional, false},
    {"setenv", Argument::needed, false},
    {"nice", Argument::optional, false},
    {"severity", Argument::needed, false},
    {"allow", Argument::none, true},
    {"deny", Argument::none, true},
    {"banners", Argument::needed, false},
    {"aclexec", Argument::needed, false},
}};

// The verdict of a line: `meant` unless an option says otherwise. Nothing if a command decides.
std::optional<bool> verdict_of(std::string_view options, bool meant) {
  bool decides = true;
  std::optional<std::string_view> rest = options;
  while (rest) {
    // A colon that belongs to a value has a backslash before it.
    auto field = *rest;
    std::size_t end = field.find(':');
    while (end != std::string_view::npos && end > 0 && field[end - 1] == '\\') {
      end = field.find(':', end + 1);
    }
    rest = end == std::string_view::npos ? std::nullopt : std::optional(field.substr(end + 1));
    field = trimmed(field.substr(0, end));
    const auto name_end = std::min(field.find_first_of(" \t=\r\n"), field.size());
    const auto value = trimmed(field.substr(name_end));
    const auto* option = std::find_if(kOptions.begin(), kOptions.end(), [&](const Option& known) {
      return same(known.name, field.substr(0, name_end));
    });
    // libwrap refuses the client if it does not understand the line.
    if (option == kOptions.end() || (option->argument == Argument::needed && value.empty()) ||
        (option->argument == Argument::none && !value.empty()) || (option->last && rest)) {
      return false;
    }
    if (option->name == "allow") meant = true;
    if (option->name == "deny" || option->name == "twist") meant = false;
    // It is run for the client; user and group fail unless they exist.
    if (option->name == "aclexec" || option->name == "user" || option->name == "group") {
      decides = false;
    }
  }
  return decides ? std::optional(meant) : std::nullopt;
}

std::optional<model::WrapperRule> parse_line(std::string_view line, bool allow) {
  if (line.starts_with('#') || trimmed(line).empty()) return std::nullopt;
  auto daemons = line;
  auto clients = split_at(daemons, ':');
  if (!clients) return std::nullopt;  // libwrap warns and goes on
  const auto options = split_at(*clients, ':');
  const auto match = list_matches(split(daemons), 0);
  if (match == Match::no) return std::nullopt;
  model::WrapperRule rule;
  const auto verdict = options ? verdict_of(*options, allow) : std::optional(allow);
  rule.allow = verdict.value_or(allow);
  rule.certain = verdict && match == Match::yes;
  for (const auto word : split(*clients)) {
    rule.clients.push_back(base::printable(word, kLineLimit));
  }
  return rule;
}

}  // namespace

WrapperFile parse_wrapper_file(std::string_view text, const WrapperSource& source) {
  WrapperFile file;
  std::size_t clients = 0;
  int number = 0;
  while (!text.empty()) {
    std::string line;
    bool ends = false;
    while (!ends && !text.empty() && line.size() <= kLineLimit) {
      ++number;
      const auto end = text.find('\n');
      auto part = text.substr(0, end);
      text.remove_prefix(std::min(part.size() + 1, text.size()));
      ends = end != std::string_view::npos && !part.ends_with('\\');
      if (part.ends_with('\\')) part.remove_suffix(1);
      // libwrap is written in C: it sees nothing behind a NUL byte, not even the end of the line.
      if (const auto nul = part.find('\0'); nul != std::string_view::npos) {
        part = part.substr(0, nul);
        ends = false;
      }
      line += part;
    }
    const auto where = source.path + ':' + std::to_string(number);
    if (!ends || line.size() > kLineLimit) {
      if (!source.allow) file.rules.push_back({false, {"ALL"}, where, source.ends_strictly});
      break;
    }
    auto rule = parse_line(line, source.allow);
    if (!rule) continue;
    clients += rule->clients.size();
    if (clients > kWrapperClientsLimit) {
      file.truncated = true;
      break;
    }
    rule->where = where;
    file.rules.push_back(std::move(*rule));
  }
  return file;
}

}  // namespace local
