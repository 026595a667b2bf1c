// YAML text → a tree of plain values with their places. Hides yaml-cpp and makes it strict: one
// document, UTF-8 without control characters, bounded depth and aliases, no tags, no key twice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace config {

struct Mark {  // both count from 1
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

// `null` stands for a key without a value, `~`, `null`, and an empty document.
struct Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  Mark mark;
  std::string text;            // of a scalar
  std::vector<Node> children;  // of a list; of a map: key, value, key, value, …; keys are scalars

  // The value under a key of a map; nullptr if there is none.
  [[nodiscard]] const Node* find(std::string_view key) const;
};

// A text from the file as messages show it: printable, bounded, in quotes.
std::string quote(std::string_view text);

// What is wrong with one file. The first problem counts: later ones often follow from it.
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  void add(Mark mark, std::string_view text);
  [[nodiscard]] bool none() const { return first_.empty(); }
  [[nodiscard]] base::Error error() const { return {first_}; }
  // "FILE:LINE:COLUMN: text"
  [[nodiscard]] std::string at(Mark mark, std::string_view text) const;

 private:
  std::string file_;
  std::string first_;
};

// After a problem the tree is incomplete.
Node read_document(const std::string& yaml, Problems& problems);

}  // namespace config
