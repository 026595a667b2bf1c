#include "app/discovery.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <set>
#include <utility>

#include "base/log.h"

namespace app {

namespace {

// Editors and configuration managers write a file in several steps.
constexpr auto kSettle = std::chrono::milliseconds(200);
// However many steps, or whatever else is written in the same directory.
constexpr auto kLongestSettle = std::chrono::seconds(2);
// For file systems that do not tell of changes, and directories that did not exist before; the
// interval is Prometheus' own default for file_sd.
constexpr auto kRefresh = std::chrono::minutes(5);

constexpr std::uint32_t kWatchedEvents =
    IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB;

// Whether something on the way to the file refuses, so that it may still be there.
bool out_of_sight(const std::filesystem::path& path) {
  const auto refused = [](const std::filesystem::path& at, int mode) {
    return access(at.c_str(), mode) != 0 && errno != ENOENT && errno != ENOTDIR;
  };
  return refused(path.parent_path(), R_OK | X_OK) || refused(path, F_OK);
}

}  // namespace

Discovery::Discovery(base::EventLoop& loop, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)), inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (inotify_.valid()) {
    loop_.add(inotify_.get(), EPOLLIN, *this);
  } else {
    base::log::warn("no inotify: changes of file_sd files are seen after minutes only");
  }
}

Discovery::~Discovery() {
  loop_.cancel(timer_);
  if (inotify_.valid()) loop_.remove(inotify_.get());
}

base::EventLoop::Progress Discovery::ready(std::uint32_t /*events*/) {
  alignas(inotify_event) std::array<char, 4096> buffer;  // NOLINT: filled by read
  bool any = false;
  while (::read(inotify_.get(), buffer.data(), buffer.size()) > 0) any = true;
  if (!any) return base::EventLoop::Progress::none;
  const auto now = loop_.clock().steady();
  if (!unsettled_since_) unsettled_since_ = now;
  schedule(std::min<base::Duration>(kSettle, *unsettled_since_ + kLongestSettle - now));
  return base::EventLoop::Progress::some;
}

void Discovery::stuck() { inotify_.reset(); }

void Discovery::schedule(base::Duration delay) {
  loop_.cancel(timer_);
  timer_ = loop_.at(loop_.clock().steady() + delay, [this] { changed_(); });
}

void Discovery::watch(const std::vector<config::FileSdSource>& sources) {
  std::set<std::filesystem::path> wanted;
  for (const auto& source : sources) {
    for (const auto& pattern : source.patterns) {
      wanted.insert(std::filesystem::path(pattern).parent_path());
    }
  }
  std::erase_if(watched_, [&](const auto& watch) {
    if (wanted.contains(watch.first)) return false;
    inotify_rm_watch(inotify_.get(), watch.second);
    return true;
  });
  // Adding a directory again is harmless, and needed if it was replaced by another of the same
  // name.
  for (const auto& directory : wanted) {
    int descriptor = inotify_add_watch(inotify_.get(), directory.c_str(), kWatchedEvents);
    if (descriptor >= 0) watched_[directory] = descriptor;
  }
}

Discovery::Version Discovery::version_of(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return {status.st_dev, status.st_ino,
          status.st_ctim.tv_sec * kNanoseconds + status.st_ctim.tv_nsec, status.st_size};
}

void Discovery::refresh(const std::filesystem::path& path, File& file,
                        const std::shared_ptr<const model::ProbeSettings>& defaults) {
  auto version = version_of(path);
  if (file.defaults && version == file.version && *file.defaults == *defaults) return;
  auto loaded = config::load_file_sd(path, defaults);
  if (!loaded) {
    base::log::error("file_sd: the file is unusable; its last good targets stay",
                     {{"error", loaded.error()}, {"targets", std::to_string(file.targets.size())}});
    return;
  }
  for (const auto& warning : loaded->warnings) {
    base::log::warn("file_sd", {{"warning", warning}});
  }
  file = {version, defaults, std::move(loaded->targets)};
}

// What the patterns name, and what is known of files that nobody can look for now.
std::vector<std::filesystem::path> Discovery::files_of(const config::FileSdSource& source) const {
  std::vector<std::string> failures;
  auto paths = config::expand_patterns(source, &failures);
  for (const auto& failure : failures) {
    base::log::error("file_sd: its last good targets stay", {{"error", failure}});
  }
  if (failures.empty()) return paths;
  for (const auto& [path, file] : files_) {
    for (const auto& pattern : source.patterns) {
      bool gone = std::find(paths.begin(), paths.end(), path) == paths.end();
      if (gone && path.parent_path() == std::filesystem::path(pattern).parent_path() &&
          out_of_sight(path)) {
        paths.push_back(path);
      }
    }
  }
  return paths;
}

std::vector<std::shared_ptr<const model::Target>> Discovery::targets(
    const config::Configuration& configuration) {
  if (inotify_.valid()) watch(configuration.file_sd);
  unsettled_since_.reset();
  schedule(kRefresh);
  auto defaults = std::make_shared<const model::ProbeSettings>(configuration.probe);
  std::map<std::filesystem::path, File> files;
  std::vector<config::TargetList> lists{{"the configuration", configuration.targets}};
  for (const auto& source : configuration.file_sd) {
    for (const auto& path : files_of(source)) {
      auto [entry, added] = files.try_emplace(path);
      if (!added) continue;
      if (auto known = files_.find(path); known != files_.end()) entry->second = known->second;
      refresh(path, entry->second, defaults);
      lists.push_back({path.string(), entry->second.targets});
    }
  }
  files_ = std::move(files);
  std::vector<std::string> warnings;
  auto merged = config::merge(lists, warnings);
  for (const auto& warning : warnings) base::log::warn("targets", {{"warning", warning}});
  return merged;
}

}  // namespace app
