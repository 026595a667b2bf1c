#include "local/environment.h"

#include <algorithm>

namespace local {

namespace {

constexpr std::string_view kNewline = "\n\r";
constexpr std::string_view kWhitespace = " \t\n\r";
constexpr std::string_view kCommentStart = "#;";
constexpr std::string_view kEscapedInDoubleQuotes = "\"\\`$";

bool is_in(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

bool valid_name(std::string_view name) {
  const auto valid = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
         std::all_of(name.begin(), name.end(), valid);
}

class FileReader {
 public:
  FileReader(CommentLines comments, Environment& environment)
      : comments_(comments), environment_(environment) {}

  void take(char c) {
    switch (state_) {
      case State::line_start:
        if (is_in(kCommentStart, c)) {
          state_ = State::comment;
        } else if (!is_in(kWhitespace, c)) {
          state_ = State::name;
          name_ = c;
        }
        break;
      case State::name:
        take_name(c);
        break;
      case State::before_value:
      case State::value:
        take_value(c);
        break;
      case State::escaped:
        state_ = State::value;
        if (!is_in(kNewline, c)) keep(c);
        break;
      case State::single_quotes:
        if (c == '\'') {
          state_ = State::before_value;
        } else {
          keep(c);
        }
        break;
      case State::double_quotes:
      case State::double_quotes_escaped:
        take_double_quoted(c);
        break;
      case State::comment:
      case State::comment_escaped:
        take_comment(c);
        break;
    }
  }

  void end() {
    if (state_ != State::line_start && state_ != State::name && state_ != State::comment &&
        state_ != State::comment_escaped) {
      finish();
    }
  }

 private:
  enum class State {
    line_start,
    name,
    before_value,  // also after a closing quote
    value,
    escaped,
    single_quotes,
    double_quotes,
    double_quotes_escaped,
    comment,
    comment_escaped,
  };

  void take_name(char c) {
    if (is_in(kNewline, c)) {
      state_ = State::line_start;
    } else if (c == '=') {
      name_.erase(name_.find_last_not_of(kWhitespace) + 1);
      value_.clear();
      kept_ = 0;
      state_ = State::before_value;
    } else {
      name_ += c;
    }
  }

  void take_value(char c) {
    if (is_in(kNewline, c)) {
      finish();
    } else if (c == '\\') {
      kept_ = value_.size();
      state_ = State::escaped;
    } else if (state_ == State::value) {
      // Blanks at the end of the value do not count, unless escaped or quoted.
      value_ += c;
      if (!is_in(kWhitespace, c)) kept_ = value_.size();
    } else if (c == '\'') {
      state_ = State::single_quotes;
    } else if (c == '"') {
      state_ = State::double_quotes;
    } else if (!is_in(kWhitespace, c)) {
      state_ = State::value;
      keep(c);
    }
  }

  void take_double_quoted(char c) {
    if (state_ == State::double_quotes_escaped) {
      state_ = State::double_quotes;
      if (c == '\n') return;
      if (!is_in(kEscapedInDoubleQuotes, c)) keep('\\');
      keep(c);
    } else if (c == '"') {
      state_ = State::before_value;
    } else if (c == '\\') {
      state_ = State::double_quotes_escaped;
    } else {
      keep(c);
    }
  }

  void take_comment(char c) {
    const bool escaped = state_ == State::comment_escaped;
    state_ = State::comment;
    if (c == '\\' && !escaped) {
      state_ = State::comment_escaped;
    } else if (is_in(kNewline, c) &&
               !(escaped && comments_ == CommentLines::continue_after_backslash)) {
      state_ = State::line_start;
    }
  }

  void keep(char c) {
    value_ += c;
    kept_ = value_.size();
  }

  void finish() {
    value_.resize(kept_);
    if (valid_name(name_)) environment_.insert_or_assign(name_, value_);
    state_ = State::line_start;
  }

  CommentLines comments_;
  Environment& environment_;
  State state_ = State::line_start;
  std::string name_;
  std::string value_;
  std::size_t kept_ = 0;  // how much of the value is not blanks at its end
};

// The words of a variable's value: quotes of both kinds, and a backslash before any character.
void split_value(std::string_view value, std::vector<std::string>& words) {
  std::string word;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (quote == 0 && is_in(kWhitespace, c)) {
      if (inside) words.push_back(std::move(word));
      word.clear();
      inside = false;
      continue;
    }
    inside = true;
    if (c == '\\') {
      if (i + 1 < value.size()) word += value[++i];
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else {
      word += c;
    }
  }
  if (inside) words.push_back(std::move(word));
}

std::string_view value_of(std::string_view name, const Environment& environment) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string_view() : std::string_view(found->second);
}

std::string expand_within(std::string_view word, const Environment& environment) {
  std::string result;
  std::size_t at = 0;
  while (at < word.size()) {
    const auto rest = word.substr(at);
    if (rest.starts_with("$$")) {
      result += '$';
      at += 2;
      continue;
    }
    if (rest.starts_with("${")) {
      // ${NAME:-other} is none of a unit file's syntax: systemd leaves it as it stands.
      const auto stop = rest.find_first_of("}:");
      if (stop != std::string_view::npos && rest[stop] == '}') {
        result += value_of(rest.substr(2, stop - 2), environment);
        at += stop + 1;
        continue;
      }
    }
    result += word[at++];
  }
  return result;
}

}  // namespace

void add_environment_file(std::string_view text, CommentLines comments, Environment& environment) {
  FileReader reader(comments, environment);
  for (const char c : text) reader.take(c);
  reader.end();
}

void add_assignment(std::string_view assignment, Environment& environment) {
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos || !valid_name(assignment.substr(0, equals))) return;
  environment.insert_or_assign(std::string(assignment.substr(0, equals)),
                               std::string(assignment.substr(equals + 1)));
}

void remove_assignment(std::string_view assignment, Environment& environment) {
  const auto equals = assignment.find('=');
  const auto found = environment.find(assignment.substr(0, equals));
  if (found == environment.end()) return;
  if (equals == std::string_view::npos || found->second == assignment.substr(equals + 1)) {
    environment.erase(found);
  }
}

std::vector<std::string> expand_words(const std::vector<std::string>& words,
                                      const Environment& environment) {
  std::vector<std::string> result;
  for (const std::string_view word : words) {
    if (word.size() > 1 && word[0] == '$' && word[1] != '{' && word[1] != '$') {
      split_value(value_of(word.substr(1), environment), result);
    } else {
      result.push_back(expand_within(word, environment));
    }
  }
  return result;
}

}  // namespace local
