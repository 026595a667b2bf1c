#include "web/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace web {
namespace {

std::string gunzip(const std::string& packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string input = packed;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  std::string text;
  int status = Z_OK;
  while (status == Z_OK) {
    unsigned char buffer[4096];
    stream.next_out = buffer;
    stream.avail_out = sizeof buffer;
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(reinterpret_cast<char*>(buffer), sizeof buffer - stream.avail_out);
  }
  EXPECT_EQ(status, Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0U);
  inflateEnd(&stream);
  return text;
}

TEST(GzipStream, GivesBackWhatWentIn) {
  std::string all;
  std::string packed;
  GzipStream stream([&](std::string_view bytes) { packed += bytes; });
  for (int i = 0; i < 20'000; ++i) {
    const std::string piece = "sample " + std::to_string(i * 7919) + "\n";
    all += piece;
    stream.write(piece);
  }
  stream.write("");
  stream.finish();
  EXPECT_LT(packed.size(), all.size() / 2);
  EXPECT_EQ(gunzip(packed), all);
}

TEST(GzipStream, AnEmptyStreamIsStillGzip) {
  std::string packed;
  GzipStream stream([&](std::string_view bytes) { packed += bytes; });
  stream.finish();
  EXPECT_EQ(gunzip(packed), "");
}

}  // namespace
}  // namespace web
