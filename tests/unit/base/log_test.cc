#include "base/log.h"

#include <gmock/gmock.h>

#include <string>
#include <thread>
#include <vector>

#include "base/text.h"

namespace base::log {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

class LogTest : public testing::Test {
 protected:
  void TearDown() override { configure(Level::info, Format::logfmt); }

  std::string line(Level level, Format format, std::string_view message, Fields fields = {}) {
    configure(Level::debug, format);
    testing::internal::CaptureStderr();
    switch (level) {
      case Level::debug:
        debug(message, fields);
        break;
      case Level::info:
        info(message, fields);
        break;
      case Level::warn:
        warn(message, fields);
        break;
      case Level::error:
        error(message, fields);
        break;
    }
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, Logfmt) {
  auto text = line(Level::info, Format::logfmt, "probe postponed", {{"target", "a:22"}, {"n", ""}});
  EXPECT_THAT(text,
              MatchesRegex("ts=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
                           "level=info msg=\"probe postponed\" target=a:22 n=\"\"\n"));
}

TEST_F(LogTest, Json) {
  auto text = line(Level::warn, Format::json, "it", {{"path", "C:\\a \"b\""}});
  EXPECT_THAT(text, StartsWith("{\"ts\":\""));
  EXPECT_THAT(text, EndsWith(R"(","level":"warn","msg":"it","path":"C:\\a \"b\""})"
                             "\n"));
}

TEST_F(LogTest, ValuesCannotForgeLinesOrFields) {
  const std::string hostile = "a\nb=c \"d\"\r\x1b[2J\x7f\t" + std::string(1, '\0') + "{}";
  EXPECT_THAT(line(Level::error, Format::logfmt, "x", {{"banner", hostile}}),
              EndsWith(" level=error msg=x banner=\"a\\nb=c \\\"d\\\"\\u000d\\u001b[2J\\u007f"
                       "\\u0009\\u0000{}\"\n"));
  EXPECT_THAT(line(Level::error, Format::json, "x", {{"banner", hostile}}),
              EndsWith("\"banner\":\"a\\nb=c \\\"d\\\"\\u000d\\u001b[2J\\u007f"
                       "\\u0009\\u0000{}\"}\n"));
}

TEST_F(LogTest, QuotesWhereLogfmtNeedsThem) {
  for (const char* value : {"a b", "a=b", "a\"b", "a\\b", "\x7f"}) {
    EXPECT_THAT(line(Level::info, Format::logfmt, "x", {{"k", value}}), EndsWith("\"\n")) << value;
  }
  EXPECT_THAT(line(Level::info, Format::logfmt, "x", {{"k", "caf\xc3\xa9"}}),
              EndsWith(" k=caf\xc3\xa9\n"));
}

TEST_F(LogTest, WhatIsNoUtf8IsReplaced) {
  for (auto format : {Format::logfmt, Format::json}) {
    auto text = line(Level::info, format, "x", {{"file", "caf\xe9.yml"}});
    EXPECT_TRUE(is_valid_utf8(text));
    EXPECT_THAT(text, HasSubstr("\"caf?.yml\""));
  }
}

TEST_F(LogTest, FormatCharactersOfTheMessageAreText) {
  EXPECT_THAT(line(Level::info, Format::logfmt, "{} %s %v {0"), HasSubstr("msg=\"{} %s %v {0\""));
}

TEST_F(LogTest, LevelsBelowTheConfiguredOneAreSilent) {
  configure(Level::warn, Format::logfmt);
  EXPECT_FALSE(enabled(Level::info));
  EXPECT_TRUE(enabled(Level::warn));
  testing::internal::CaptureStderr();
  debug("no");
  info("no");
  warn("yes");
  error("yes");
  auto text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_THAT(text, testing::Not(HasSubstr("no")));
}

TEST_F(LogTest, LinesOfThreadsDoNotMix) {
  configure(Level::info, Format::logfmt);
  testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int k = 0; k < 100; ++k) info("message", {{"key", "value"}});
    });
  }
  for (auto& thread : threads) thread.join();
  auto text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 400);
  std::size_t whole = 0;
  const std::string tail = " level=info msg=message key=value\n";
  for (auto at = text.find(tail); at != std::string::npos; at = text.find(tail, at + 1)) ++whole;
  EXPECT_EQ(whole, 400U);
}

}  // namespace
}  // namespace base::log
