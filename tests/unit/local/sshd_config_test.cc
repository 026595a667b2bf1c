#include "local/sshd_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/fake_host.h"
#include "support/root_folder.h"

namespace {

using local::read_sshd_config;
using local::split_arguments;
using local::split_config;
using local::split_config_line;
using test_support::FakeHost;
using test_support::RootFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kMain = "/etc/ssh/sshd_config";
using Words = std::vector<std::string>;

// The lines in force as "FILE:LINE keyword words", the file without its directory.
Words in_force(const local::SshdConfigText& text) {
  Words lines;
  for (const auto& line : text.lines) {
    auto& out = lines.emplace_back(line.file.substr(line.file.rfind('/') + 1) + ":" +
                                   std::to_string(line.line) + " " + line.keyword);
    for (const auto& word : line.arguments) out += " " + word;
  }
  return lines;
}

struct WordsCase {
  const char* text;
  Words words;
};

TEST(SplitArguments, QuotesBackslashesAndComments) {
  for (const auto& [text, words] : std::vector<WordsCase>{
           {"", {}},
           {"a", {"a"}},
           {"  a\tb  ", {"a", "b"}},
           {"a # b", {"a"}},
           {"a#b", {"a#b"}},
           {"# a", {}},
           {"\"a b\" c", {"a b", "c"}},
           {"'a b'\"c d\"e", {"a bc de"}},
           {"\"\"", {""}},
           {"\"a'b\"", {"a'b"}},
           {R"(a\ b)", {"a b"}},
           {R"(\"a\')", {"\"a'"}},
           {R"(a\\b)", {R"(a\b)"}},
           {R"(a\nb)", {R"(a\nb)"}},
           {R"("a\ b")", {R"(a\ b)"}},
           {R"(a\)", {R"(a\)"}},
       }) {
    const auto split = split_arguments(text);
    ASSERT_TRUE(split) << text;
    EXPECT_EQ(*split, words) << text;
  }
  for (const auto* open : {"\"", "'a", "a \"b", R"("a\")"}) {
    EXPECT_FALSE(split_arguments(open)) << open;
  }
}

TEST(SplitConfigLine, KeywordAndValue) {
  for (const auto* text : {"Port 22", "port 22", "PORT\t22", "Port=22", "Port = 22", "Port =22",
                           "Port= 22", "\"Port\" 22", "\"Port\"22", "Port \"22\"", "=Port 22",
                           "Port 22 # comment", "Port 22\f", "Port 22 \r", "Port'22'"}) {
    const auto line = split_config_line(text);
    if (std::string(text) == "Port'22'") {
      EXPECT_FALSE(line) << "a single quote does not end a keyword, so there is no value";
      continue;
    }
    ASSERT_TRUE(line) << text;
    EXPECT_EQ(line->keyword, "port") << text;
    EXPECT_THAT(line->arguments, ElementsAre("22")) << text;
  }
  for (const auto* text :
       {"", " ", "#Port 22", "# x", "Port", "Port=", "\"Port 22", "Port \"22", "\f", "=", "\"\""}) {
    EXPECT_FALSE(split_config_line(text)) << text;
  }
}

TEST(SplitConfig, NumbersLinesAsSshdDoes) {
  const auto lines = split_config("\n# c\n  Port 1\r\nPort 2\n\nPort 3", "f");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].line, 3);
  EXPECT_EQ(lines[1].line, 4);
  EXPECT_EQ(lines[2].line, 6);
  EXPECT_EQ(lines[2].file, "f");
}

TEST(SplitConfig, ZeroByteSwallowsTheEndOfItsLine) {
  const auto lines = split_config(std::string("Port 1\0 x\n2\nPort 3\n", 18), "f");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0].arguments, ElementsAre("12"));
  EXPECT_EQ(lines[1].line, 2);
}

TEST(SplitConfig, IsBounded) {
  std::string text;
  for (std::size_t i = 0; i <= local::kConfigLineLimit; ++i) text += "Port 1\n";
  EXPECT_EQ(split_config(text, "f").size(), local::kConfigLineLimit);
}

