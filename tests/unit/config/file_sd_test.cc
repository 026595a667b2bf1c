#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "config/configuration.h"
#include "config/limits.h"

namespace config {
namespace {

namespace fs = std::filesystem;
using TargetPointer = std::shared_ptr<const model::Target>;

const auto kSettings = std::make_shared<const model::ProbeSettings>();

FileSdContent good(const std::string& yaml) {
  auto parsed = parse_file_sd(yaml, "f", kSettings);
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error());
  return parsed ? *parsed : FileSdContent{};
}

std::string error_of(const std::string& yaml) {
  auto parsed = parse_file_sd(yaml, "f", kSettings);
  return parsed ? "" : parsed.error();
}

std::vector<std::string> names(const std::vector<TargetPointer>& targets) {
  std::vector<std::string> result;
  for (const auto& target : targets) result.push_back(target->name);
  return result;
}

TargetPointer target(const std::string& name) {
  return std::make_shared<const model::Target>(model::Target{name, name, 22, {}, kSettings});
}

class Folder {
 public:
  Folder() {
    std::string name = fs::temp_directory_path() / "file_sd_test.XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] fs::path write(const std::string& name, const std::string& text = "") const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }

 private:
  fs::path path_;
};

TEST(FileSd, ReadsYamlAndJsonAlike) {
  auto yaml = good(
      "- targets: [a, 'b:2222']\n  labels: {site: ams, rack: \"7\"}\n"
      "- targets:\n    - \"[2001:db8::1]\"\n");
  auto json = good(
      "[{\"targets\": [\"a\", \"b:2222\"], \"labels\": {\"site\": \"ams\", \"rack\": \"7\"}},\n"
      "\t{\"targets\": [\"[2001:db8::1]\"]}]\n");
  for (const auto& content : {yaml, json}) {
    EXPECT_EQ(names(content.targets),
              (std::vector<std::string>{"a:22", "b:2222", "[2001:db8::1]:22"}));
    EXPECT_EQ(content.targets[0]->labels,
              (std::vector<std::pair<std::string, std::string>>{{"rack", "7"}, {"site", "ams"}}));
    EXPECT_EQ(content.targets[1]->host, "b");
    EXPECT_EQ(content.targets[1]->port, 2222);
    EXPECT_TRUE(content.targets[2]->labels.empty());
    EXPECT_EQ(content.targets[2]->host, "2001:db8::1");
    for (const auto& each : content.targets) EXPECT_EQ(each->settings, kSettings);
    EXPECT_TRUE(content.warnings.empty());
  }
}

TEST(FileSd, NothingIsNoTarget) {
  for (const auto* yaml :
       {"", "[]", "# none yet\n", "- targets: []\n", "- {targets: [], labels: }\n"}) {
    EXPECT_TRUE(good(yaml).targets.empty()) << yaml;
  }
}

TEST(FileSd, DropsLabelsThatBeginWithTwoUnderscores) {
  auto content = good("- {targets: [a], labels: {__meta_x: y, __address__: z, _a: b, __: [1]}}");
  EXPECT_EQ(content.targets[0]->labels,
            (std::vector<std::pair<std::string, std::string>>{{"_a", "b"}}));
}

TEST(FileSd, TheFirstOfEqualTargetsStays) {
  auto content =
      good("- {targets: [a], labels: {n: \"1\"}}\n- {targets: [b, 'a:22'], labels: {n: \"2\"}}\n");
  EXPECT_EQ(names(content.targets), (std::vector<std::string>{"a:22", "b:22"}));
  EXPECT_EQ(content.targets[0]->labels[0].second, "1");
  EXPECT_EQ(
      content.warnings,
      std::vector<std::string>{"f:2:17: target 'a:22' is already at line 1; the first one counts"});
}

TEST(FileSd, WarningsAreBounded) {
  std::string list = "- targets: [a";
  for (std::size_t i = 0; i < kWarningLimit; ++i) list += ", a";
  EXPECT_EQ(good(list + "]").warnings.size(), kWarningLimit);
  auto content = good(list + ", a, a]");
  ASSERT_EQ(content.warnings.size(), kWarningLimit + 1);
  EXPECT_EQ(content.warnings.back(), "and 2 more of these");
}

struct BadCase {
  const char* yaml;
  const char* error;
};

TEST(FileSd, SaysWhatIsWrong) {
  const std::vector<BadCase> cases{
      {"[{targets: [",
       "f:2:1: not valid YAML: end of sequence flow not found; close the list with ]"},
      {"targets: {a: b}",
       "f:1:1: a target file is a list of groups; write - targets: [HOST, HOST:PORT]"},
      {"- a", "f:1:3: a group of targets must be a map, lines of KEY: VALUE"},
      {"- targets: 7\n",
       "f:1:12: a group of targets needs a list of them; write targets: [HOST, HOST:PORT]"},
      {"- labels: {}\n",
       "f:1:3: a group of targets needs a list of them; write targets: [HOST, HOST:PORT]"},
      {"- target: [a]\n",
       "f:1:3: unknown key 'target' in a group of targets; did you mean 'targets'?"},
      {"- targets: ['host:notaport']\n",
       "f:1:13: target 'host:notaport' has no port between 1 and 65535 after the colon"},
      {"- targets: [a, [b]]\n", "f:1:16: target has a list; write host, host:port or [ipv6]:port"},
      {"- targets: [a]\n  labels: {'0bad': x}\n",
       "f:2:12: label name '0bad' is not valid; write letters, digits and _, no digit first"},
      {"- targets: [a]\n  labels: {cause: x}\n",
       "f:2:12: label name 'cause' is one of the exporter's own; choose another"},
      {"- targets: [a]\n  labels: [x]\n",
       "f:2:11: labels has a list; write a map such as {site: ams}"},
      {"- targets: [a]\n  labels: {a: x, a: y}\n",
       "f:2:18: key 'a' is already at line 2; remove one of them"},
  };
  for (const auto& bad : cases) EXPECT_EQ(error_of(bad.yaml), bad.error) << bad.yaml;
}

TEST(FileSd, HoldsAHundredThousandTargetsAndRefusesTooMany) {
  std::string json = "[";
  for (int i = 0; i < 100'000; ++i) {
    json += (i > 0 ? ", " : "") + ("{\"targets\": [\"host" + std::to_string(i)) +
            ".example.net:22\"], \"labels\": {\"site\": \"ams\"}}";
  }
  EXPECT_EQ(good(json + "]").targets.size(), 100'000U);
  std::string list = "- targets: [";
  for (std::size_t i = 0; i < kTargetLimit; ++i) list += "a" + std::to_string(i) + ", ";
  EXPECT_EQ(good(list + "]").targets.size(), kTargetLimit);
  EXPECT_NE(error_of(list + "b]").find("more than 200000 targets"), std::string::npos);
}

TEST(FileSd, ErrorsOfFilesHaveTheirPath) {
  Folder folder;
  auto path = folder.write("bad.yml", "- targets: [a\n");
  auto loaded = load_file_sd(path, kSettings);
  ASSERT_FALSE(loaded.ok());
  EXPECT_TRUE(loaded.error().starts_with(path.string() + ":2:1: not valid YAML")) << loaded.error();
  EXPECT_EQ(load_file_sd(folder.path(), kSettings).error(),
            folder.path().string() + ": is not a file");
  EXPECT_EQ(load_file_sd("/nonexistent.yml", kSettings).error(),
            "/nonexistent.yml: No such file or directory");
  ASSERT_EQ(mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(load_file_sd(folder.path() / "pipe", kSettings).error(),
            (folder.path() / "pipe").string() + ": is not a file");
  auto content = load_file_sd(folder.write("good.yml", "- targets: [a]\n"), kSettings);
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(names(content->targets), std::vector<std::string>{"a:22"});
}

TEST(ExpandPatterns, FindsFilesSortedAndOnce) {
  Folder folder;
  auto a = folder.write("a.yml");
  auto b = folder.write("b.yml");
  auto json = folder.write("c.json");
  (void)folder.write(".hidden.yml");
  fs::create_directory(folder.path() / "folder.yml");
  std::vector<std::string> failures;
  auto files =
      expand_patterns({{folder.path() / "*.yml", json, a, folder.path() / "none*",
                        folder.path() / "none.yml", "/nonexistent/*.yml", "/nonexistent/a.yml"}},
                      &failures);
  EXPECT_EQ(files, (std::vector<fs::path>{a, b, json}));
  EXPECT_TRUE(failures.empty());
  EXPECT_EQ(expand_patterns({{folder.path() / "[bx].y?l"}}), std::vector<fs::path>{b});
  // A folder in a file's place is for load_file_sd() to complain of.
  EXPECT_EQ(expand_patterns({{folder.path() / "folder.yml"}}).size(), 1U);
}

TEST(ExpandPatterns, WildcardsInDirectoryNamesAreLiteral) {
  Folder folder;
  fs::create_directory(folder.path() / "[a]");
  auto file = folder.write("[a]/x.yml");
  EXPECT_EQ(expand_patterns({{folder.path() / "[a]" / "*.yml"}}), std::vector<fs::path>{file});
}

TEST(ExpandPatterns, BoundsTheFilesOfAPattern) {
  Folder folder;
  for (std::size_t i = 0; i < kMatchLimit; ++i) (void)folder.write(std::to_string(i));
  std::vector<std::string> failures;
  EXPECT_EQ(expand_patterns({{folder.path() / "*"}}, &failures).size(), kMatchLimit);
  EXPECT_TRUE(failures.empty());
  (void)folder.write("more");
  EXPECT_EQ(expand_patterns({{folder.path() / "*"}}, &failures).size(), kMatchLimit);
  EXPECT_EQ(failures, std::vector<std::string>{(folder.path() / "*").string() +
                                               ": more than 4096 files; only so many are read"});
}

TEST(ExpandPatterns, SaysWhatCannotBeRead) {
  Folder folder;
  auto file = folder.write("file.yml");
  std::vector<std::string> failures;
  EXPECT_TRUE(expand_patterns({{file / "*.yml", file / "a.yml"}}, &failures).empty());
  EXPECT_EQ(failures, (std::vector<std::string>{file.string() + "/*.yml: Not a directory"}));
}

TEST(Merge, KeepsOrderAndTheFirstOfEqualNames) {
  std::vector<TargetList> lists{{"the configuration", {target("b"), target("a")}},
                                {"x.yml", {target("c"), target("a")}},
                                {"y.yml", {target("c"), target("d")}}};
  std::vector<std::string> warnings{"stale"};
  auto merged = merge(lists, warnings);
  EXPECT_EQ(names(merged), (std::vector<std::string>{"b", "a", "c", "d"}));
  EXPECT_EQ(merged[1], lists[0].targets[1]);
  EXPECT_EQ(warnings,
            (std::vector<std::string>{
                "target 'a' of x.yml is already in the configuration; the first one counts",
                "target 'c' of y.yml is already in x.yml; the first one counts"}));
  EXPECT_TRUE(merge({}, warnings).empty());
  EXPECT_TRUE(warnings.empty());
}

TEST(Merge, BoundsTheTotal) {
  std::vector<TargetList> lists{{"x.yml", {}}, {"y.yml", {target("one"), target("more")}}};
  for (std::size_t i = 0; i < kTargetLimit - 1; ++i) {
    lists[0].targets.push_back(target("t" + std::to_string(i)));
  }
  std::vector<std::string> warnings;
  EXPECT_EQ(merge(lists, warnings).size(), kTargetLimit);
  EXPECT_EQ(warnings, std::vector<std::string>{
                          "target 'more' of y.yml is left out: more than 200000 targets"});
}

}  // namespace
}  // namespace config
