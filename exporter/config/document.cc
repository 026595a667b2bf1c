#include "config/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <istream>
#include <map>
#include <streambuf>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "config/limits.h"

namespace config {

namespace {

// Below this a map's keys are compared with each other; hashing them costs more.
constexpr std::size_t kFewKeys = 32;

Mark to_mark(const YAML::Mark& mark) {
  // yaml-cpp counts from 0, and says -1 if it does not know.
  auto from_one = [](int number) { return static_cast<std::uint32_t>(std::max(number, 0)) + 1; };
  return {from_one(mark.line), from_one(mark.column)};
}

std::size_t bytes_of(const Node& node) {
  std::size_t bytes = sizeof node + node.text.size();
  for (const auto& child : node.children) bytes += bytes_of(child);
  return bytes;
}

// Thrown through yaml-cpp's parser to end it; never leaves this file.
struct Stop {
  Mark mark;
  std::string text;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  [[nodiscard]] Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      throw Stop{to_mark(mark), "a second document begins here; a file holds one"};
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    begin(Node::Kind::null, mark, "", anchor);
    end();
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override { copy(mark, anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    begin(Node::Kind::scalar, mark, tag, anchor);
    open_.back().node.text = value;
    end();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    begin(Node::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    begin(Node::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override {
    check_keys(open_.back().node);
    end();
  }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
  };

  void begin(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
             YAML::anchor_t anchor) {
    // "?" is a plain value, "!" a quoted one.
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Stop{to_mark(mark), "tags such as " + quote(tag) + " are not supported; remove it"};
    }
    if (open_.size() >= kDepthLimit) {
      throw Stop{to_mark(mark),
                 "nested deeper than " + std::to_string(kDepthLimit) + " levels; no option is"};
    }
    open_.push_back({Node{kind, to_mark(mark), {}, {}}, anchor});
  }

  void end() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    if (closed.anchor != 0) {
      account(closed.node, closed.node.mark);
      anchored_.insert_or_assign(closed.anchor, closed.node);
    }
    place(std::move(closed.node));
  }

  void place(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    auto& parent = open_.back().node;
    // yaml-cpp marks a value that is not there at the next token, maybe pages further on.
    bool is_value = parent.kind == Node::Kind::map && parent.children.size() % 2 == 1;
    if (is_value && node.kind == Node::Kind::null) node.mark = parent.children.back().mark;
    parent.children.push_back(std::move(node));
  }

  void copy(const YAML::Mark& mark, YAML::anchor_t anchor) {
    auto found = anchored_.find(anchor);
    if (found == anchored_.end()) throw Stop{to_mark(mark), "an alias of what it is part of"};
    account(found->second, to_mark(mark));
    place(found->second);
  }

  void account(const Node& node, Mark mark) {
    copied_bytes_ += bytes_of(node);
    if (copied_bytes_ > kAliasBytesLimit) {
      throw Stop{mark, "aliases make this file larger than 16 MiB; write it out"};
    }
  }

  static void check_keys(const Node& map) {
    const auto& children = map.children;
    for (std::size_t i = 0; i < children.size(); i += 2) {
      if (children[i].kind != Node::Kind::scalar) {
        throw Stop{children[i].mark, "a key must be a text"};
      }
    }
    if (children.size() / 2 <= kFewKeys) {
      for (std::size_t i = 2; i < children.size(); i += 2) {
        for (std::size_t j = 0; j < i; j += 2) {
          if (children[i].text == children[j].text) refuse_twice(children[j], children[i]);
        }
      }
      return;
    }
    std::unordered_map<std::string_view, const Node*> seen;
    for (std::size_t i = 0; i < children.size(); i += 2) {
      auto [earlier, is_new] = seen.emplace(children[i].text, &children[i]);
      if (!is_new) refuse_twice(*earlier->second, children[i]);
    }
  }

  [[noreturn]] static void refuse_twice(const Node& first, const Node& second) {
    throw Stop{second.mark, "key " + quote(second.text) + " is already at line " +
                                std::to_string(first.mark.line) + "; remove one of them"};
  }

  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchored_;
  std::size_t copied_bytes_ = 0;
  int documents_ = 0;
  Node root_;
};

// yaml-cpp's words for the mistakes that people make most → what to write.
struct Hint {
  std::string_view message;
  std::string_view advice;
};
constexpr std::array<Hint, 6> kHints{{
    {"illegal tab", "indent with spaces"},
    {"illegal map value", "quote a text that has a colon and a space"},
    {"end of sequence flow not found", "close the list with ]"},
    {"end of map flow not found", "close the map with }"},
    {"end of map not found", "indent the keys of a map alike"},
    {"illegal document indicator in scalar", "close the quote"},
}};

std::string explain(const std::string& message) {
  std::string text = "not valid YAML: " + message;
  for (const auto& hint : kHints) {
    if (message.starts_with(hint.message)) text.append("; ").append(hint.advice);
  }
  return text;
}

// A stream over a text without another copy of it.
class TextBuffer final : public std::streambuf {
 public:
  explicit TextBuffer(std::string& text) {
    setg(text.data(), text.data(), text.data() + text.size());
  }
};

// yaml-cpp takes bytes 0 and 4 for the end of the file and repairs broken UTF-8 silently.
bool check_text(std::string_view yaml, Problems& problems) {
  std::uint32_t line = 1;
  while (!yaml.empty()) {
    auto text = yaml.substr(0, yaml.find('\n'));
    auto control = std::find_if(text.begin(), text.end(), [](char c) {
      auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\t' && c != '\r') || byte == 0x7f;
    });
    if (control != text.end()) {
      auto column = static_cast<std::uint32_t>(control - text.begin()) + 1;
      problems.add({line, column}, "a control character; is this a text file?");
      return false;
    }
    if (!base::is_valid_utf8(text)) {
      problems.add({line, 1}, "this line is not valid UTF-8; save the file as UTF-8");
      return false;
    }
    yaml.remove_prefix(std::min(text.size() + 1, yaml.size()));
    ++line;
  }
  return true;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (std::size_t i = 0; i + 1 < children.size(); i += 2) {
    if (children[i].text == key) return &children[i + 1];
  }
  return nullptr;
}

std::string quote(std::string_view text) {
  constexpr std::size_t kBytes = 60;
  return "'" + base::printable(text, kBytes) + "'";
}

void Problems::add(Mark mark, std::string_view text) {
  if (none()) first_ = at(mark, text);
}

std::string Problems::at(Mark mark, std::string_view text) const {
  std::string message = file_;
  message.append(":").append(std::to_string(mark.line));
  message.append(":").append(std::to_string(mark.column));
  message.append(": ").append(text);
  return message;
}

Node read_document(const std::string& yaml, Problems& problems) {
  if (!check_text(yaml, problems)) return {};
  TreeBuilder builder;
  try {
    std::string closed = yaml;
    if (!closed.empty() && closed.back() != '\n') closed += '\n';
    // Without an end marker yaml-cpp takes the end of the file for a missing closing quote.
    closed += "...\n";
    TextBuffer buffer(closed);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& stop) {
    problems.add(stop.mark, stop.text);
  } catch (const YAML::Exception& exception) {
    problems.add(to_mark(exception.mark), explain(exception.msg));
  } catch (const std::exception& exception) {
    problems.add({}, explain(exception.what()));
  }
  return builder.take();
}

}  // namespace config
