// The targets of file_sd: reads the files, keeps the last good content of each, and says when
// something may have changed. On one thread.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/event_loop.h"
#include "base/fd.h"
#include "config/configuration.h"

namespace app {

class Discovery final : private base::EventLoop::Handler {
 public:
  // `changed` is called on the loop's thread, soon after a watched file or directory has changed
  // and every few minutes in any case (some file systems do not tell).
  Discovery(base::EventLoop& loop, std::function<void()> changed);
  ~Discovery();
  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  // Static targets of the configuration and those of all its files; the first of equal names stays.
  // A file that cannot be read or parsed keeps what it held before; that is logged.
  std::vector<std::shared_ptr<const model::Target>> targets(
      const config::Configuration& configuration);

 private:
  struct Version {  // of a file: what stat(2) says when it was read
    dev_t device = 0;
    ino_t inode = 0;
    // Nanoseconds of ctime: tools set the mtime, and the inode of a file just removed is used
    // again.
    std::int64_t changed = 0;
    std::int64_t size = -1;
    bool operator==(const Version&) const = default;
  };
  struct File {
    Version version;
    std::shared_ptr<const model::ProbeSettings> defaults;  // that its targets were made with
    std::vector<std::shared_ptr<const model::Target>> targets;
  };

  base::EventLoop::Progress ready(std::uint32_t events) override;
  void stuck() override;
  void watch(const std::vector<config::FileSdSource>& sources);
  void schedule(base::Duration delay);
  [[nodiscard]] std::vector<std::filesystem::path> files_of(
      const config::FileSdSource& source) const;
  void refresh(const std::filesystem::path& path, File& file,
               const std::shared_ptr<const model::ProbeSettings>& defaults);
  static Version version_of(const std::filesystem::path& path);

  base::EventLoop& loop_;
  std::function<void()> changed_;
  base::Fd inotify_;
  std::map<std::filesystem::path, int> watched_;  // directory → watch descriptor
  std::map<std::filesystem::path, File> files_;
  base::EventLoop::TimerId timer_{};
  std::optional<base::SteadyTime> unsettled_since_;  // the first change not read yet
};

}  // namespace app
