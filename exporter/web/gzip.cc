#include "web/gzip.h"

#include <zlib.h>

#include <array>
#include <new>
#include <utility>

namespace web {

namespace {

// Metrics repeat themselves: level 1 already makes them 20 times smaller, and higher ones cost more
// time than the bytes they save.
constexpr int kLevel = 1;
constexpr int kGzipWindowBits = 15 + 16;  // zlib.h: adding 16 asks for a gzip header
constexpr int kMemoryLevel = 8;           // zlib's default: 256 KiB for each stream

}  // namespace

struct GzipStream::State {
  z_stream stream{};
  std::array<unsigned char, 64 * 1024> output{};
};

GzipStream::GzipStream(std::function<void(std::string_view)> sink)
    : state_(std::make_unique<State>()), sink_(std::move(sink)) {
  if (deflateInit2(&state_->stream, kLevel, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
}

GzipStream::~GzipStream() { deflateEnd(&state_->stream); }

void GzipStream::write(std::string_view bytes) {
  // zlib only reads from next_in; its type lacks the const unless ZLIB_CONST is defined.
  state_->stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // NOLINT
  state_->stream.avail_in = static_cast<uInt>(bytes.size());
  pump(Z_NO_FLUSH);
}

void GzipStream::finish() {
  state_->stream.next_in = nullptr;
  state_->stream.avail_in = 0;
  pump(Z_FINISH);
}

void GzipStream::pump(int flush) {
  auto& [stream, output] = *state_;
  do {
    stream.next_out = output.data();
    stream.avail_out = static_cast<uInt>(output.size());
    deflate(&stream, flush);
    std::size_t size = output.size() - stream.avail_out;
    if (size > 0) sink_({reinterpret_cast<const char*>(output.data()), size});
  } while (stream.avail_out == 0);
}

}  // namespace web
