#include "local/sshd_check.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "base/text.h"

namespace local {

namespace {

using model::ConfigCheck;
using model::ConfigProblem;

constexpr std::size_t kMessageLimit = 300;  // a log line's worth; sshd echoes whole bad lines
constexpr std::size_t kPathLimit = 4096;    // PATH_MAX
// sshd goes on after bad options and names each; the first is the one to mend.
constexpr std::size_t kLineLimit = 200;
constexpr std::string_view kUnloadable = "Unable to load host key";

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < kLineLimit) {
    auto line = base::take_line(text);
    // sshd ends its lines for a terminal in raw mode.
    while (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Options that sshd passes over with a word.
bool is_warning(std::string_view message) {
  return message.starts_with("Deprecated option ") || message.starts_with("Unsupported option ") ||
         message.starts_with("Ignoring ");
}

struct Place {
  std::string_view file;
  int line = 0;
  std::string_view message;
};

// `FILE line 3: …` and `FILE: line 3: …`.
std::optional<Place> find_place(std::string_view text) {
  constexpr std::string_view kWord = " line ";
  for (auto at = text.find(kWord); at != std::string_view::npos; at = text.find(kWord, at + 1)) {
    const auto begin = at + kWord.size();
    const auto end = text.find_first_not_of("0123456789", begin);
    if (end == std::string_view::npos || text[end] != ':') continue;
    const auto number = base::parse_integer<int>(text.substr(begin, end - begin));
    if (!number) continue;
    auto file = text.substr(0, at);
    if (file.ends_with(':')) file.remove_suffix(1);
    auto message = text.substr(end + 1);
    message.remove_prefix(std::min(message.find_first_not_of(' '), message.size()));
    return Place{file, *number, message};
  }
  return std::nullopt;
}

ConfigCheck problem(ConfigProblem kind, std::string_view message) {
  ConfigCheck check;
  check.problem = kind;
  check.message = base::printable(message, kMessageLimit);
  return check;
}

std::optional<ConfigCheck> of_program(const std::vector<std::string_view>& lines) {
  constexpr std::array<std::string_view, 5> kLoaderWords{
      "error while loading shared libraries", "symbol lookup error", "OpenSSL version mismatch",
      "does not exist or is not executable", "not found (required by "};
  for (const auto line : lines) {
    for (const auto words : kLoaderWords) {
      if (contains(line, words)) return problem(ConfigProblem::program, line);
    }
  }
  return std::nullopt;
}

std::optional<ConfigCheck> of_directory(const std::vector<std::string_view>& lines) {
  constexpr std::string_view kMissing = "Missing privilege separation directory: ";
  constexpr std::string_view kUnsafe = " must be owned by root and not group or world-writable.";
  for (const auto line : lines) {
    std::string_view directory;
    if (line.starts_with(kMissing)) directory = line.substr(kMissing.size());
    if (line.ends_with(kUnsafe)) directory = line.substr(0, line.size() - kUnsafe.size());
    if (directory.empty()) continue;
    auto check = problem(ConfigProblem::runtime_directory, line);
    check.directory = base::printable(directory, kPathLimit);
    return check;
  }
  return std::nullopt;
}

std::optional<ConfigCheck> of_host_keys(const std::vector<std::string_view>& lines) {
  const auto none = std::find_if(lines.begin(), lines.end(), [](std::string_view line) {
    return contains(line, "no hostkeys available");
  });
  if (none == lines.end()) return std::nullopt;
  // The line before names a key, and the one with quotes the reason as well.
  for (const auto line : lines) {
    if (line.starts_with(kUnloadable)) return problem(ConfigProblem::host_keys, line);
  }
  return problem(ConfigProblem::host_keys, *none);
}

std::optional<ConfigCheck> of_configuration(const std::vector<std::string_view>& lines,
                                            const std::string& config_file) {
  // These say what is wrong, and the next line where.
  std::string_view reason;
  for (const auto line : lines) {
    const auto place = find_place(line);
    if (!place) {
      if (contains(line, " Match ")) reason = line;
      continue;
    }
    if (is_warning(place->message)) continue;
    auto check = problem(ConfigProblem::configuration,
                         reason.empty() ? std::string(place->message)
                                        : std::string(place->message) + ": " + std::string(reason));
    if (place->file == "command-line") {
      check.message = base::printable(line, kMessageLimit);
    } else {
      check.file = base::printable(place->file, kPathLimit);
      check.line = place->line;
    }
    return check;
  }
  constexpr std::array<std::string_view, 5> kWithoutLine{
      "bad addr or host: ", "Too many recursive configuration includes", "AuthorizedKeysCommand",
      "AuthorizedPrincipalsCommand", "Match "};
  for (const auto line : lines) {
    for (const auto words : kWithoutLine) {
      if (line.starts_with(words)) return problem(ConfigProblem::configuration, line);
    }
    // perror(3) of a file that cannot be opened.
    const auto colon = line.rfind(": ");
    const auto file = line.substr(0, colon);
    if (colon != std::string_view::npos && line.starts_with('/') &&
        (file == config_file || line.ends_with(": Permission denied"))) {
      auto check = problem(ConfigProblem::configuration, line.substr(colon + 2));
      check.file = base::printable(file, kPathLimit);
      return check;
    }
  }
  return std::nullopt;
}

// How it ended says more than what it wrote.
std::optional<ConfigCheck> of_crash(int signal) {
  switch (signal) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGABRT:
      return problem(ConfigProblem::program,
                     std::string("it crashed: ") + ::strsignal(signal));  // NOLINT: one of five
    default:
      return std::nullopt;  // somebody's, the kernel's, or a filter that we run under
  }
}

std::optional<ConfigCheck> of_start(int error) {
  switch (error) {
    case EACCES:
    case ENOEXEC:
    case ELIBBAD:
      return problem(ConfigProblem::program,
                     std::string("it cannot be executed: ") + std::strerror(error));
    case ENOENT:
      // The caller has seen the file itself.
      return problem(ConfigProblem::program,
                     "it cannot be executed: its interpreter or loader is missing");
    default:
      return std::nullopt;  // chroot(2) or fork(2) was refused
  }
}

}  // namespace

std::optional<ConfigCheck> interpret_check(const ProgramEnd& end, const std::string& config_file) {
  if (end.error != 0) return of_start(end.error);
  if (end.timed_out) return std::nullopt;
  if (end.signal != 0) return of_crash(end.signal);
  if (end.exit_status == 0) return ConfigCheck{};
  const auto lines = lines_of(end.err);
  // A root that was moved without its /dev lacks what every host has.
  for (const auto line : lines) {
    if (contains(line, "Couldn't open /dev/null")) return std::nullopt;
  }
  if (auto check = of_program(lines)) return check;
  if (auto check = of_configuration(lines, config_file)) return check;
  if (auto check = of_host_keys(lines)) return check;
  if (auto check = of_directory(lines)) return check;
  // A line that only warns is not what it stopped at.
  const auto stop = std::find_if(lines.begin(), lines.end(), [](std::string_view line) {
    const auto place = find_place(line);
    return !line.starts_with(kUnloadable) && !(place && is_warning(place->message));
  });
  if (stop != lines.end()) return problem(ConfigProblem::other, *stop);
  return problem(ConfigProblem::other,
                 "it ended with status " + std::to_string(end.exit_status) + " and no word");
}

std::string no_verdict_reason(const ProgramEnd& end) {
  if (end.error != 0) return std::string("it could not be started: ") + std::strerror(end.error);
  if (end.timed_out) return "it did not end in time";
  if (end.signal != 0) return "it was ended by signal " + std::to_string(end.signal);
  const auto lines = lines_of(end.err);
  return lines.empty() ? "it said nothing" : base::printable(lines.front(), kMessageLimit);
}

std::map<std::string, std::string> rejected_host_keys(std::string_view errors) {
  std::map<std::string, std::string> keys;
  for (auto line : lines_of(errors)) {
    if (!line.starts_with(kUnloadable)) continue;
    line.remove_prefix(kUnloadable.size());
    if (line.starts_with(" \"")) {
      const auto close = line.find("\": ");
      if (close == std::string_view::npos) continue;
      keys[std::string(line.substr(2, close - 2))] =
          base::printable(line.substr(close + 3), kMessageLimit);
    } else if (line.starts_with(": ")) {
      keys.try_emplace(std::string(line.substr(2)));
    }
  }
  return keys;
}

}  // namespace local
