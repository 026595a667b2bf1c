#include "app/discovery.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <functional>

#include "config/limits.h"
#include "folder.h"
#include "support/stepped_clock.h"

namespace app {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Names = std::vector<std::string>;
using Targets = std::vector<std::shared_ptr<const model::Target>>;

// The names of the targets that one group of this text holds.
std::string group(const Names& names) {
  std::string text = "- targets: [";
  for (const auto& name : names) text += "'" + name + "', ";
  return text + "]\n";
}

Names names_of(const Targets& targets) {
  Names names;
  for (const auto& target : targets) names.push_back(target->name);
  return names;
}

class DiscoveryTest : public testing::Test {
 protected:
  explicit DiscoveryTest(const base::Clock& clock = kClock) : loop_(clock) {
    std::filesystem::create_directory(folder_ / "targets");
    use({"targets/*.yml"});
  }

  // One source with these patterns.
  void use(const Names& patterns) {
    config::FileSdSource source;
    for (const auto& pattern : patterns) source.patterns.push_back((folder_ / pattern).string());
    configuration_.file_sd = {source};
  }
  void add_static(const std::string& host) {
    auto target = std::make_shared<model::Target>();
    target->name = host + ":22";
    target->host = host;
    target->settings = std::make_shared<const model::ProbeSettings>(configuration_.probe);
    configuration_.targets.push_back(std::move(target));
  }

  Targets read() { return discovery_.targets(configuration_); }
  Names names() { return names_of(read()); }

  // Runs the loop until the next call of `changed` and reads what there is then.
  Names after_a_change(base::Duration patience = 5s) {
    const int before = changes_;
    EXPECT_TRUE(run_until([&] { return changes_ > before; }, patience)) << "nobody told";
    return names();
  }
  // Runs the loop, reading after each change, until these are the names.
  bool becomes(const Names& wanted, base::Duration patience = 5s) {
    return run_until([&] { return names() == wanted; }, patience);
  }
  // What is logged meanwhile.
  template <typename Action>
  static std::string log_of(Action action) {
    testing::internal::CaptureStderr();
    action();
    return testing::internal::GetCapturedStderr();
  }

  bool run_until(std::function<bool()> condition, base::Duration patience) {
    bool fulfilled = false;
    on_change_ = [&] {
      fulfilled = condition();
      if (fulfilled) loop_.stop();
    };
    const auto guard = loop_.at(loop_.clock().steady() + patience, [this] { loop_.stop(); });
    loop_.run();
    loop_.cancel(guard);
    on_change_ = [] {};
    return fulfilled;
  }

