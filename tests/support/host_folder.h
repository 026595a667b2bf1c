// A folder that stands for a host's root. It is there to be read by a FakeHost made afterwards.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace test_support {

class HostFolder {
 public:
  HostFolder() {
    std::string name = std::filesystem::temp_directory_path() / "host.XXXXXX";
    path_ = mkdtemp(name.data());
    // By this a host knows that a procfs is mounted.
    write("proc/1/stat", "1 (systemd) S 0\n");
    write("proc/1/comm", "systemd\n");
  }
  ~HostFolder() { std::filesystem::remove_all(path_); }
  HostFolder(const HostFolder&) = delete;
  HostFolder& operator=(const HostFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  void link(const std::string& name, const std::string& target) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::filesystem::create_symlink(target, path_ / name);
  }
  void remove(const std::string& name) const { std::filesystem::remove_all(path_ / name); }

 private:
  std::filesystem::path path_;
};

}  // namespace test_support
