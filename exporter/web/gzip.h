// gzip compression of a stream. Hides zlib.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace web {

class GzipStream {
 public:
  // `sink` gets the compressed pieces. Throws std::bad_alloc if there is no memory.
  explicit GzipStream(std::function<void(std::string_view)> sink);
  ~GzipStream();

  void write(std::string_view bytes);
  void finish();  // the stream is complete; no write() after it

 private:
  struct State;
  void pump(int flush);
  std::unique_ptr<State> state_;
  std::function<void(std::string_view)> sink_;
};

}  // namespace web
