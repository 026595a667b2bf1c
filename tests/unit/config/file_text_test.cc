#include "config/file_text.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "config/limits.h"

namespace config {
namespace {

TEST(FileText, IsReadWholeUpToTheLimit) {
  std::string path = std::filesystem::temp_directory_path() / "file_text_test.XXXXXX";
  int fd = mkstemp(path.data());
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, "text", 4), 4);
  auto text = read_text(path);
  ASSERT_TRUE(text.ok()) << text.error();
  EXPECT_EQ(*text, "text");
  // The rest is a hole in the file, which takes no room on the disk.
  ASSERT_EQ(ftruncate(fd, kFileBytesLimit), 0);
  text = read_text(path);
  ASSERT_TRUE(text.ok()) << text.error();
  EXPECT_EQ(text->size(), kFileBytesLimit);
  ASSERT_EQ(ftruncate(fd, kFileBytesLimit + 1), 0);
  text = read_text(path);
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error(), path + ": is larger than 64 MiB");
  close(fd);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace config
