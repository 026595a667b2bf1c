#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "folder.h"

namespace app {
namespace {

using testing::HasSubstr;

// The machine that the test runs on is looked at, whatever it is.
class InspectCommandTest : public testing::Test {
 protected:
  void ask(bool json) {
    InspectOptions options;
    options.config_file = file_.string();
    options.json = json;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    exit_code_ = inspect(options);
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
  }

  Folder folder_;
  std::filesystem::path file_ = folder_.write("exporter.yml", "local: {enabled: false}\n");
  int exit_code_ = -1;
  std::string out_;
  std::string err_;
};

TEST_F(InspectCommandTest, OneObjectForPrograms) {
  ask(true);
  const auto json = nlohmann::json::parse(out_);
  EXPECT_EQ(exit_code_, json["cause"] == "none" ? 0 : 1);
  EXPECT_EQ(json["collectors"].size(), 7U);
  EXPECT_FALSE(json["evidence"].empty());
}

TEST_F(InspectCommandTest, SentencesForPeople) {
  ask(false);
  EXPECT_THAT(out_, HasSubstr("SSH on this host  "));
  EXPECT_THAT(out_, HasSubstr("\n  - "));
  EXPECT_EQ(out_.find('\033'), std::string::npos) << "colours without a terminal";
}

TEST_F(InspectCommandTest, ABadFileIsBadInput) {
  folder_.write("exporter.yml", "local: {intervall: 1s}\n");
  ask(false);
  EXPECT_EQ(exit_code_, 2);
  EXPECT_THAT(err_, HasSubstr("exporter.yml:1:9: unknown key 'intervall' in local"));
  EXPECT_EQ(out_, "");
}

TEST_F(InspectCommandTest, AnEmptyRootIsNoHost) {
  folder_.write("exporter.yml", "local: {root: " + (folder_ / "").string() + "}\n");
  ask(true);
  EXPECT_NE(nlohmann::json::parse(out_)["cause"], "none");
}

}  // namespace
}  // namespace app
