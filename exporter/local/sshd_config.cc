#include "local/sshd_config.h"

#include <fnmatch.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/text.h"

namespace local {

namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kConfigDirectory = "/etc/ssh";
// A configuration of 100,000 users' Match blocks has some 10 MB; nobody edits more.
constexpr std::size_t kConfigFileLimit = 16U << 20U;
// Names in one directory that are looked at; sshd_config.d has a handful.
constexpr std::size_t kPatternMatchLimit = 4096;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (auto& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string below(const std::string& directory, const std::string& name) {
  auto path = directory;
  path += '/';
  path += name;
  return path;
}

std::string_view skip_space(std::string_view text) {
  const auto begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

// Takes the first word off `rest`. A word ends at space, at '=' and at a quote; one '=' is skipped
// together with the space around it. nullopt if a quote is not closed.
std::optional<std::string> take_keyword(std::string_view& rest) {
  const auto end = rest.find_first_of(" \t\r\n\"=");
  std::string word(rest.substr(0, end));
  if (end == std::string_view::npos) {
    rest = {};
    return word;
  }
  if (rest[end] == '"') {
    const auto close = rest.find('"', end + 1);
    if (close == std::string_view::npos) return std::nullopt;
    word += rest.substr(end + 1, close - end - 1);
    rest = skip_space(rest.substr(close + 1));
    return word;
  }
  const bool equals = rest[end] == '=';
  rest = skip_space(rest.substr(end + 1));
  if (!equals && rest.starts_with('=')) rest = skip_space(rest.substr(1));
  return word;
}

// One pass over the main file and its inclusions.
class Reader {
 public:
  explicit Reader(const Host& host) : host_(host) {}

  SshdConfigText read(const std::string& file) {
    bool active = true;
    read_file(file, 0, {}, active);
    SshdConfigText text;
    text.lines = std::move(lines_);
    text.inputs.assign(inputs_.begin(), inputs_.end());
    text.problem = std::move(problem_);
    return text;
  }

 private:
  void fail(const std::string& what, const std::string& why) {
    if (problem_.empty()) problem_ = base::printable(what, 200) + ": " + why;
  }

  // The block that an inclusion stands in.
  struct Block {
    bool never = false;  // it does not match, nor can a block within it
    bool match = false;
  };

  void read_file(const std::string& path, int depth, Block block, bool& active) {
    inputs_.insert(path);
    const bool included = depth > 0;
    const auto content = host_.read(path, kConfigFileLimit);
    // sshd takes a directory for an empty file.
    if (content.error == EISDIR || (included && content.error == ENOENT)) return;
    if (content.error != 0) return fail(path, std::strerror(content.error));
    if (content.truncated) fail(path, "only its first 16 MiB were read");
    for (auto& line : split_config(content.text, path)) take(std::move(line), depth, block, active);
  }

  void take(ConfigLine line, int depth, Block& block, bool& active) {
    if (line.keyword == "match") {
      // Without a connection there is nothing to compare with: only `Match all` holds.
      active = !block.never && line.arguments.size() == 1 && lower_case(line.arguments[0]) == "all";
      block.match = true;
    } else if (line.keyword == "include") {
      include(line, depth, block, active);
    } else if (active) {
      line.in_match = block.match;
      lines_.push_back(std::move(line));
    }
  }

  void include(const ConfigLine& line, int depth, Block block, bool active) {
    if (depth >= kIncludeDepthLimit) {
      return fail(line.file, "includes are nested too deeply");
    }
    for (const auto& argument : line.arguments) {
      if (argument.empty()) continue;
      const bool relative = argument[0] != '/' && argument[0] != '~';
      const auto pattern =
          relative ? std::string(kConfigDirectory) + "/" + argument : std::string(argument);
      for (const auto& path : matches(pattern)) {
        if (++included_ > kIncludedFileLimit) return fail(line.file, "it includes too many files");
        bool inner = active;  // a Match of the included file ends with it
        read_file(path, depth + 1, {block.never || !active, block.match}, inner);
      }
    }
  }

  // glob(3) below the host's root. A pattern without wildcards need not exist.
  std::vector<std::string> matches(const std::string& pattern) {
    if (pattern.find_first_of("*?[\\") == std::string::npos || pattern[0] != '/') return {pattern};
    std::vector<std::string> found{""};
    for (std::size_t begin = 1; begin <= pattern.size();) {
      const auto end = std::min(pattern.find('/', begin), pattern.size());
      const auto part = pattern.substr(begin, end - begin);
      begin = end + 1;
      std::vector<std::string> next;
      for (const auto& directory : found) {
        if (part.find_first_of("*?[\\") == std::string::npos) {
          next.push_back(below(directory, part));
          continue;
        }
        list_matches(directory, part, next);
      }
      found = std::move(next);
    }
    return found;
  }

  void list_matches(const std::string& directory, const std::string& part,
                    std::vector<std::string>& into) {
    inputs_.insert(directory.empty() ? "/" : directory);
    errno = 0;
    const auto names = host_.list(directory.empty() ? "/" : directory);
    if (names.empty() && errno == EACCES) fail(directory, std::strerror(EACCES));
    for (const auto& name : names) {
      if (::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
      if (into.size() >= kPatternMatchLimit) return fail(directory, "it has too many files");
      into.push_back(below(directory, name));
    }
  }

  const Host& host_;
  std::vector<ConfigLine> lines_;
  std::set<std::string> inputs_;
  std::string problem_;
  std::size_t included_ = 0;
};

}  // namespace

std::optional<std::vector<std::string>> split_arguments(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ' || text[i] == '\t') continue;
    if (text[i] == '#') break;
    auto& word = words.emplace_back();
    char quote = 0;
    for (; i < text.size(); ++i) {
      const char c = text[i];
      const char next = i + 1 < text.size() ? text[i + 1] : '\0';
      if (c == '\\') {
        // Before anything else a backslash stands for itself.
        const bool escapes =
            next == '\'' || next == '"' || next == '\\' || (quote == 0 && next == ' ');
        if (escapes) ++i;
        word += text[i];
      } else if (quote == 0 && (c == ' ' || c == '\t')) {
        break;
      } else if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      } else if (quote != 0 && c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    }
    if (quote != 0) return std::nullopt;
  }
  return words;
}

std::optional<ConfigLine> split_config_line(std::string_view text) {
  // A form feed counts as space at the end only.
  const auto last = text.find_last_not_of(" \t\r\n\f");
  if (last == std::string_view::npos) return std::nullopt;
  auto rest = text.substr(0, last + 1);
  auto keyword = take_keyword(rest);
  if (keyword && keyword->empty()) keyword = take_keyword(rest);
  if (!keyword || keyword->empty() || keyword->front() == '#' || rest.empty()) return std::nullopt;
  auto arguments = split_arguments(rest);
  if (!arguments) return std::nullopt;
  ConfigLine line;
  line.keyword = lower_case(*keyword);
  line.arguments = std::move(*arguments);
  return line;
}

std::vector<ConfigLine> split_config(std::string_view text, const std::string& file) {
  std::vector<ConfigLine> lines;
  std::string pending;
  int number = 1;
  const auto finish = [&] {
    if (auto line = split_config_line(pending)) {
      line->file = file;
      line->line = number;
      lines.push_back(std::move(*line));
    }
    pending.clear();
    ++number;
  };
  while (!text.empty() && lines.size() < kConfigLineLimit) {
    const auto end = text.find('\n');
    const bool whole = end != std::string_view::npos;
    auto line = text.substr(0, end);
    text.remove_prefix(whole ? end + 1 : text.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    // sshd loses what follows a zero byte, and with it the end of the line.
    const auto zero = line.find('\0');
    pending += line.substr(0, zero);
    if (whole && zero == std::string_view::npos) finish();
  }
  if (!pending.empty() && lines.size() < kConfigLineLimit) finish();
  return lines;
}

SshdConfigText read_sshd_config(const Host& host, const std::string& file) {
  return Reader(host).read(file);
}

}  // namespace local
