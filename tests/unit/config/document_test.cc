#include "config/document.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/limits.h"

namespace config {
namespace {

std::string error_of(const std::string& yaml) {
  Problems problems("f");
  read_document(yaml, problems);
  return problems.none() ? "" : problems.error().message;
}

Node good(const std::string& yaml) {
  Problems problems("f");
  auto node = read_document(yaml, problems);
  EXPECT_TRUE(problems.none()) << problems.error().message;
  return node;
}

std::string repeat(const std::string& text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST(Document, HasValuesWithTheirPlaces) {
  auto root = good("a: 1\nlist:\n  - x\n  - 'y z'\nnone:\nmap: {k: \"v\"}\n");
  ASSERT_EQ(root.kind, Node::Kind::map);
  EXPECT_EQ(root.children.size(), 8U);
  EXPECT_EQ(root.find("a")->text, "1");
  EXPECT_EQ(root.find("a")->mark.column, 4U);
  const auto* list = root.find("list");
  ASSERT_EQ(list->kind, Node::Kind::list);
  ASSERT_EQ(list->children.size(), 2U);
  EXPECT_EQ(list->children[1].text, "y z");
  EXPECT_EQ(list->children[1].mark.line, 4U);
  EXPECT_EQ(list->children[1].mark.column, 5U);
  EXPECT_EQ(root.find("map")->find("k")->text, "v");
  EXPECT_EQ(root.find("absent"), nullptr);
}

TEST(Document, AValueThatIsNotThereIsAtItsKey) {
  auto root = good("a: 1\nnone:\n\n\n\nb: 2\n");
  EXPECT_EQ(root.find("none")->kind, Node::Kind::null);
  EXPECT_EQ(root.find("none")->mark.line, 2U);
}

TEST(Document, EmptyTextsAreNull) {
  for (const auto* yaml : {"", "\n", "# a comment", "---\n", "---", "...\n", "\xef\xbb\xbf", "~"}) {
    EXPECT_EQ(good(yaml).kind, Node::Kind::null) << yaml;
  }
}

TEST(Document, AcceptsWindowsLineEndsAndByteOrderMark) {
  auto root = good(
      "\xef\xbb\xbf"
      "a: 1\r\nb: 2\r\n");
  EXPECT_EQ(root.find("a")->text, "1");
  EXPECT_EQ(root.find("b")->text, "2");
}

TEST(Document, AcceptsJson) {
  auto root = good("{\n\t\"a\": [1, true, null, \"x\\u00e9\\n\\/\"],\n\t\"b\": {}\n}\n");
  EXPECT_EQ(root.find("a")->children[3].text, "x\xc3\xa9\n/");
  EXPECT_EQ(root.find("a")->children[2].kind, Node::Kind::null);
  EXPECT_EQ(root.find("b")->kind, Node::Kind::map);
}

TEST(Document, AliasesAreCopies) {
  auto root = good("a: &x {k: [1]}\nb: *x\n");
  EXPECT_EQ(root.find("b")->find("k")->children[0].text, "1");
}

struct BadCase {
  const char* yaml;
  const char* error;
};

TEST(Document, SaysWhatIsWrongAndWhere) {
  const std::vector<BadCase> cases{
      {"a: [1, 2\n",
       "f:2:1: not valid YAML: end of sequence flow not found; close the list with ]"},
      {"a: {b: 2\n", "f:2:1: not valid YAML: end of map flow not found; close the map with }"},
      {"a: b: c\n",
       "f:1:5: not valid YAML: illegal map value; quote a text that has a colon and a space"},
      {"a: 1\n\tb: 2\n", nullptr},
      {"a: 'x\n", "f:2:1: not valid YAML: illegal document indicator in scalar; close the quote"},
      {"a: \"x", "f:2:1: not valid YAML: illegal document indicator in scalar; close the quote"},
      {"a: @x\n", "f:1:4: not valid YAML: unknown token"},
      {"a: *x\n", "f:1:4: not valid YAML: the referenced anchor is not defined"},
      {"a: &x [*x]\n", "f:1:8: an alias of what it is part of"},
      {"a: !!str x\n", "f:1:4: tags such as 'tag:yaml.org,2002:str' are not supported; remove it"},
      {"a: 1\n---\nb: 2\n", "f:2:1: a second document begins here; a file holds one"},
      {"[a] b\n", "f:1:5: a second document begins here; a file holds one"},
      {"a: 1\nb: 2\na: 3\n", "f:3:1: key 'a' is already at line 1; remove one of them"},
      {"{a: 1, 'a': 2}", "f:1:8: key 'a' is already at line 1; remove one of them"},
      {"? [a]\n: 1\n", "f:1:3: a key must be a text"},
      {"? ~\n: 1\n", "f:1:3: a key must be a text"},
      {"a: 1\nb: \x01\n", "f:2:4: a control character; is this a text file?"},
      {"a: 1\n\xff\n", "f:2:1: this line is not valid UTF-8; save the file as UTF-8"},
      {"a: \"\\ud83d\\ude00\"", "f:1:11: not valid YAML: invalid unicode: 55357"},
  };
  for (const auto& bad : cases) {
    if (bad.error != nullptr) {
      EXPECT_EQ(error_of(bad.yaml), bad.error) << bad.yaml;
    } else {
      EXPECT_NE(error_of(bad.yaml), "") << bad.yaml;
    }
  }
}

TEST(Document, ControlCharactersDoNotCutTheFileShort) {
  // yaml-cpp takes each of these for the end.
  EXPECT_EQ(error_of(std::string("a: 1\n\0b: 2", 10)),
            "f:2:1: a control character; is this a text file?");
  EXPECT_EQ(error_of("a: 1\n\x04"
                     "b: 2"),
            "f:2:1: a control character; is this a text file?");
}

TEST(Document, EachPrefixIsReadOrRefused) {
  const std::string yaml = "a: \"x\\\"y\"\nb: ['1', {c: d}]\n? e\n: |\n  text\nf: &g h\ni: *g\n";
  for (std::size_t length = 0; length <= yaml.size(); ++length) {
    Problems problems("f");
    read_document(yaml.substr(0, length), problems);
  }
  EXPECT_EQ(error_of(yaml), "");
}

TEST(Document, DepthIsBounded) {
  const auto deepest = repeat("[", kDepthLimit - 1) + "x" + repeat("]", kDepthLimit - 1);
  EXPECT_EQ(error_of(deepest), "");
  EXPECT_EQ(error_of("[" + deepest + "]"), "f:1:17: nested deeper than 16 levels; no option is");
  for (const auto* level : {"[", "- ", "{a: ", "? ", "a:\n", "[{", "&x [", "? - "}) {
    EXPECT_NE(error_of(repeat(level, 100'000)), "") << level;
  }
}

TEST(Document, AliasesOfAliasesAreBounded) {
  std::string laughs = "a0: &a0 [\"ha\", \"ha\", \"ha\", \"ha\", \"ha\", \"ha\", \"ha\", \"ha\"]\n";
  for (int i = 1; i < 12; ++i) {
    auto name = "a" + std::to_string(i);
    auto last = "*a" + std::to_string(i - 1);
    laughs += name + ": &" + name + " [" + last;
    for (int j = 0; j < 7; ++j) laughs += ", " + last;
    laughs += "]\n";
  }
  EXPECT_NE(error_of(laughs).find("aliases make this file larger than 16 MiB"), std::string::npos)
      << error_of(laughs);
  // One long text, many times.
  std::string wide =
      "a: &a \"" + std::string(100'000, 'x') + "\"\nb: [" + repeat("*a, ", 200) + "]";
  EXPECT_NE(error_of(wide).find("larger than 16 MiB"), std::string::npos);
}

TEST(Document, KeysOfLargeMapsAreComparedToo) {
  std::string yaml;
  for (int i = 0; i < 50'000; ++i) yaml += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(error_of(yaml), "");
  EXPECT_EQ(error_of(yaml + "k7: 1\n"),
            "f:50001:1: key 'k7' is already at line 8; remove one of them");
}

TEST(Document, MessagesAreSafeToPrint) {
  EXPECT_EQ(error_of("\"\\e[31m\": 1\n\"\\e[31m\": 2\n"),
            "f:2:1: key '?[31m' is already at line 1; remove one of them");
  auto error =
      error_of("a: 1\n" + std::string(10'000, 'x') + ": 1\n" + std::string(10'000, 'x') + ": 1\n");
  EXPECT_LT(error.size(), 200U);
}

}  // namespace
}  // namespace config
