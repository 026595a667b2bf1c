// A folder of a test's own that stands for a host's root; removed with everything in it.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace test_support {

class RootFolder {
 public:
  RootFolder() {
    std::string name = std::filesystem::temp_directory_path() / "root_folder.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
    // As a real root: others may pass.
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~RootFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  RootFolder(const RootFolder&) = delete;
  RootFolder& operator=(const RootFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Where the host's own path is on this machine.
  [[nodiscard]] std::string at(const std::string& host_path) const {
    return path_.string() + host_path;
  }
  // With the directories above it.
  void write(const std::string& host_path, const std::string& text, mode_t mode = 0644) const {
    std::filesystem::create_directories(std::filesystem::path(at(host_path)).parent_path());
    std::ofstream(at(host_path), std::ios::binary) << text;
    EXPECT_EQ(::chmod(at(host_path).c_str(), mode), 0) << host_path;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace test_support