TEST(ReadSshdConfig, MatchBlocksEndWithTheirFile) {
  const RootFolder root;
  root.write(kMain,
             "Port 1\nMatch User a\n  MaxSessions 1\nInclude never.conf\nMatch all\nPort 2\n"
             "Include last.conf\nPort 4\n");
  root.write("/etc/ssh/never.conf", "Port 9\nMatch all\nPort 9\n");
  root.write("/etc/ssh/last.conf", "Port 3\nMatch Address 10.0.0.0/8\nMaxSessions 2\n");
  const auto text = read_sshd_config(FakeHost(root.path()), kMain);
  EXPECT_THAT(in_force(text), ElementsAre("sshd_config:1 port 1", "sshd_config:6 port 2",
                                          "last.conf:1 port 3", "sshd_config:8 port 4"));
  EXPECT_EQ(text.problem, "");
}

TEST(ReadSshdConfig, IncludeHasPatterns) {
  const RootFolder root;
  root.write(kMain,
             "Include /etc/ssh/sshd_config.d/*.conf x?/[ab]/y \"with space\" none* nothing\n");
  root.write("/etc/ssh/sshd_config.d/20.conf", "Port 20\n");
  root.write("/etc/ssh/sshd_config.d/10.conf", "Port 10\n");
  root.write("/etc/ssh/sshd_config.d/.hidden.conf", "Port 9\n");
  root.write("/etc/ssh/sshd_config.d/30.conf.bak", "Port 9\n");
  std::filesystem::create_directories(root.at("/etc/ssh/sshd_config.d/40.conf"));
  root.write("/etc/ssh/x1/a/y", "Port 30\n");
  root.write("/etc/ssh/x2/c/y", "Port 9\n");
  root.write("/etc/ssh/with space", "Port 40\n");
  const auto text = read_sshd_config(FakeHost(root.path()), kMain);
  EXPECT_THAT(in_force(text), ElementsAre("10.conf:1 port 10", "20.conf:1 port 20", "y:1 port 30",
                                          "with space:1 port 40"));
  EXPECT_EQ(text.problem, "");
  // What may change the outcome is known, the directories and what is missing as well.
  for (const auto* path : {kMain, "/etc/ssh/sshd_config.d", "/etc/ssh/sshd_config.d/10.conf",
                           "/etc/ssh", "/etc/ssh/x1", "/etc/ssh/x2", "/etc/ssh/nothing"}) {
    EXPECT_THAT(text.inputs, testing::Contains(path));
  }
}

TEST(ReadSshdConfig, NestedAsDeepAsSshdGoes) {
  for (const int depth : {local::kIncludeDepthLimit, local::kIncludeDepthLimit + 1}) {
    const RootFolder root;
    root.write(kMain, "Include f1\n");
    for (int i = 1; i < depth; ++i) {
      root.write("/etc/ssh/f" + std::to_string(i), "Include f" + std::to_string(i + 1) + "\n");
    }
    root.write("/etc/ssh/f" + std::to_string(depth), "Port 5\n");
    const auto text = read_sshd_config(FakeHost(root.path()), kMain);
    const bool deep = depth > local::kIncludeDepthLimit;
    EXPECT_EQ(text.lines.size(), deep ? 0U : 1U);
    EXPECT_EQ(text.problem.empty(), !deep) << text.problem;
  }
}

TEST(ReadSshdConfig, SelfInclusionEnds) {
  const RootFolder root;
  root.write(kMain, "Include sshd_config\nInclude sshd_config\nPort 1\n");
  const auto text = read_sshd_config(FakeHost(root.path()), kMain);
  EXPECT_THAT(text.problem, HasSubstr("include"));
  EXPECT_LE(text.lines.size(), local::kIncludedFileLimit + 1);
}

TEST(ReadSshdConfig, WhatCannotBeRead) {
  const RootFolder root;
  EXPECT_EQ(read_sshd_config(FakeHost(root.path()), kMain).problem,
            "/etc/ssh/sshd_config: No such file or directory");
  std::filesystem::create_directories(root.at(kMain));
  const auto directory = read_sshd_config(FakeHost(root.path()), kMain);
  EXPECT_EQ(directory.problem, "") << "sshd takes a directory for an empty file";
  EXPECT_THAT(directory.lines, IsEmpty());
}

}  // namespace
