#include "local/sshd_title.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace local {

namespace {

// sshd has some 25 options; a unit that gives more words than this gives no command.
constexpr std::size_t kWordsLimit = 256;
// Longer than any path that Linux takes (PATH_MAX is 4096).
constexpr std::size_t kWordLimit = 4096;

// Options of sshd(8) that take a value.
constexpr std::string_view kValueOptions = "CEbcfghkopu";

struct Suffix {
  std::string_view text;
  SshdTitle::Kind kind;
};
constexpr std::array<Suffix, 3> kSuffixes{{
    {"[priv]", SshdTitle::Kind::monitor},
    {"[net]", SshdTitle::Kind::network},
    {"[pam]", SshdTitle::Kind::helper},
}};

std::vector<std::string> bounded(std::vector<std::string> words) {
  if (words.size() > kWordsLimit) return {};
  for (auto& word : words) {
    if (word.size() > kWordLimit) return {};
    word = base::printable(word, kWordLimit);
  }
  return words;
}

std::vector<std::string> split_arguments(std::string_view bytes) {
  std::vector<std::string> words;
  while (!bytes.empty() && words.size() <= kWordsLimit) {
    const auto end = std::min(bytes.find('\0'), bytes.size());
    words.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  return words;
}

// "2 of 10-100 startups"; there may be no room for the end of the last word.
std::optional<model::Startups> parse_startups(std::string_view text) {
  const auto of = text.find(" of ");
  if (of == std::string_view::npos) return std::nullopt;
  const auto range = text.substr(of + 4);
  const auto dash = range.find('-');
  const auto blank = range.find(' ');
  if (dash == std::string_view::npos || blank == std::string_view::npos || blank < dash) {
    return std::nullopt;
  }
  const auto now = base::parse_integer<int>(text.substr(0, of));
  const auto begin = base::parse_integer<int>(range.substr(0, dash));
  const auto full = base::parse_integer<int>(range.substr(dash + 1, blank - dash - 1));
  if (!now || !begin || !full || *now < 0 || *begin < 0 || *full < 0) return std::nullopt;
  return model::Startups{*now, *begin, *full};
}

// The option whose value the next word is; 0 if the word has it, or takes none.
char open_option(std::string_view word) {
  if (word.size() < 2 || word.front() != '-') return 0;
  for (std::size_t i = 1; i < word.size(); ++i) {
    if (kValueOptions.find(word[i]) == std::string_view::npos) continue;
    return i + 1 == word.size() ? word[i] : '\0';
  }
  return 0;
}

// -o takes "Keyword value" as well as "Keyword=value".
bool lacks_value(std::string_view option) {
  return option.find_first_of("= ") == std::string_view::npos;
}

}  // namespace

std::vector<std::string> split_title(std::string_view text) {
  std::vector<std::string> words;
  char open = 0;         // the option that waits for its value
  bool partial = false;  // the last word is a keyword that waits for its own
  while (words.size() <= kWordsLimit) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) break;
    const std::string word(text.substr(0, text.find(' ')));
    text.remove_prefix(word.size());
    const bool starts_own = words.empty() || open != 0 || (word.front() == '-' && !partial);
    if (!starts_own) {
      words.back() += ' ' + word;
      partial = false;
      continue;
    }
    const bool is_first = words.empty();
    words.push_back(word);
    partial = open == 'o' && lacks_value(word);
    open = open != 0 || is_first ? '\0' : open_option(word);
    if (open == 0 && word.starts_with("-o")) partial = lacks_value(word);
  }
  return bounded(std::move(words));
}

bool has_flag(const std::vector<std::string>& command, char flag) {
  bool is_value = true;  // of argv[0], so to speak
  for (const auto& word : command) {
    if (std::exchange(is_value, false) || word.size() < 2 || word.front() != '-') continue;
    const auto options = std::string_view(word).substr(1);
    const auto flags = options.substr(0, options.find_first_of(kValueOptions));
    if (flags.find(flag) != std::string_view::npos) return true;
    is_value = open_option(word) != 0;
  }
  return false;
}

std::string option_value(const std::vector<std::string>& command, char option) {
  for (std::size_t i = 1; i < command.size(); ++i) {
    const std::string_view word = command[i];
    const auto at = word.starts_with('-') ? word.find_first_of(kValueOptions, 1) : word.npos;
    if (at == std::string_view::npos) continue;
    const bool in_next = at + 1 == word.size();
    if (word[at] == option) {
      if (!in_next) return std::string(word.substr(at + 1));
      return i + 1 < command.size() ? command[i + 1] : "";
    }
    if (in_next) ++i;
  }
  return "";
}

SshdTitle parse_sshd_title(std::string_view bytes) {
  SshdTitle title;
  std::string_view text = bytes.substr(0, bytes.find('\0'));
  static constexpr std::array<std::string_view, 3> kPrograms{
      "sshd: ", "sshd-session: ", "sshd-auth: "};
  const auto* program =
      std::find_if(kPrograms.begin(), kPrograms.end(),
                   [text](std::string_view prefix) { return text.starts_with(prefix); });
  if (program == kPrograms.end()) {
    title.command = bounded(split_arguments(bytes));
    return title;
  }
  text.remove_prefix(program->size());
  // No name of a user begins with a slash; the command of a listener always does.
  if (text.starts_with('/')) {
    constexpr std::string_view kListener = " [listener]";
    const auto found = text.rfind(kListener);
    title.kind = found == std::string_view::npos ? SshdTitle::Kind::cut : SshdTitle::Kind::listener;
    if (title.kind == SshdTitle::Kind::cut) return title;
    title.command = split_title(text.substr(0, found));
    text.remove_prefix(std::min(found + kListener.size() + 1, text.size()));
    title.startups = parse_startups(text);
    return title;
  }
  title.kind = text == "[accepted]" ? SshdTitle::Kind::accepted : SshdTitle::Kind::session;
  for (const auto& [suffix, kind] : kSuffixes) {
    if (!text.ends_with(suffix)) continue;
    const auto name = text.substr(0, text.size() - suffix.size());
    if (!name.empty() && !name.ends_with(' ')) continue;
    title.kind = kind;
    text = name.substr(0, name.empty() ? 0 : name.size() - 1);
    break;
  }
  title.name = text;
  return title;
}

}  // namespace local
