// How systemd reads files of variables and puts them into command lines. What is expected here is
// what programs started by systemd 252 and 257 got as their arguments.

#include "local/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using local::CommentLines;
using local::Environment;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;
using Words = std::vector<std::string>;

Environment file(std::string_view text, CommentLines comments = CommentLines::end_at_newline) {
  Environment environment;
  local::add_environment_file(text, comments, environment);
  return environment;
}

Words expand(const Words& words, const Environment& environment) {
  return local::expand_words(words, environment);
}

TEST(EnvironmentFile, DebiansOwn) {
  EXPECT_THAT(file("# Default settings for openssh-server. This file is sourced by /bin/sh from\n"
                   "# /etc/init.d/ssh.\n\n# Options to pass to sshd\nSSHD_OPTS=\n"),
              ElementsAre(Pair("SSHD_OPTS", "")));
}

TEST(EnvironmentFile, BlanksAndTheLastLine) {
  EXPECT_THAT(file("A=one two  \n  B = x\t\r\nC=last"),
              UnorderedElementsAre(Pair("A", "one two"), Pair("B", "x"), Pair("C", "last")));
}

TEST(EnvironmentFile, Quotes) {
  EXPECT_THAT(file(R"(A="quoted  $A `x` \"in\" \q" tail)"
                   "\n"
                   R"(B='single \n "x"')"
                   "\nC=a\"b c\"d\nD='  kept  '\nE=\"two\nlines\"\nF=\"joined \\\nline\"\n"),
              UnorderedElementsAre(Pair("A", R"(quoted  $A `x` "in" \qtail)"),
                                   Pair("B", R"(single \n "x")"), Pair("C", "a\"b c\"d"),
                                   Pair("D", "  kept  "), Pair("E", "two\nlines"),
                                   Pair("F", "joined line")));
}

TEST(EnvironmentFile, BackslashesOutsideQuotes) {
  EXPECT_THAT(file("A=a\\\nb\nB=c\\ d\nC=e\\\\f\nD=blank\\  \n"),
              UnorderedElementsAre(Pair("A", "ab"), Pair("B", "c d"), Pair("C", "e\\f"),
                                   Pair("D", "blank ")));
}

TEST(EnvironmentFile, CommentsStartLinesOnly) {
  EXPECT_THAT(file("# A=1\n;B=2\n  # C=3\nD=4 # stays\n"), ElementsAre(Pair("D", "4 # stays")));
}

TEST(EnvironmentFile, CommentsOfTheirVersion) {
  constexpr std::string_view kText = "# comment\\\nA=1\nB=2\n";
  EXPECT_THAT(file(kText), UnorderedElementsAre(Pair("A", "1"), Pair("B", "2")));
  EXPECT_THAT(file(kText, CommentLines::continue_after_backslash), ElementsAre(Pair("B", "2")));
}

TEST(EnvironmentFile, WhatIsNoAssignment) {
  EXPECT_THAT(file("export A=1\n1B=2\nno assignment\n=x\nC-D=3\n\n"), IsEmpty());
}

TEST(EnvironmentFile, TheLastOneWins) {
  EXPECT_THAT(file("A=1\nA=2\n"), ElementsAre(Pair("A", "2")));
}

TEST(EnvironmentFile, AnyCutOfATextIsRead) {
  const std::string text = "A='x' \"y\\\" z\" \\\n w\n#c\\\n;d\nB=\\";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    EXPECT_LE(file(std::string_view(text).substr(0, size)).size(), 2U) << size;
  }
}

TEST(Assignment, AddAndRemove) {
  Environment environment;
  for (const auto* one : {"A=1", "B=x=y", "C", "=z", "9D=1", "E="}) {
    local::add_assignment(one, environment);
  }
  EXPECT_THAT(environment, UnorderedElementsAre(Pair("A", "1"), Pair("B", "x=y"), Pair("E", "")));
  for (const auto* one : {"A=2", "B=x=y", "E", "F"}) local::remove_assignment(one, environment);
  EXPECT_THAT(environment, ElementsAre(Pair("A", "1")));
}

TEST(Expansion, AWordOfItsOwnBecomesWords) {
  const Environment environment{{"A", "-p 2222  -o 'Port 1' \"a\\\"b\" c\\ d ''"}, {"E", ""}};
  EXPECT_EQ(expand({"/usr/sbin/sshd", "-D", "$A"}, environment),
            (Words{"/usr/sbin/sshd", "-D", "-p", "2222", "-o", "Port 1", "a\"b", "c d", ""}));
  EXPECT_EQ(expand({"x", "$E", "$NONE", "$A.x"}, environment), Words{"x"});
}

TEST(Expansion, OpenQuotesAndBackslashesEndWithTheValue) {
  EXPECT_EQ(expand({"$A"}, {{"A", "x 'y z"}}), (Words{"x", "y z"}));
  EXPECT_EQ(expand({"$A"}, {{"A", "x\\"}}), Words{"x"});
}

TEST(Expansion, BracesStayOneWord) {
  const Environment environment{{"A", "one two"}};
  EXPECT_EQ(expand({"${A}", "pre${A}post", "${NONE}", "-p${NONE}"}, environment),
            (Words{"one two", "preone twopost", "", "-p"}));
}

TEST(Expansion, WhatIsNoVariable) {
  const Environment environment{{"A", "x"}};
  EXPECT_EQ(expand({"$$A", "$${A}", "${A:-y}", "a$A", "${A", "$", "a$", "5$$"}, environment),
            (Words{"$A", "${A}", "${A:-y}", "a$A", "${A", "$", "a$", "5$"}));
}

TEST(Expansion, ValuesAreNotExpandedAgain) {
  EXPECT_EQ(expand({"$A", "${A}"}, {{"A", "$B ${B}"}, {"B", "no"}}),
            (Words{"$B", "${B}", "$B ${B}"}));
}

}  // namespace
