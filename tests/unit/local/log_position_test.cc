#include "local/log_position.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>

#include "support/log_host.h"

namespace local {
namespace {

LogPosition journal_position() {
  return {JournalPosition{"s=ab;i=1;b=cd;m=2;t=3;x=4", 17}, std::nullopt};
}

LogPosition file_position() {
  return {std::nullopt, FilePosition{"/var/log/auth.log", 1, 2, 3, 18'446'744'073'709'551'615U}};
}

TEST(LogPosition, ReadsWhatItPrints) {
  EXPECT_EQ(parse_log_position(print(journal_position())), journal_position());
  EXPECT_EQ(parse_log_position(print(file_position())), file_position());
  const LogPosition no_entry_yet{JournalPosition{"", 5}, std::nullopt};
  EXPECT_EQ(parse_log_position(print(no_entry_yet)), no_entry_yet);
}

TEST(LogPosition, RefusesTheRest) {
  for (const auto& good : {print(journal_position()), print(file_position())}) {
    for (std::size_t size = 0; size < good.size(); ++size) {
      EXPECT_FALSE(parse_log_position(good.substr(0, size))) << size;
    }
    EXPECT_FALSE(parse_log_position(good + "x"));
    EXPECT_FALSE(parse_log_position(good + good));
  }
  const std::string title = "ssh_refusal_exporter log position 1\n";
  EXPECT_FALSE(parse_log_position(title));
  EXPECT_FALSE(parse_log_position(title + "cursor=a b\nsince=0\n"));
  EXPECT_FALSE(parse_log_position(title + "cursor=" + std::string(513, 'a') + "\nsince=0\n"));
  EXPECT_FALSE(parse_log_position(title + "cursor=a\nsince=-1\n"));
  const std::string rest = "\ndevice=1\ninode=1\noffset=1\nfingerprint=1\n";
  EXPECT_TRUE(parse_log_position(title + "path=/a" + rest));
  EXPECT_FALSE(parse_log_position(title + "path=a" + rest));
  EXPECT_FALSE(parse_log_position(title + "path=/a\ndevice=1\ninode=1\noffset=9223372036854775808\n"
                                          "fingerprint=1\n"));
}

TEST(LogPosition, AnyBytesAreSurvived) {
  std::mt19937 random(5);
  for (int i = 0; i < 20'000; ++i) {
    auto text = print(i % 2 == 0 ? journal_position() : file_position());
    for (auto edits = random() % 5; edits > 0; --edits) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    if (const auto position = parse_log_position(text)) {
      EXPECT_EQ(parse_log_position(print(*position)), position);
    }
  }
}

TEST(LogPositionStore, KeepsThePosition) {
  const test_support::TemporaryFolder folder;
  const auto directory = folder.path().string();
  LogPositionStore store(directory);
  EXPECT_EQ(store.load(), std::nullopt);
  store.save(file_position());
  EXPECT_EQ(LogPositionStore(directory).load(), file_position());
  store.save(journal_position());
  EXPECT_EQ(LogPositionStore(directory).load(), journal_position());
  const auto file = folder.path() / "log_position";
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "log_position.new"));
  std::filesystem::remove(file);
  store.save(journal_position());
  EXPECT_FALSE(std::filesystem::exists(file)) << "written again without need";
}

TEST(LogPositionStore, CorruptOrHugeFilesAreNone) {
  const test_support::TemporaryFolder folder;
  LogPositionStore store(folder.path().string());
  for (const auto& text : {std::string("garbage"), std::string("\0\xff\n", 3),
                           std::string(1U << 20U, 'a'), print(file_position()) + "\n"}) {
    std::ofstream(folder.path() / "log_position", std::ios::trunc) << text;
    EXPECT_EQ(store.load(), std::nullopt);
  }
  store.save(file_position());
  EXPECT_EQ(store.load(), file_position());
}

TEST(LogPositionStore, WorksWithoutADirectory) {
  LogPositionStore nowhere("");
  nowhere.save(file_position());
  EXPECT_EQ(nowhere.load(), std::nullopt);
  LogPositionStore missing("/nonexistent/directory");
  missing.save(file_position());
  missing.save(journal_position());
  EXPECT_EQ(missing.load(), std::nullopt);
}

}  // namespace
}  // namespace local