  static inline const base::SystemClock kClock;
  Folder folder_;
  base::EventLoop loop_;
  config::Configuration configuration_;
  int changes_ = 0;
  std::function<void()> on_change_ = [] {};
  Discovery discovery_{loop_, [this] {
                         ++changes_;
                         on_change_();
                       }};
};

TEST_F(DiscoveryTest, ReadsTheFilesThatMatchAfterTheConfiguration) {
  add_static("static");
  folder_.write("targets/b.yml", group({"b:2222", "[::1]:22"}));
  folder_.write("targets/a.yml", R"([{"targets": ["a"], "labels": {"site": "ams"}}])");
  folder_.write("targets/notes.txt", "not for us");
  folder_.write("targets/.hidden.yml", group({"hidden"}));
  std::filesystem::create_directory(folder_ / "targets/directory.yml");
  const auto targets = read();
  ASSERT_THAT(names_of(targets), ElementsAre("static:22", "a:22", "b:2222", "[::1]:22"));
  EXPECT_THAT(targets[1]->labels, ElementsAre(std::pair<std::string, std::string>("site", "ams")));
  EXPECT_EQ(*targets[1]->settings, configuration_.probe);
}

TEST_F(DiscoveryTest, AFileWrittenInPlaceIsReadAgain) {
  folder_.write("targets/a.yml", group({"a"}));
  ASSERT_THAT(names(), ElementsAre("a:22"));
  folder_.write("targets/a.yml", group({"b"}));
  EXPECT_THAT(after_a_change(), ElementsAre("b:22"));
}

TEST_F(DiscoveryTest, AFileRenamedOverTheOldOneIsReadAgain) {
  folder_.write("targets/a.yml", group({"a"}));
  ASSERT_THAT(names(), ElementsAre("a:22"));
  folder_.replace("targets/a.yml", group({"b"}));
  EXPECT_TRUE(becomes({"b:22"}));
}

TEST_F(DiscoveryTest, FilesComeAndGo) {
  folder_.write("targets/a.yml", group({"a"}));
  ASSERT_THAT(names(), ElementsAre("a:22"));
  folder_.write("targets/b.yml", group({"b"}));
  EXPECT_TRUE(becomes({"a:22", "b:22"}));
  std::filesystem::remove(folder_ / "targets/a.yml");
  EXPECT_TRUE(becomes({"b:22"}));
  std::filesystem::rename(folder_ / "targets/b.yml", folder_ / "b.yml");
  EXPECT_TRUE(becomes({}));
}

// As Kubernetes mounts a ConfigMap: one symbolic link is replaced, the files behind it change.
TEST_F(DiscoveryTest, ADirectoryLinkThatIsSwappedIsFollowed) {
  for (const char* version : {"..1", "..2"}) {
    std::filesystem::create_directory(folder_ / "targets" / version);
    folder_.write("targets/" + std::string(version) + "/a.yml",
                  group({"in" + std::string(version)}));
  }
  std::filesystem::create_symlink("..1", folder_ / "targets/..data");
  std::filesystem::create_symlink("..data/a.yml", folder_ / "targets/a.yml");
  ASSERT_THAT(names(), ElementsAre("in..1:22"));
  std::filesystem::create_symlink("..2", folder_ / "targets/..new");
  std::filesystem::rename(folder_ / "targets/..new", folder_ / "targets/..data");
  EXPECT_TRUE(becomes({"in..2:22"}));
}

TEST_F(DiscoveryTest, AMalformedFileKeepsItsLastGoodTargetsUntilItIsMended) {
  folder_.write("targets/a.yml", group({"a"}));
  folder_.write("targets/b.yml", group({"b"}));
  ASSERT_THAT(names(), ElementsAre("a:22", "b:22"));
  for (const char* bad :
       {"- targets: [a", "targets: {a: b}", "- targets: ['a:0']", "- tragets: [a]", "\xff\xfe"}) {
    folder_.write("targets/a.yml", bad);
    Names seen;
    const auto log = log_of([&] { seen = after_a_change(); });
    EXPECT_THAT(seen, ElementsAre("a:22", "b:22")) << bad;
    EXPECT_THAT(log, HasSubstr((folder_ / "targets/a.yml").string())) << bad;
    EXPECT_THAT(log, HasSubstr("last good targets stay")) << bad;
  }
  folder_.write("targets/a.yml", group({"a", "c"}));
  EXPECT_THAT(after_a_change(), ElementsAre("a:22", "c:22", "b:22"));
}

TEST_F(DiscoveryTest, AMalformedFileFromTheStartIsNoObstacleToTheOthers) {
  folder_.write("targets/a.yml", "- targets: [");
  folder_.write("targets/b.yml", group({"b"}));
  EXPECT_THAT(names(), ElementsAre("b:22"));
  folder_.write("targets/a.yml", group({"a"}));
  EXPECT_THAT(after_a_change(), ElementsAre("a:22", "b:22"));
}

TEST_F(DiscoveryTest, AnEmptyFileHoldsNoTargets) {
  folder_.write("targets/a.yml", group({"a"}));
  ASSERT_THAT(names(), ElementsAre("a:22"));
  folder_.write("targets/a.yml", "");
  EXPECT_THAT(after_a_change(), IsEmpty());
}

TEST_F(DiscoveryTest, AFileThatIsTooLargeKeepsItsLastGoodTargets) {
  const auto path = folder_.write("targets/a.yml", group({"a"}));
  ASSERT_THAT(names(), ElementsAre("a:22"));
  std::filesystem::resize_file(path, config::kFileBytesLimit + 1);
  const auto log = log_of([&] { EXPECT_THAT(names(), ElementsAre("a:22")); });
  EXPECT_THAT(log, HasSubstr("larger than"));
}

TEST_F(DiscoveryTest, ADirectoryInPlaceOfANamedFileKeepsItsLastGoodTargets) {
  use({"targets/a.yml"});
  const auto path = folder_.write("targets/a.yml", group({"a"}));
  ASSERT_THAT(names(), ElementsAre("a:22"));
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_THAT(after_a_change(), ElementsAre("a:22"));
  std::filesystem::remove(path);
  EXPECT_TRUE(becomes({}));
}

// A loop of links stands for all that can refuse on the way to a file; root is refused as well.
TEST_F(DiscoveryTest, AFileOutOfReachKeepsItsLastGoodTargets) {
  for (const char* pattern : {"targets/a.yml", "targets/*.yml"}) {
    use({pattern});
    const auto path = folder_.write("targets/a.yml", group({"a"}));
    ASSERT_THAT(names(), ElementsAre("a:22"));
    std::filesystem::remove(path);
    std::filesystem::create_symlink("a.yml", path);
    const auto log = log_of([&] { EXPECT_THAT(names(), ElementsAre("a:22")) << pattern; });
    EXPECT_THAT(log, HasSubstr("last good targets stay"));
    std::filesystem::remove(path);
    EXPECT_THAT(names(), IsEmpty());
  }
}

TEST_F(DiscoveryTest, ADirectoryOutOfReachKeepsTheLastGoodTargetsOfItsFiles) {
  for (const char* pattern : {"targets/a.yml", "targets/*.yml"}) {
    use({pattern});
    std::filesystem::create_directory(folder_ / "targets");
    folder_.write("targets/a.yml", group({"a"}));
    ASSERT_THAT(names(), ElementsAre("a:22"));
    std::filesystem::remove_all(folder_ / "targets");
    std::filesystem::create_symlink("targets", folder_ / "targets");
    const auto log = log_of([&] { EXPECT_THAT(names(), ElementsAre("a:22")) << pattern; });
    EXPECT_THAT(log, HasSubstr("last good targets stay"));
    EXPECT_THAT(names(), ElementsAre("a:22")) << "at the second try";
    std::filesystem::remove(folder_ / "targets");
    EXPECT_THAT(names(), IsEmpty());
  }
}

TEST_F(DiscoveryTest, WhatIsGoneIsGoneAlsoWhileAnotherDirectoryIsOutOfReach) {
  use({"targets/*.yml", "others/*.yml"});
  folder_.write("targets/a.yml", group({"a"}));
  std::filesystem::create_directory(folder_ / "others");
  folder_.write("others/b.yml", group({"b"}));
  ASSERT_THAT(names(), ElementsAre("b:22", "a:22"));
  std::filesystem::remove_all(folder_ / "targets");
  std::filesystem::remove_all(folder_ / "others");
  std::filesystem::create_symlink("others", folder_ / "others");
  EXPECT_THAT(names(), ElementsAre("b:22"));
}

TEST_F(DiscoveryTest, TheFirstOfEqualTargetsCounts) {
  add_static("a");
  folder_.write("targets/1.yml", "- targets: [a, b]\n  labels: {from: first}\n");
  folder_.write("targets/2.yml", "- targets: ['b:22', c]\n  labels: {from: second}\n");
  Targets targets;
  const auto log = log_of([&] { targets = read(); });
  ASSERT_THAT(names_of(targets), ElementsAre("a:22", "b:22", "c:22"));
  EXPECT_THAT(targets[0]->labels, IsEmpty());
  EXPECT_EQ(targets[1]->labels[0].second, "first");
  EXPECT_EQ(targets[2]->labels[0].second, "second");
  EXPECT_THAT(log, HasSubstr("already in the configuration"));
  EXPECT_THAT(log, HasSubstr("already in " + (folder_ / "targets/1.yml").string()));
}

TEST_F(DiscoveryTest, AFileNamedTwiceIsReadOnce) {
  use({"targets/*.yml", "targets/a.*"});
  configuration_.file_sd.push_back(configuration_.file_sd[0]);
  folder_.write("targets/a.yml", group({"a"}));
  Names seen;
  EXPECT_EQ(log_of([&] { seen = names(); }), "");
  EXPECT_THAT(seen, ElementsAre("a:22"));
}

TEST_F(DiscoveryTest, UnchangedFilesAreNotParsedAgain) {
  folder_.write("targets/a.yml", group({"a"}));
  folder_.write("targets/b.yml", group({"b"}));
  const auto before = read();
  folder_.write("targets/b.yml", group({"b", "c"}));
  const auto after = read();
  ASSERT_THAT(names_of(after), ElementsAre("a:22", "b:22", "c:22"));
  EXPECT_EQ(after[0], before[0]);
  EXPECT_NE(after[1], before[1]);
}

// Tools that build the same bytes everywhere set the same time on every file.
TEST_F(DiscoveryTest, ANewTextOfTheSameSizeAndTimeIsANewText) {
  const auto write = [&](const std::string& name) {
    const auto path = folder_.write("targets/a.yml", group({name}));
    const timespec times[2] = {{1, 0}, {1, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  };
  write("a");
  ASSERT_THAT(names(), ElementsAre("a:22"));
  write("b");
  EXPECT_THAT(after_a_change(), ElementsAre("b:22"));
}

TEST_F(DiscoveryTest, NewProbeDefaultsReachTheTargetsOfFiles) {
  folder_.write("targets/a.yml", group({"a"}));
  ASSERT_EQ(read()[0]->settings->interval, 60s);
  configuration_.probe.interval = 15s;
  EXPECT_EQ(read()[0]->settings->interval, 15s);
  folder_.write("targets/a.yml", "- targets: [");
  configuration_.probe.interval = 30s;
  ASSERT_THAT(names(), ElementsAre("a:22"));
}

TEST_F(DiscoveryTest, FilesThatAreNoLongerConfiguredAreForgotten) {
  folder_.write("targets/a.yml", group({"a"}));
  folder_.write("b.yml", group({"b"}));
  ASSERT_THAT(names(), ElementsAre("a:22"));
  use({"b.yml"});
  EXPECT_THAT(names(), ElementsAre("b:22"));
  EXPECT_THAT(after_a_change(), ElementsAre("b:22")) << "told of the watch that ended";
  folder_.write("targets/a.yml", group({"c"}));
  EXPECT_FALSE(run_until([] { return true; }, 500ms)) << "the old directory is still watched";
  configuration_.file_sd.clear();
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(DiscoveryTest, ADirectoryReplacedByAnotherIsWatchedInstead) {
  folder_.write("targets/a.yml", group({"a"}));
  ASSERT_THAT(names(), ElementsAre("a:22"));
  std::filesystem::remove_all(folder_ / "targets");
  std::filesystem::create_directory(folder_ / "targets");
  folder_.write("targets/a.yml", group({"b"}));
  ASSERT_THAT(after_a_change(), ElementsAre("b:22"));
  folder_.write("targets/a.yml", group({"c"}));
  EXPECT_TRUE(becomes({"c:22"}));
}

// A log or a lock file in the same directory must not keep a change waiting for ever.
TEST_F(DiscoveryTest, AFileThatChangesAllTheTimeDoesNotHideTheOthers) {
  ASSERT_THAT(names(), IsEmpty());
  folder_.write("targets/a.yml", group({"a"}));
  base::EventLoop::TimerId noise;
  std::function<void()> make_noise = [&] {
    folder_.write("targets/noise", "x");
    noise = loop_.at(loop_.clock().steady() + 50ms, make_noise);
  };
  make_noise();
  EXPECT_TRUE(becomes({"a:22"}));
  loop_.cancel(noise);
}

TEST_F(DiscoveryTest, ManyChangesAtOnceAreReadTogether) {
  ASSERT_THAT(names(), IsEmpty());
  for (int i = 0; i < 200; ++i) {
    folder_.write("targets/" + std::to_string(i) + ".yml", group({"host" + std::to_string(i)}));
  }
  EXPECT_EQ(after_a_change().size(), 200U);
  EXPECT_EQ(changes_, 1);
}

// Time passes only when the test says so.
struct Stepped {
  test_support::SteppedClock stepped;
};
class DiscoveryOverMinutesTest : private Stepped, public DiscoveryTest {
 protected:
  DiscoveryOverMinutesTest() : DiscoveryTest(stepped) {}

  // True if `changed` is called within the minutes.
  bool told_after(std::chrono::minutes minutes) {
    bool told = false;
    on_change_ = [&] { told = true; };
    loop_.post([&] { stepped.advance(minutes); });
    loop_.post([&] { loop_.stop(); });
    loop_.run();
    return told;
  }
};

TEST_F(DiscoveryOverMinutesTest, ADirectoryThatAppearsLaterIsFound) {
  use({"later/*.yml"});
  ASSERT_THAT(names(), IsEmpty());
  std::filesystem::create_directory(folder_ / "later");
  folder_.write("later/a.yml", group({"a"}));
  EXPECT_FALSE(told_after(4min));
  EXPECT_TRUE(told_after(1min));
  EXPECT_THAT(names(), ElementsAre("a:22"));
  EXPECT_FALSE(told_after(4min));
  EXPECT_TRUE(told_after(1min)) << "once and no more";
}

}  // namespace
}  // namespace app
